/*
 * From the response of a handler to the bytes that are sent.
 */
#ifndef REFRAIN_HTTP_RESPONSE_H
#define REFRAIN_HTTP_RESPONSE_H

#include "http/http.h"

/* As a handler expects it; keeps the room of the buffers. */
void http_response_reset(struct http_response *response);
void http_response_free(struct http_response *response);

/* Appends the status line, all headers and the empty line to `head`, and returns the body to send:
 * empty for HEAD, 204 and 304. `cors` are header lines. The caller checks the buffers of the
 * response before and `head` afterwards. */
struct slice http_response_finish(const struct http_response *response, enum http_method method,
                                  struct slice cors, struct buffer *head);

#endif
