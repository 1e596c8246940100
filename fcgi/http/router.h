/*
 * The table of routes, made ready for quick look-ups: rows of one pattern are one resource.
 */
#ifndef REFRAIN_HTTP_ROUTER_H
#define REFRAIN_HTTP_ROUTER_H

#include "http/http.h"

struct http_router;

/* What one pattern offers. */
struct http_resource;

/* A table that breaks the rules of http_route fails an assertion. NULL where memory is short. The
 * rows must outlive the router. */
struct http_router *http_router_create(const struct http_route *routes, size_t count);
void http_router_destroy(struct http_router **router);

/* The resource at a canonical path, with the raw captures; NULL where there is none. */
const struct http_resource *http_router_find(const struct http_router *router, struct slice path,
                                             struct slice captures[HTTP_CAPTURES_MAX]);

/* Decodes the captures of `resource` in place. False where one holds NUL or is not UTF-8: no name
 * is spelt so, and the path is as good as unknown. */
bool http_resource_decode(const struct http_resource *resource, struct arena *arena,
                          struct slice captures[HTTP_CAPTURES_MAX]);

/* The row that serves `method`; NULL where none does. */
const struct http_route *http_resource_route(const struct http_resource *resource,
                                             enum http_method method);

/* Such as "GET, HEAD, OPTIONS". */
const char *http_resource_allow(const struct http_resource *resource);

/* The header lines that let pages of other origins read the answers; none outside of /1. */
struct slice http_resource_cors(const struct http_resource *resource);

#endif
