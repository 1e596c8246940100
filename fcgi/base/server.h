/*
 * A server as its clients see it: a pool of connections behind a breaker.
 */
#ifndef REFRAIN_BASE_SERVER_H
#define REFRAIN_BASE_SERVER_H

#include "base/breaker.h"
#include "base/pool.h"

struct server;

/* NULL where memory is short. `kind`, `context` and `stats` must outlive it; `stats` may be NULL.
 * `log_name` is the breaker's, and may be NULL as well. */
struct server *server_create(const struct pool_kind *kind, void *context, int size,
                             const char *log_name, struct server_stats *stats);
/* All connections must have been given back. */
void server_destroy(struct server **server);

/* A connection for the caller alone, as pool_take() gives it. RESULT_UNAVAILABLE at once while the
 * breaker is open: who waits for a connection at that time is sent away too. */
enum result server_take(struct server *server, int64_t deadline_us, void **item,
                        struct error *error) MUST_CHECK;

/* Gives it back and tells what became of the call; `cause` is read for a failure alone, after
 * which the connection is closed. */
void server_give(struct server *server, void *item, bool reusable, enum breaker_outcome outcome,
                 const struct error *cause);

/* Whether the server does not answer, as far as is known. A full pool is no such thing. */
bool server_is_away(const struct server *server);

#endif
