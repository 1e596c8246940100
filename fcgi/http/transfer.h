/*
 * Requests that may take as long as their bytes need, in one direction or the other: places for
 * them, so that they leave threads for all other requests; and bodies that handlers read themselves.
 */
#ifndef REFRAIN_HTTP_TRANSFER_H
#define REFRAIN_HTTP_TRANSFER_H

#include "http/fastcgi.h"
#include "http/http.h"

#include <stdatomic.h>

/* How long an upload may last, how long a piece of it that a handler asks for, and how long nothing
 * may come; the last is more than nginx allows its client, so that nginx can say so. */
enum { UPLOAD_MAX_S = 3600, UPLOAD_PIECE_MAX_S = 120, UPLOAD_PAUSE_MAX_S = 25 };

/* What a worker knows of the request that it serves, for handlers that take part in its transfer. */
struct http_transfer {
    atomic_int *places;          /* that are left in the process */
    const atomic_bool *stopping; /* true once the server is to end */
    struct fastcgi *fastcgi;
    size_t body_max_bytes;
    int64_t length_bytes; /* as Content-Length has it; -1 without one */
    size_t read_bytes;
    bool is_patient; /* the connection waits for as long as uploads may pause */
};

/* Before the handler of a route with HTTP_UPLOAD is called. */
void http_transfer_expect(struct http_transfer *transfer, int64_t length_bytes);

/* When it has returned. */
void http_transfer_end(struct http_transfer *transfer, int64_t pause_max_us);

#endif
