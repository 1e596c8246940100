/*
 * The services: the handlers of all routes, and what they share.
 */
#ifndef REFRAIN_SERVICE_SERVICE_H
#define REFRAIN_SERVICE_SERVICE_H

#include "cache/cache.h"
#include "db/db.h"
#include "http/http.h"
#include "listen/known.h"
#include "view/readers.h"

#include <stdbool.h>

enum { SERVICE_UPLOAD_MAX_BYTES = 256 * 1024 * 1024 };

/* The context of every handler. Shared by all threads, changed by none. */
struct service {
    struct cache *cache;
    struct db *db;
    struct readers *readers;
    struct known *known;   /* NULL: nothing is remembered */
    bool open_on_loopback; /* monitoring, for clients on this host */
};

extern const struct http_route service_routes[];
extern const size_t service_routes_count;

#endif
