/*
 * HTTP as the services see it: a request that has been read, a response that is being written, and
 * the table of routes. How they travel (FastCGI) is told by http/server.h.
 */
#ifndef REFRAIN_HTTP_HTTP_H
#define REFRAIN_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits, so that a route and an Allow header can hold several. */
enum http_method {
    HTTP_GET = 1, /* HEAD is answered by a GET route, without the body */
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_PATCH = 16,
    HTTP_DELETE = 32,
    HTTP_OPTIONS = 64,
    HTTP_OTHER = 128,
};

enum { HTTP_CAPTURES_MAX = 3 };

struct http_route;

/* Everything here lives until the response has been sent. An absent header is an empty slice. */
struct http_request {
    struct arena *arena;
    enum http_method method;
    struct slice path;                        /* as routed: no prefix, no doubled or last slash */
    struct slice captures[HTTP_CAPTURES_MAX]; /* what the pattern's braces took, percent-decoded:
                                               * well-formed UTF-8 without NUL */
    struct slice query;
    struct slice body;
    struct slice authorization;
    struct slice cookie;
    struct slice if_none_match;
    struct slice peer; /* the client's address, without the port */
    struct slice request_id;
    const struct http_route *route; /* NULL while no route has been found */
    int64_t arrived_us;             /* monotonic */
    int64_t deadline_us;            /* monotonic; travels down to every wait */
};

/* Written by a handler. Status 200, no headers and no body to begin with. What is the same for
 * every answer is added afterwards: CORS, Content-Length, and, unless the handler gave its own,
 * Content-Type (application/json) and Cache-Control (no-store on errors, else private and
 * no-cache). */
struct http_response {
    int status;
    struct buffer headers; /* "Name: value\r\n" each; only http_header() appends */
    struct buffer body;    /* not sent with 204 and 304, nor to HEAD */
    bool type_given;       /* Content-Type is among the headers */
    bool cache_control_given;
};

/* Answers one request. The context is the one of http_server_options. Whatever happens a handler
 * leaves a complete response. */
typedef void http_handler(void *context, const struct http_request *request,
                          struct http_response *response);

struct http_route {
    enum http_method methods;
    /* Segments, where {name} takes one segment or more (user names may hold slashes); at most
     * HTTP_CAPTURES_MAX of them. Where a path fits several patterns, the one with more fixed text
     * wins, whatever the order of the table; of two captures the left one takes more. Aliases and
     * prefixes are gone by then: see http/path.h. */
    const char *pattern;
    http_handler *handle;
    const void *detail; /* what tells rows with the same handler apart */
};

/* The value of a query parameter, percent-decoded ('+' is a blank); the first one where it is
 * doubled, as the clients' servers do. False if it is absent; an empty value is there. A broken
 * escape is taken as it stands. Any bytes may come: NUL and what is not UTF-8 as well. */
bool http_query(const struct http_request *request, const char *name, struct slice *value);

/* The secret of "Authorization: <scheme> <secret>": false where the header has no blank. The scheme
 * is not looked at; the secret is what stands between the first and the second blank. */
bool http_authorization(const struct http_request *request, struct slice *scheme,
                        struct slice *secret);

/* Adds a header; `value` may come from anywhere: bytes under 0x20 and 0x7f are dropped. */
void http_header(struct http_response *response, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same for a number; several times quicker, for answers that take microseconds. */
void http_header_int(struct http_response *response, const char *name, int64_t value);

/* Makes the response {"code": status, "error": text} with no-store, whatever it was before; 401
 * gets WWW-Authenticate, 503 Retry-After. Bytes of the text that are not UTF-8 become question
 * marks. */
void http_error(struct http_response *response, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The error response for a failed call below: 404, 400, 401, 409, 413 with the error's text; 503
 * and 500 with a text that tells nothing, and a log line that tells all. */
void http_error_of(struct http_response *response, enum result result, const struct error *error);

/* True if the request's If-None-Match names `etag` (weak comparison), or "*". */
bool http_etag_matches(const struct http_request *request, const char *etag);

#endif
