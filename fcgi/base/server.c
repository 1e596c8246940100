/*
 * The pool opens connections through open_item() here, so that a failed one trips the breaker. When
 * the breaker opens, the pool is held down: that closes what is idle, which is as doubtful as what
 * failed, and wakes those who wait. A caller who is let in as a probe asks the server for a sign of
 * life first, and the rest of what it does is an ordinary call: it may hold the connection for
 * long, and the others need not wait for the end of that.
 */
#include "base/server.h"

#include "base/clock.h"

#include <stdlib.h>

/* A connect given up sooner than this, for its caller had no more time, tells nothing. */
static const int64_t connect_fair_us = 50000;

struct server {
    struct pool_kind kind; /* what the pool sees */
    const struct pool_kind *theirs;
    void *context;
    struct pool *pool;
    struct breaker *breaker;
    struct server_stats own_stats;
};

static enum result open_item(void *context, int64_t deadline_us, void **item,
                             struct error *error)
{
    struct server *server = context;
    int64_t begun_us = clock_mono_us();
    enum result result = server->theirs->open(server->context, deadline_us, item, error);
    int64_t now_us = clock_mono_us();
    if (result != RESULT_OK && (now_us < deadline_us || now_us - begun_us >= connect_fair_us)) {
        breaker_trip(server->breaker, now_us, error);
    }
    return result;
}

struct server *server_create(const struct pool_kind *kind, void *context, int size,
                             const char *log_name, struct server_stats *stats)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    if (stats == NULL) {
        stats = &server->own_stats;
    }
    server->kind = *kind;
    server->kind.open = open_item;
    server->theirs = kind;
    server->context = context;
    server->pool = pool_create(&server->kind, server, size, stats);
    server->breaker = breaker_create(log_name, stats);
    if (server->pool == NULL || server->breaker == NULL) {
        server_destroy(&server);
    }
    return server;
}

void server_destroy(struct server **server)
{
    if (*server != NULL) {
        pool_destroy(&(*server)->pool);
        breaker_destroy(&(*server)->breaker);
        free(*server);
        *server = NULL;
    }
}

static bool leave(struct server *server, enum breaker_pass pass, enum breaker_outcome outcome,
                  const struct error *cause)
{
    bool opens = breaker_leave(server->breaker, pass, outcome, clock_mono_us(), cause);
    if (opens) {
        pool_hold_down(server->pool, cause);
    }
    return opens;
}

static enum result probe(struct server *server, void **item, struct error *error)
{
    if (server->kind.is_alive(*item, POOL_STALE_US)) {
        leave(server, BREAKER_PROBE, BREAKER_ANSWERED, NULL);
        return RESULT_OK;
    }
    enum result result = error_set(error, RESULT_UNAVAILABLE, "server",
                                   "%s does not answer", server->kind.name);
    leave(server, BREAKER_PROBE, BREAKER_SILENT, error);
    pool_give(server->pool, *item, false);
    *item = NULL;
    return result;
}

enum result server_take(struct server *server, int64_t deadline_us, void **item,
                        struct error *error)
{
    *item = NULL;
    struct error ignored;
    error = error == NULL ? &ignored : error;
    enum breaker_pass pass = breaker_enter(server->breaker, clock_mono_us(), error);
    if (pass == BREAKER_REFUSED) {
        return RESULT_UNAVAILABLE;
    }
    enum result result = pool_take(server->pool, deadline_us, item, error);
    if (result != RESULT_OK) {
        leave(server, pass, BREAKER_UNTRIED, NULL);
        return result;
    }
    return pass == BREAKER_PROBE ? probe(server, item, error) : RESULT_OK;
}

void server_give(struct server *server, void *item, bool reusable, enum breaker_outcome outcome,
                 const struct error *cause)
{
    bool opens = leave(server, BREAKER_CALL, outcome, cause);
    if (outcome == BREAKER_SILENT && !opens) {
        pool_suspect(server->pool, cause);
    }
    bool has_failed = outcome == BREAKER_SILENT || outcome == BREAKER_BROKEN;
    pool_give(server->pool, item, reusable && !has_failed);
}

bool server_is_away(const struct server *server)
{
    return !breaker_is_closed(server->breaker);
}
