/*
 * A bounded pool of connections to one server, whatever they are made of: who needs one takes one,
 * newest idle first, and gives it back.
 */
#ifndef REFRAIN_BASE_POOL_H
#define REFRAIN_BASE_POOL_H

#include "base/result.h"
#include "base/server_stats.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* How the items are made. The functions run without the pool's lock and may block. */
struct pool_kind {
    const char *name; /* of the server, for messages */
    enum result (*open)(void *context, int64_t deadline_us, void **item, struct error *error);
    void (*close)(void *item);
    /* Asked of an idle item before it is lent out: from POOL_STALE_US on whether the server answers
     * (with a deadline of its own, a short one), else whether it has hung up. */
    bool (*is_alive)(void *item, int64_t idle_us);
};
#define POOL_STALE_US INT64_C(10000000)

/* NULL where memory is short. `kind`, `context` and `stats` must outlive the pool; `stats` may be
 * NULL, and all but the breaker's are kept there. */
struct pool *pool_create(const struct pool_kind *kind, void *context, int size,
                         struct server_stats *stats);

/* Closes the idle items; all must have been given back. */
void pool_destroy(struct pool **pool);

/* An item for the caller alone, opened where none is idle; waits for one until the deadline
 * (monotonic). RESULT_UNAVAILABLE where the server can't be reached, or all stay in use. After a
 * failure takers that find nothing idle fail at once with the known error, for up to 50 ms,
 * doubling with each further failure to 2 s, and then one at a time tries. */
enum result pool_take(struct pool *pool, int64_t deadline_us, void **item,
                      struct error *error) MUST_CHECK;

/* Gives an item back; one that is not reusable is closed. */
void pool_give(struct pool *pool, void *item, bool reusable);

/* Tells that somebody got no answer in time: who waits fails with that error at once, and until the
 * server is heard of again (an item is opened, or given back as reusable) one at a time opens an
 * item, while others that find nothing idle fail. */
void pool_suspect(struct pool *pool, const struct error *error);

/* Tells that the server does not answer: idle items are closed, and takers, those too that wait
 * already, fail at once as after a failed connect. */
void pool_hold_down(struct pool *pool, const struct error *error);

#endif
