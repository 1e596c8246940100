/*
 * Requests that may take as long as their bytes need, in one direction or the other: places for
 * them, so that they leave threads for all other requests.
 */
#ifndef REFRAIN_HTTP_TRANSFER_H
#define REFRAIN_HTTP_TRANSFER_H

#include "http/http.h"

#include <stdatomic.h>

/* What a worker knows of the request that it serves, for handlers that take part in its transfer. */
struct http_transfer {
    atomic_int *places; /* that are left in the process */
};

#endif
