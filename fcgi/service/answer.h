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
 * `view`. A user who is unknown or not to be seen is 404 "Cannot find user: X", and 503 while
 * PostgreSQL cannot be asked. */
void answer_read(const struct service *service, const struct http_request *request,
                 enum cache_view view, answer_writer *write, struct http_response *response);

/* The same of the data of all public users: the path names nobody. */
void answer_read_site(const struct service *service, const struct http_request *request,
                      enum cache_view view, answer_writer *write,
                      struct http_response *response);

/* Reads from the database what is asked for, and writes the body; it may set another status than
 * 200. RESULT_NOT_FOUND is told as an unknown user. */
typedef enum result answer_direct_writer(const struct service *service,
                                         const struct http_request *request,
                                         const struct cache_profile *profile,
                                         struct http_response *response, struct error *error);

struct answer_direct {
    answer_direct_writer *write;
    const char *unknown_before; /* NULL: "Cannot find user: " */
    const char *unknown_after;
};

/* Answers a read that goes past the cache, because it is had by key and no version tells when it
 * changes. Who asks, and whether he may see it, is found out as above, but nothing is answered that
 * PostgreSQL does not verify; an unknown user is 404 with `unknown_before`, his name and
 * `unknown_after`. Adds Cache-Status, ETag, Cache-Control and Vary; no view is counted. */
void answer_direct(const struct service *service, const struct http_request *request,
                   const struct answer_direct *direct, struct http_response *response);

/* Reads from the database what is asked for, and writes the body. */
typedef enum result answer_open_writer(const struct service *service,
                                       const struct http_request *request,
                                       struct http_response *response, struct error *error);

/* Answers a read of what everybody may see, whoever asks, which goes past the cache likewise. */
void answer_open(const struct service *service, const struct http_request *request,
                 answer_open_writer *write, struct http_response *response);

/* For a writer that found a wrong parameter, told by `parsed` and *error: an unknown user comes
 * before it. */
enum result answer_wrong_query(struct cache_reader *reader, enum result parsed,
                               struct error *error) MUST_CHECK;

enum { ANSWER_COUNT_DEFAULT = 25, ANSWER_COUNT_MAX = 1000 };

/* What part of a list is wanted: ?offset, or none left out, and ?count, or `count_default`, which is
 * cut to ANSWER_COUNT_MAX. RESULT_INVALID with the contract's text. */
enum result answer_query_span(const struct http_request *request, int64_t count_default,
                              int64_t *offset, int64_t *count, struct error *error) MUST_CHECK;

/* A whole number from the query: *value stays where it is absent, and *text is what was given, as
 * http_shown() has it. False if that is no whole number. */
bool answer_query_int(const struct http_request *request, const char *name, int64_t *value,
                      struct slice *text);

#endif
