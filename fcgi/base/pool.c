/*
 * Items are idle (on a stack, so that the surplus stays unused and warm ones are reused) or lent
 * out; `open` counts both and the ones that are being opened. Who finds none waits in a queue, and
 * an item given back goes to the first of it: if takers that have just arrived could snatch it, a
 * waiter would starve under load. One mutex guards all of it; it is never held across a system call
 * that may block. After a failure takers fail at once for a while, longer after each, and
 * afterwards one at a time tries: a dead server costs a request microseconds. An idle item that
 * turns out to be dead takes the others with it: they have been idle for longer, and to ask them
 * all, each with its deadline, would cost one taker the sum.
 */
#include "base/pool.h"

#include "base/clock.h"
#include "base/jitter.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const int64_t connect_max_us = 2000000;
static const int64_t hold_first_us = 50000;
static const int64_t hold_max_us = 2000000;

/* On the stack of the thread that waits. */
struct waiter {
    struct waiter *next;
    pthread_cond_t served;
    bool is_served; /* and out of the queue; without an item it is to look again */
    bool is_sent_away;
    void *item;
};

struct idle {
    void *item;
    int64_t since_us;
};

/* What a taker gets. */
struct offer {
    bool must_open;  /* no item, but the right to open one */
    void *item;
    int64_t idle_us; /* 0: comes right from another's hands */
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
    bool failing;          /* the last try did, and nothing good was heard since */
    int64_t hold_until_us; /* while failing */
    int64_t hold_us;       /* so long at most, the next time */
    struct error failure;
    struct server_stats *stats;
    struct server_stats own_stats;
    uint64_t waiting;
    int idle_count;
    struct idle idle[];
};

struct pool *pool_create(const struct pool_kind *kind, void *context, int size,
                         struct server_stats *stats)
{
    struct pool *pool = calloc(1, sizeof *pool + (size_t)size * sizeof *pool->idle);
    if (pool == NULL) {
        return NULL;
    }
    pool->stats = stats != NULL ? stats : &pool->own_stats;
    pool->hold_us = hold_first_us;
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
        (*pool)->kind->close((*pool)->idle[i].item);
    }
    (*pool)->stats->connections = 0;
    pthread_condattr_destroy(&(*pool)->monotonic);
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

