/*
 * A counting semaphore that is fair: who leaves hands his place to the first of the queue, so that
 * nobody who has just come can snatch it from one who waits. One mutex guards everything. A waiter
 * lies on its thread's stack; who admits it takes it out of the queue, and at its deadline it takes
 * itself out.
 */
#include "cache/gate.h"

#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct waiter {
    struct waiter *next;
    pthread_cond_t admitted;
    bool is_inside; /* and out of the queue */
};

struct gate {
    pthread_mutex_t lock;
    pthread_condattr_t monotonic;
    size_t inside_max, inside_count;
    size_t waiting_max, waiting_count;
    struct waiter *first_waiter, **waiters_end;
};

struct gate *gate_create(size_t inside_max, size_t waiting_max)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return NULL;
    }
    gate->inside_max = inside_max;
    gate->waiting_max = waiting_max;
    gate->waiters_end = &gate->first_waiter;
    pthread_mutex_init(&gate->lock, NULL);
    pthread_condattr_init(&gate->monotonic);
    pthread_condattr_setclock(&gate->monotonic, CLOCK_MONOTONIC);
    return gate;
}

void gate_destroy(struct gate **gate)
{
    if (*gate == NULL) {
        return;
    }
    assert((*gate)->inside_count == 0 && (*gate)->waiting_count == 0);
    pthread_condattr_destroy(&(*gate)->monotonic);
    pthread_mutex_destroy(&(*gate)->lock);
    free(*gate);
    *gate = NULL;
}

static void enqueue_locked(struct gate *gate, struct waiter *waiter)
{
    *gate->waiters_end = waiter;
    gate->waiters_end = &waiter->next;
    gate->waiting_count++;
}

static void dequeue_locked(struct gate *gate, struct waiter *waiter)
{
    struct waiter **at = &gate->first_waiter;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    if (*at == NULL) {
        gate->waiters_end = at;
    }
    gate->waiting_count--;
}

/* Waits at the end of the queue. False if the deadline passes first. */
static bool wait_locked(struct gate *gate, int64_t deadline_us)
{
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    struct waiter waiter = {0};
    int status = 0;
    pthread_cond_init(&waiter.admitted, &gate->monotonic);
    enqueue_locked(gate, &waiter);
    while (!waiter.is_inside && status == 0) {
        status = pthread_cond_timedwait(&waiter.admitted, &gate->lock, &until);
    }
    if (!waiter.is_inside) {
        dequeue_locked(gate, &waiter);
    }
    pthread_cond_destroy(&waiter.admitted);
    return waiter.is_inside;
}

static enum result enter_locked(struct gate *gate, int64_t deadline_us, struct error *error)
{
    if (gate->inside_count < gate->inside_max) {
        gate->inside_count++;
        return RESULT_OK;
    }
    if (gate->waiting_count >= gate->waiting_max) {
        return error_set(error, RESULT_UNAVAILABLE, "gate",
                         "%zu requests wait for the database already", gate->waiting_count);
    }
    if (clock_mono_us() >= deadline_us || !wait_locked(gate, deadline_us)) {
        return error_set(error, RESULT_UNAVAILABLE, "gate",
                         "the database was kept busy by %zu other requests", gate->inside_max);
    }
    return RESULT_OK;
}

enum result gate_enter(struct gate *gate, int64_t deadline_us, struct error *error)
{
    pthread_mutex_lock(&gate->lock);
    enum result result = enter_locked(gate, deadline_us, error);
    pthread_mutex_unlock(&gate->lock);
    return result;
}

void gate_leave(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    assert(gate->inside_count > 0);
    struct waiter *first = gate->first_waiter;
    if (first == NULL) {
        gate->inside_count--;
    } else {
        dequeue_locked(gate, first);
        first->is_inside = true;
        pthread_cond_signal(&first->admitted);
    }
    pthread_mutex_unlock(&gate->lock);
}
