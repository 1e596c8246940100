/*
 * Items are idle (on a stack, so that the surplus stays unused and warm ones are reused) or lent
 * out; `open` counts both and the ones that are being opened. Who finds none waits in a queue, and
 * an item given back goes to the first of it: if takers that have just arrived could snatch it, a
 * waiter would starve under load. One mutex guards all of it; it is never held across a system call
 * that may block. After a failure every taker fails at once for hold_down_us, and afterwards one at
 * a time tries: a dead server costs a request microseconds.
 */
#include "base/pool.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const int64_t hold_down_us = 500000;
static const int64_t connect_max_us = 2000000;

/* On the stack of the thread that waits. */
struct waiter {
    struct waiter *next;
    pthread_cond_t served;
    bool is_served; /* and out of the queue; without an item it is to look again */
    void *item;
};

struct pool {
    const struct pool_kind *kind;
    void *context;
    pthread_mutex_t lock;
    pthread_condattr_t monotonic;
    struct waiter *first_waiter;
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
    pthread_condattr_init(&pool->monotonic);
    pthread_condattr_setclock(&pool->monotonic, CLOCK_MONOTONIC);
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
    pthread_condattr_destroy(&(*pool)->monotonic);
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

static void *pop_idle_locked(struct pool *pool)
{
    return pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
}

/* Serves the first waiter. False if nobody waits. */
static bool serve_locked(struct pool *pool, void *item)
{
    struct waiter *waiter = pool->first_waiter;
    if (waiter == NULL) {
        return false;
    }
    pool->first_waiter = waiter->next;
    waiter->item = item;
    waiter->is_served = true;
    pthread_cond_signal(&waiter->served);
    return true;
}

static void enqueue_locked(struct pool *pool, struct waiter *waiter)
{
    struct waiter **end = &pool->first_waiter;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = waiter;
}

static void dequeue_locked(struct pool *pool, struct waiter *waiter)
{
    struct waiter **at = &pool->first_waiter;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
}

/* Waits at the end of the queue. False if the deadline passes first; *item may stay NULL. */
static bool wait_locked(struct pool *pool, int64_t deadline_us, void **item)
{
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    struct waiter waiter = {0};
    int status = 0;
    pthread_cond_init(&waiter.served, &pool->monotonic);
    enqueue_locked(pool, &waiter);
    while (!waiter.is_served && status == 0) {
        status = pthread_cond_timedwait(&waiter.served, &pool->lock, &until);
    }
    if (!waiter.is_served) {
        dequeue_locked(pool, &waiter);
    }
    pthread_cond_destroy(&waiter.served);
    *item = waiter.item;
    return waiter.is_served;
}

/* Nobody waits for a server that fails: all that do look again, and fail too. */
static void fail_locked(struct pool *pool, const struct error *error)
{
    pool->failing = true;
    pool->hold_until_us = clock_mono_us() + hold_down_us;
    pool->failure = *error;
    while (serve_locked(pool, NULL)) {
    }
}

static bool must_fail_fast_locked(const struct pool *pool)
{
    return pool->failing && (pool->connecting > 0 || clock_mono_us() < pool->hold_until_us);
}

/* Decides what the caller gets: an idle item, the right to open one (*must_open), or a failure. */
static enum result admit_locked(struct pool *pool, int64_t deadline_us, void **item,
                                bool *must_open, struct error *error)
{
    *item = pop_idle_locked(pool);
    while (*item == NULL && pool->open >= pool->size && !must_fail_fast_locked(pool)) {
        if (!wait_locked(pool, deadline_us, item)) {
            return error_set(error, RESULT_UNAVAILABLE, "pool",
                             "all %d connections to %s are in use", pool->size,
                             pool->kind->name);
        }
    }
    if (*item != NULL) {
        return RESULT_OK;
    }
    if (must_fail_fast_locked(pool)) {
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
    serve_locked(pool, NULL);
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
    if (!serve_locked(pool, item)) {
        pool->idle[pool->idle_count++] = item;
    }
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
