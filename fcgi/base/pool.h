/*
 * A bounded pool of connections to one server, whatever they are made of: who needs one takes one,
 * newest idle first, and gives it back.
 */
#ifndef REFRAIN_BASE_POOL_H
#define REFRAIN_BASE_POOL_H

#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* How the items are made. The functions run without the pool's lock and may block. */
struct pool_kind {
    const char *name; /* of the server, for messages */
    enum result (*open)(void *context, int64_t deadline_us, void **item, struct error *error);
    void (*close)(void *item);
    bool (*is_alive)(void *item); /* asked of an idle item before it is lent out */
};

/* NULL where memory is short. `kind` and `context` must outlive the pool. */
struct pool *pool_create(const struct pool_kind *kind, void *context, int size);

/* Closes the idle items; all must have been given back. */
void pool_destroy(struct pool **pool);

/* An item for the caller alone, opened where none is idle; waits for one until the deadline
 * (monotonic). RESULT_UNAVAILABLE where the server can't be reached (at once, with the known error,
 * for half a second after a failure; then one caller at a time tries), or all stay in use. */
enum result pool_take(struct pool *pool, int64_t deadline_us, void **item,
                      struct error *error) MUST_CHECK;

/* Gives an item back; one that is not reusable is closed. */
void pool_give(struct pool *pool, void *item, bool reusable);

/* Tells that the server does not answer: idle items are closed, and takers fail at once for half a
 * second, as after a failed connect. */
void pool_hold_down(struct pool *pool, const struct error *error);

#endif
