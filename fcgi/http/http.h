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
    HTTP_UPLOAD = 256, /* of a route: its handler reads the body, by http_read_body() */
};

enum { HTTP_CAPTURES_MAX = 3 };

struct http_route;
struct http_transfer;

/* Everything here lives until the response has been sent. An absent header is an empty slice. */
struct http_request {
    struct arena *arena;
    enum http_method method;
    struct slice path;                        /* as routed: no prefix, no doubled or last slash */
    struct slice captures[HTTP_CAPTURES_MAX]; /* what the pattern's braces took, percent-decoded:
                                               * well-formed UTF-8 without NUL */
    struct slice query;
    struct slice body; /* empty where the handler reads it */
    struct slice content_type;
    struct slice authorization;
    struct slice cookie;
    struct slice if_none_match;
    struct slice accept_encoding;
    struct slice peer; /* the client's address, without the port */
    struct slice request_id;
    const struct http_route *route; /* NULL while no route has been found */
    struct http_transfer *transfer; /* what http_begin_transfer() and http_read_body() go by */
    int64_t arrived_us;             /* monotonic */
    int64_t deadline_us;            /* monotonic; travels down to every wait */
};

/* Bytes of a body that are not copied into it. */
struct http_lent {
    struct slice bytes;
    size_t at; /* so many of the body's own bytes go before them */
};

/* What must live until the answer has gone. */
struct http_kept {
    void *thing;
    void (*release)(void *thing);
};

/* Appends the next piece of a body to `to`; nothing: the piece before was the last. It may wait until
 * the deadline. What others wait for, such as a connection to a database, it has given back when it
 * returns, because the client takes the piece as slowly as it likes. */
typedef enum result http_next(void *thing, int64_t deadline_us, struct buffer *to,
                              struct error *error);

enum { HTTP_LENT_MAX = 16, HTTP_KEPT_MAX = 4, HTTP_LENT_MIN_BYTES = 1024 };

/* Written by a handler. Status 200, no headers and no body to begin with. What is the same for
 * every answer is added afterwards: CORS, Content-Length unless it is streamed, and, unless the
 * handler gave its own, Content-Type (application/json) and Cache-Control (no-store on errors, else
 * private and no-cache). */
struct http_response {
    int status;
    bool type_given; /* Content-Type is among the headers */
    bool cache_control_given;
    struct buffer headers; /* "Name: value\r\n" each. Answers that take microseconds append such
                            * lines themselves, but for Content-Type and Cache-Control */
    struct buffer body;    /* not sent with 204 and 304, nor to HEAD */
    struct http_lent lent[HTTP_LENT_MAX]; /* the rest of the body; only http_lend() adds to it */
    size_t lent_count;
    size_t lent_bytes;
    http_next *next; /* of a body that is streamed, else NULL */
    void *source;    /* what it is called with */
    struct http_kept kept[HTTP_KEPT_MAX];
    size_t kept_count;
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

/* Such a value as the text of an error repeats it: NUL, which would end that, is written out, as
 * \u0000. */
struct slice http_shown(const struct http_request *request, struct slice value);

/* The secret of "Authorization: <scheme> <secret>": false where the header has no blank. The scheme
 * is not looked at; the secret is what stands between the first and the second blank. */
bool http_authorization(const struct http_request *request, struct slice *scheme,
                        struct slice *secret);

/* Adds a header; `value` may come from anywhere: bytes under 0x20 and 0x7f are dropped. */
void http_header(struct http_response *response, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same for a text without bytes under 0x20 and 0x7f. */
void http_header_text(struct http_response *response, const char *name, const char *value);
void http_cache_control(struct http_response *response, const char *value);

/* Appends to the body, without a copy from HTTP_LENT_MIN_BYTES on: the bytes must live until the
 * answer has gone, which http_keep() can see to. */
void http_lend(struct http_response *response, struct slice bytes);

/* Hands over `thing`: it is released, once, when the answer has been sent, when it could not be, or
 * when http_error() puts another answer in its place. At most HTTP_KEPT_MAX times an answer. */
void http_keep(struct http_response *response, void *thing, void (*release)(void *thing));

/* For a request that may last as long as its bytes need on their way, up or down: takes one of the
 * places that the process has for such, until the answer has gone or http_error() replaces it. False
 * where none is left: then the response is a 503 that says so. */
bool http_begin_transfer(const struct http_request *request,
                         struct http_response *response) MUST_CHECK;

/* In handlers of routes with HTTP_UPLOAD: the next bytes of the body, as many as there is room for;
 * less, or none, only at its end. It waits for them, within deadlines of its own: the request's is
 * for all else. RESULT_TOO_LARGE over the upload_max_bytes of the server, at once where
 * Content-Length is; RESULT_INVALID where the body ends early or hardly moves; RESULT_UNAVAILABLE
 * when the server stops. After a failure there is no more to be read. */
enum result http_read_body(const struct http_request *request, char *data, size_t room_bytes,
                           size_t *size_bytes, struct error *error) MUST_CHECK;

/* The body is what `next` makes of `thing`, piece by piece, and nothing else; there is no
 * Content-Length. Each piece has the deadline that a request has, however long all of them take. The
 * first one is made before anything is sent: a failure of it is answered as http_error_of() does.
 * After a later one, and where the server has to end, the connection breaks, by which the client sees
 * that the body is incomplete. For HEAD the first piece is made, and not sent. `thing` is released as
 * http_keep() has it. */
void http_stream(struct http_response *response, http_next *next, void *thing,
                 void (*release)(void *thing));

/* Of the body as it is now. */
size_t http_body_size(const struct http_response *response);

/* Makes the response {"code": status, "error": text} with no-store, whatever it was before, and
 * releases what it kept (after the text has been made, so that it may come from there); 401 gets
 * WWW-Authenticate, 503 Retry-After. Bytes of the text that are not UTF-8 become question marks. */
void http_error(struct http_response *response, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The error response for a failed call below: 404, 400, 401, 409, 413 with the error's text; 503
 * and 500 with a text that tells nothing, and a log line that tells all. */
void http_error_of(struct http_response *response, enum result result, const struct error *error);

/* The same with a text of the caller's for 503. */
#define HTTP_UNAVAILABLE "The server cannot answer just now. Please try again later."
void http_error_or(struct http_response *response, enum result result, const struct error *error,
                   const char *unavailable);

/* True if the web server sends this answer, JSON with the status that it has and a body that is
 * complete, compressed by gzip: see http/encoding.c. */
bool http_is_compressed(const struct http_request *request, const struct http_response *response);

/* True if the request's If-None-Match names `etag` (weak comparison), or "*". */
bool http_etag_matches(const struct http_request *request, const char *etag);

#endif