/* Ends each change: others may look at the figures at any time. */
static void unlock_and_tell(struct pool *pool)
{
    int made = pool->open - pool->connecting;
    atomic_store_explicit(&pool->stats->connections, (uint64_t)made, memory_order_relaxed);
    atomic_store_explicit(&pool->stats->lent, (uint64_t)(made - pool->idle_count),
                          memory_order_relaxed);
    atomic_store_explicit(&pool->stats->waiting, pool->waiting, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
}

static bool pop_idle_locked(struct pool *pool, int64_t now_us, struct offer *offer)
{
    if (pool->idle_count == 0) {
        return false;
    }
    struct idle *newest = &pool->idle[--pool->idle_count];
    *offer = (struct offer){.item = newest->item, .idle_us = now_us - newest->since_us};
    return true;
}

/* Serves the first waiter. False if nobody waits. */
static bool serve_locked(struct pool *pool, void *item)
{
    struct waiter *waiter = pool->first_waiter;
    if (waiter == NULL) {
        return false;
    }
    pool->first_waiter = waiter->next;
    pool->waiting--;
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
    pool->waiting++;
}

static void dequeue_locked(struct pool *pool, struct waiter *waiter)
{
    struct waiter **at = &pool->first_waiter;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    pool->waiting--;
}

/* Waits at the end of the queue. RESULT_OK without an item: something has changed, look again. */
static enum result wait_locked(struct pool *pool, int64_t deadline_us, void **item,
                               struct error *error)
{
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    struct waiter waiter = {0};
    int status = 0;
    pthread_cond_init(&waiter.served, &pool->monotonic);
    enqueue_locked(pool, &waiter);
    atomic_store_explicit(&pool->stats->waiting, pool->waiting, memory_order_relaxed);
    while (!waiter.is_served && status == 0) {
        status = pthread_cond_timedwait(&waiter.served, &pool->lock, &until);
    }
    if (!waiter.is_served) {
        dequeue_locked(pool, &waiter);
    }
    pthread_cond_destroy(&waiter.served);
    if (waiter.is_sent_away) {
        *error = pool->failure;
        return RESULT_UNAVAILABLE;
    }
    *item = waiter.item;
    return waiter.is_served ? RESULT_OK
                            : error_set(error, RESULT_UNAVAILABLE, "pool",
                                        "all %d connections to %s are in use", pool->size,
                                        pool->kind->name);
}

/* Nobody waits for a server that fails. */
static void suspect_locked(struct pool *pool, const struct error *error)
{
    pool->failing = true;
    pool->failure = *error;
    while (pool->first_waiter != NULL) {
        pool->first_waiter->is_sent_away = true;
        serve_locked(pool, NULL);
    }
}

static void fail_locked(struct pool *pool, const struct error *error)
{
    pool->hold_until_us = clock_mono_us() + jitter_up_to(pool->hold_us);
    pool->hold_us = pool->hold_us * 2 < hold_max_us ? pool->hold_us * 2 : hold_max_us;
    suspect_locked(pool, error);
}

static bool must_fail_fast_locked(const struct pool *pool)
{
    return pool->failing && (pool->connecting > 0 || clock_mono_us() < pool->hold_until_us);
}

/* Decides what the caller gets, or that it fails. */
static enum result admit_locked(struct pool *pool, int64_t deadline_us, struct offer *offer,
                                struct error *error)
{
    if (pop_idle_locked(pool, clock_mono_us(), offer)) {
        return RESULT_OK;
    }
    while (offer->item == NULL && pool->open >= pool->size && !must_fail_fast_locked(pool)) {
        enum result result = wait_locked(pool, deadline_us, &offer->item, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (offer->item != NULL) {
        return RESULT_OK;
    }
    if (must_fail_fast_locked(pool)) {
        *error = pool->failure;
        return RESULT_UNAVAILABLE;
    }
    pool->open++;
    pool->connecting++;
    offer->must_open = true;
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
    if (result == RESULT_OK) {
        pool->failing = false;
        pool->hold_us = hold_first_us;
        pool->stats->connected++;
    } else {
        pool->open--;
        pool->stats->connects_failed++;
        fail_locked(pool, error);
    }
    unlock_and_tell(pool);
    return result;
}

/* Closes an item that was lent out. */
static void discard(struct pool *pool, void *item)
{
    pool->kind->close(item);
    pthread_mutex_lock(&pool->lock);
    pool->open--;
    serve_locked(pool, NULL);
    unlock_and_tell(pool);
}

static void discard_idle(struct pool *pool)
{
    struct offer offer;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        bool found = pop_idle_locked(pool, 0, &offer);
        unlock_and_tell(pool);
        if (!found) {
            return;
        }
        discard(pool, offer.item);
    }
}

enum result pool_take(struct pool *pool, int64_t deadline_us, void **item, struct error *error)
{
    struct error ignored;
    error = error == NULL ? &ignored : error;
    for (;;) {
        struct offer offer = {0};
        pthread_mutex_lock(&pool->lock);
        enum result result = admit_locked(pool, deadline_us, &offer, error);
        unlock_and_tell(pool);
        if (result != RESULT_OK) {
            return result;
        }
        if (offer.must_open) {
            return open_item(pool, deadline_us, item, error);
        }
        if (offer.idle_us == 0 || pool->kind->is_alive(offer.item, offer.idle_us)) {
            *item = offer.item;
            return RESULT_OK;
        }
        discard(pool, offer.item);
        discard_idle(pool);
    }
}

void pool_give(struct pool *pool, void *item, bool reusable)
{
    if (!reusable) {
        discard(pool, item);
        return;
    }
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&pool->lock);
    pool->failing = pool->failing && must_fail_fast_locked(pool);
    if (!serve_locked(pool, item)) {
        pool->idle[pool->idle_count++] = (struct idle){item, now_us};
    }
    unlock_and_tell(pool);
}

void pool_suspect(struct pool *pool, const struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    suspect_locked(pool, error);
    unlock_and_tell(pool);
}

void pool_hold_down(struct pool *pool, const struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    fail_locked(pool, error);
    unlock_and_tell(pool);
    discard_idle(pool);
}
