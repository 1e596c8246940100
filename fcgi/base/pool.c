/*
 * Items are idle (on a stack, so that the surplus stays unused and warm ones are reused) or lent
 * out; `open` counts both and the ones that are being opened. One mutex guards all of it; it is
 * never held across a system call that may block. After a failure every taker fails at once for
 * hold_down_us, and afterwards one at a time tries: a dead server costs a request microseconds.
 */
#include "base/pool.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const int64_t hold_down_us = 500000;
static const int64_t connect_max_us = 2000000;

struct pool {
    const struct pool_kind *kind;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    int size;
    int open;
    int connecting;
    bool failing;          /* the last try failed */
    int64_t hold_until_us; /* while failing */
    struct error failure;
    int idle_count;
    void *idle[];
};

struct pool *pool_create(const struct pool_kind *kind, void *context, int size)
{
    struct pool *pool = calloc(1, sizeof *pool + (size_t)size * sizeof(void *));
    if (pool == NULL) {
        return NULL;
    }
    pool->kind = kind;
    pool->context = context;
    pool->size = size;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->given_back, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pool;
}

void pool_destroy(struct pool **pool)
{
    if (*pool == NULL) {
        return;
    }
    for (int i = 0; i < (*pool)->idle_count; i++) {
        (*pool)->kind->close((*pool)->idle[i]);
    }
    pthread_cond_destroy(&(*pool)->given_back);
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

static void *pop_idle_locked(struct pool *pool)
{
    return pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
}

/* False once the deadline has passed. */
static bool wait_locked(struct pool *pool, int64_t deadline_us)
{
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    return pthread_cond_timedwait(&pool->given_back, &pool->lock, &until) != ETIMEDOUT;
}

static void fail_locked(struct pool *pool, const struct error *error)
{
    pool->failing = true;
    pool->hold_until_us = clock_mono_us() + hold_down_us;
    pool->failure = *error;
}

/* Decides what the caller gets: an idle item, the right to open one (*must_open), or a failure. */
static enum result admit_locked(struct pool *pool, int64_t deadline_us, void **item,
                                bool *must_open, struct error *error)
{
    while ((*item = pop_idle_locked(pool)) == NULL && pool->open >= pool->size) {
        if (!wait_locked(pool, deadline_us)) {
            return error_set(error, RESULT_UNAVAILABLE, "pool",
                             "all %d connections to %s are in use", pool->size,
                             pool->kind->name);
        }
    }
    if (*item != NULL) {
        return RESULT_OK;
    }
    if (pool->failing && (pool->connecting > 0 || clock_mono_us() < pool->hold_until_us)) {
        *error = pool->failure;
        return RESULT_UNAVAILABLE;
    }
    pool->open++;
    pool->connecting++;
    *must_open = true;
    return RESULT_OK;
}

static enum result open_item(struct pool *pool, int64_t deadline_us, void **item,
                             struct error *error)
{
    int64_t limit_us = clock_mono_us() + connect_max_us;
    enum result result = pool->kind->open(
        pool->context, limit_us < deadline_us ? limit_us : deadline_us, item, error);
    pthread_mutex_lock(&pool->lock);
    pool->connecting--;
    pool->failing = false;
    if (result != RESULT_OK) {
        pool->open--;
        fail_locked(pool, error);
        pthread_cond_signal(&pool->given_back);
    }
    pthread_mutex_unlock(&pool->lock);
    return result;
}

/* Closes an item that was lent out. */
static void discard(struct pool *pool, void *item)
{
    pool->kind->close(item);
    pthread_mutex_lock(&pool->lock);
    pool->open--;
    pthread_cond_signal(&pool->given_back);
    pthread_mutex_unlock(&pool->lock);
}

enum result pool_take(struct pool *pool, int64_t deadline_us, void **item, struct error *error)
{
    for (;;) {
        bool must_open = false;
        pthread_mutex_lock(&pool->lock);
        enum result result = admit_locked(pool, deadline_us, item, &must_open, error);
        pthread_mutex_unlock(&pool->lock);
        if (result != RESULT_OK) {
            return result;
        }
        if (must_open) {
            return open_item(pool, deadline_us, item, error);
        }
        if (pool->kind->is_alive(*item)) {
            return RESULT_OK;
        }
        discard(pool, *item);
    }
}

void pool_give(struct pool *pool, void *item, bool reusable)
{
    if (!reusable) {
        discard(pool, item);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->idle[pool->idle_count++] = item;
    pthread_cond_signal(&pool->given_back);
    pthread_mutex_unlock(&pool->lock);
}

void pool_hold_down(struct pool *pool, const struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    fail_locked(pool, error);
    void *item = pop_idle_locked(pool);
    pthread_mutex_unlock(&pool->lock);
    while (item != NULL) {
        discard(pool, item);
        pthread_mutex_lock(&pool->lock);
        item = pop_idle_locked(pool);
        pthread_mutex_unlock(&pool->lock);
    }
}
