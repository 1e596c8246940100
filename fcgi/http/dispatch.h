/*
 * What happens to a request once it has been read: which row of the table answers it, and what is
 * answered where none does.
 */
#ifndef REFRAIN_HTTP_DISPATCH_H
#define REFRAIN_HTTP_DISPATCH_H

#include "http/http.h"
#include "http/router.h"

/* Sets the request's captures and route. Returns the resource at its path; NULL where there is
 * none. */
const struct http_resource *http_dispatch_find(const struct http_router *router,
                                               struct http_request *request);

/* OPTIONS, 404 and 405 are answered here, all else by the handler, whose `context` is handed on. */
void http_dispatch_answer(const struct http_resource *resource, void *context,
                          const struct http_request *request, struct http_response *response);

/* The CORS header lines of an answer, whatever its status. */
struct slice http_dispatch_cors(const struct http_resource *resource);

#endif
