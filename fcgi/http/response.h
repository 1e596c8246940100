/*
 * From the response of a handler to the bytes that are sent.
 */
#ifndef REFRAIN_HTTP_RESPONSE_H
#define REFRAIN_HTTP_RESPONSE_H

#include "http/http.h"

/* As a handler expects it; releases what was kept, and keeps the room of the buffers. */
void http_response_reset(struct http_response *response);
void http_response_free(struct http_response *response);

/* The head, and what is lent with own bytes around it. */
enum { HTTP_PIECES_MAX = 1 + HTTP_LENT_MAX + HTTP_LENT_MAX + 1 };

/* Appends the status line, all headers and the empty line to `head`, and sets the pieces that make
 * up the answer, the first of which is `head`: their number. There is no body for HEAD, 204 and
 * 304. `cors` are header lines. The caller checks the buffers of the response before and `head`
 * afterwards. */
size_t http_response_finish(const struct http_response *response, enum http_method method,
                            struct slice cors, struct buffer *head,
                            struct slice pieces[HTTP_PIECES_MAX]);

#endif
