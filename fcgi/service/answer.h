/*
 * How cached reads are answered: the headers that tell what the cache did, and the errors that all
 * of them have in common.
 */
#ifndef REFRAIN_SERVICE_ANSWER_H
#define REFRAIN_SERVICE_ANSWER_H

#include "service/service.h"

/* Reads what is asked for and writes the body; it may set another status than 200. The reader is
 * closed when the answer has gone, so what was fetched with it can be lent to the response. */
typedef enum result answer_writer(const struct service *service,
                                  const struct http_request *request,
                                  struct cache_reader *reader, struct http_response *response,
                                  struct error *error);

/* Answers a read of the data of the user whom the path's first capture names: opens a reader for
 * the one who asks, lets `write` use it, adds Cache-Status, Age, ETag, Cache-Control, Vary and
 * Server-Timing, makes it a 304 where the client has the body already, and counts the request under
 * `view`. A user who is unknown or not to be seen is 404 "Cannot find user: X". */
void answer_read(const struct service *service, const struct http_request *request,
                 enum cache_view view, answer_writer *write, struct http_response *response);

/* For a writer that found a wrong parameter, told by `parsed` and *error: an unknown user comes
 * before it. */
enum result answer_wrong_query(struct cache_reader *reader, enum result parsed,
                               struct error *error) MUST_CHECK;

/* A whole number from the query: *value stays where it is absent, and *text is what was given. False
 * if that is no whole number. */
bool answer_query_int(const struct http_request *request, const char *name, int64_t *value,
                      struct slice *text);

#endif
