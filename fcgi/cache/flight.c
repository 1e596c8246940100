/*
 * A flight is the getting of one thing by one thread, its leader. Of each key at most one is running;
 * who comes meanwhile waits for its landing, and is judged there. He shares it
 *
 *  - by time, if the flight began after he arrived: whatever was acknowledged before he asked was
 *    committed before the flight read anything;
 *  - by lease, if the leader held the lease that he found after he arrived: a write deletes the lease
 *    before it is acknowledged, so none was acknowledged between the making of that lease, which came
 *    before the flight's reading, and his finding it;
 *  - by reach, if the result reaches the versions that he has seen: those, read after he arrived,
 *    contain every write acknowledged until then.
 *
 * Nobody else may, since the flight may have read before a write that he must see. Time and lease
 * hold whatever the flight brings, so its failure is shared too; reach has to be hoped for. Those who
 * are left go on together to the next flight, which begins in the very step in which the first one
 * lands: all of them arrived before, so all share it, even those that wake after it has landed. Two
 * flights thus serve any crowd. It is led by the one whose deadline is farthest: he is the least
 * likely to fail the others for want of time, and his lease is likely to be the newest.
 *
 * One mutex guards everything, as only misses come here; `reaches` runs under it and must be quick.
 * A waiter lies on its thread's stack, in the list of the running flight, with the flight that it
 * would lead: nothing is allocated in a landing. Whoever settles a waiter takes it out of the list;
 * at its deadline it takes itself out, which nobody else notices. The leader and each who shares a
 * landed flight hold a reference, and the last one frees it. Its value does not change after the
 * landing and is read without the mutex.
 */
#include "cache/flight.h"

#include "base/clock.h"
#include "base/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { SLOTS = 256 };

struct flight {
    struct flights *flights;
    struct flight *next; /* running, in the same slot */
    struct waiter *first_waiter, **waiters_end;
    int64_t began_us;
    bool has_landed;
    size_t references;
    void *value;
    struct slice key, lease; /* the leader's */
    char text[];             /* of both */
};

struct waiter {
    struct waiter *next;
    const struct flight_ticket *ticket;
    pthread_cond_t settled;
    bool is_settled;        /* and out of the list; what follows tells how */
    bool leads;
    bool may_share_blindly; /* the flight began after this one had come to wait */
    enum result result;
    struct error *error;
    struct flight *own; /* to be led if it comes to that */
    struct flight *at;  /* waited for; once settled: shared or led */
};

struct flights {
    const struct flight_kind *kind;
    pthread_mutex_t lock;
    pthread_condattr_t monotonic;
    size_t waiters_max, waiters_count;
    int64_t patience_us;
    struct flight *slots[SLOTS]; /* what is running, by hash of the key */
};

struct flights *flights_create(const struct flight_kind *kind, size_t waiters_max,
                               int64_t patience_us)
{
    struct flights *flights = calloc(1, sizeof *flights);
    if (flights == NULL) {
        return NULL;
    }
    flights->kind = kind;
    flights->waiters_max = waiters_max;
    flights->patience_us = patience_us;
    pthread_mutex_init(&flights->lock, NULL);
    pthread_condattr_init(&flights->monotonic);
    pthread_condattr_setclock(&flights->monotonic, CLOCK_MONOTONIC);
    return flights;
}

void flights_destroy(struct flights **flights)
{
    if (*flights == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        assert((*flights)->slots[i] == NULL);
    }
    pthread_condattr_destroy(&(*flights)->monotonic);
    pthread_mutex_destroy(&(*flights)->lock);
    free(*flights);
    *flights = NULL;
}

static struct slice copy_slice(char *to, struct slice from)
{
    if (from.size_bytes > 0) {
        memcpy(to, from.data, from.size_bytes);
    }
    return slice_of(to, from.size_bytes);
}

static struct flight *make_flight(struct flights *flights, const struct flight_ticket *ticket)
{
    struct flight *flight =
        calloc(1, sizeof *flight + ticket->key.size_bytes + ticket->lease.size_bytes);
    if (flight != NULL) {
        flight->flights = flights;
        flight->waiters_end = &flight->first_waiter;
        flight->key = copy_slice(flight->text, ticket->key);
        flight->lease = copy_slice(flight->text + ticket->key.size_bytes, ticket->lease);
    }
    return flight;
}

/* Where the pointer to the running flight of the key is, or would be. */
static struct flight **find_locked(struct flights *flights, struct slice key)
{
    struct flight **at = &flights->slots[hash_64(key) % SLOTS];
    while (*at != NULL && !slice_equal((*at)->key, key)) {
        at = &(*at)->next;
    }
    return at;
}

/* From here on the flight may read; its reference is the leader's. */
static void begin_locked(struct flight *flight)
{
    struct flight **at = find_locked(flight->flights, flight->key);
    assert(*at == NULL);
    *at = flight;
    flight->references = 1;
    flight->began_us = clock_mono_us();
}

static void enqueue_locked(struct flight *flight, struct waiter *waiter)
{
    waiter->next = NULL;
    waiter->at = flight;
    *flight->waiters_end = waiter;
    flight->waiters_end = &waiter->next;
}

static void dequeue_locked(struct waiter *waiter)
{
    struct flight *flight = waiter->at;
    struct waiter **at = &flight->first_waiter;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    if (*at == NULL) {
        flight->waiters_end = at;
    }
    flight->flights->waiters_count--;
}

/* Waits until settled; false if the deadline passes first. */
static bool wait_locked(struct flights *flights, struct waiter *waiter, int64_t deadline_us)
{
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    int status = 0;
    pthread_cond_init(&waiter->settled, &flights->monotonic);
    while (!waiter->is_settled && status == 0) {
        status = pthread_cond_timedwait(&waiter->settled, &flights->lock, &until);
    }
    if (!waiter->is_settled) {
        dequeue_locked(waiter);
    }
    pthread_cond_destroy(&waiter->settled);
    return waiter->is_settled;
}

/* Who has no time left takes no place from those who have, and who comes when too many wait has only
 * a little. */
static enum result follow_locked(struct flights *flights, struct flight *running,
                                 struct waiter *waiter)
{
    int64_t now_us = clock_mono_us();
    int64_t deadline_us = waiter->ticket->deadline_us;
    size_t waiting = flights->waiters_count;
    bool is_surplus = waiting >= flights->waiters_max;
    if (is_surplus && now_us + flights->patience_us < deadline_us) {
        deadline_us = now_us + flights->patience_us;
    }
    if (now_us < deadline_us) {
        flights->waiters_count++;
        enqueue_locked(running, waiter);
        if (wait_locked(flights, waiter, deadline_us)) {
            return waiter->result;
        }
    }
    return is_surplus ? error_set(waiter->error, RESULT_UNAVAILABLE, "flight",
                                  "%zu requests wait for others already", waiting)
                      : error_set(waiter->error, RESULT_TIMEOUT, "flight",
                                  "another request took too long to get the same");
}

/* Leads, or waits for the one who does. */
static enum result join_locked(struct flights *flights, struct waiter *waiter)
{
    struct flight *running = *find_locked(flights, waiter->own->key);
    if (running == NULL) {
        waiter->at = waiter->own;
        waiter->leads = true;
        begin_locked(waiter->own);
        return RESULT_OK;
    }
    return follow_locked(flights, running, waiter);
}

enum result flights_join(struct flights *flights, const struct flight_ticket *ticket,
                         struct flight **flight, bool *leads, struct error *error)
{
    struct waiter waiter = {
        .ticket = ticket, .error = error, .own = make_flight(flights, ticket)};
    *flight = NULL;
    *leads = false;
    if (waiter.own == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "flight", "out of memory");
    }
    pthread_mutex_lock(&flights->lock);
    enum result result = join_locked(flights, &waiter);
    pthread_mutex_unlock(&flights->lock);
    if (!waiter.leads) {
        free(waiter.own);
    }
    if (result == RESULT_OK) {
        *flight = waiter.at;
        *leads = waiter.leads;
    }
    return result;
}

/* Whether the flight is fresh enough for the waiter whatever it brings. Within one tick of the clock
 * nobody knows what came first. */
static bool is_fresh(const struct flight *flight, const struct waiter *waiter)
{
    const struct flight_ticket *ticket = waiter->ticket;
    return waiter->may_share_blindly || flight->began_us > ticket->arrived_us
           || (ticket->lease.size_bytes > 0 && slice_equal(flight->lease, ticket->lease));
}

static bool reaches(const struct flight *flight, const struct waiter *waiter)
{
    return flight->value != NULL && waiter->ticket->seen != NULL
           && flight->flights->kind->reaches(flight->value, waiter->ticket->seen);
}

static void settle_locked(struct waiter *waiter, struct flight *flight, enum result result,
                          const struct error *error)
{
    waiter->at = flight;
    waiter->result = result;
    waiter->is_settled = true;
    if (result == RESULT_OK && !waiter->leads) {
        flight->references++;
    } else if (result != RESULT_OK && waiter->error != NULL && error != NULL) {
        *waiter->error = *error;
    }
    flight->flights->waiters_count--;
    pthread_cond_signal(&waiter->settled);
}

static struct waiter *choose_leader(struct waiter *first)
{
    struct waiter *leader = first;
    for (struct waiter *waiter = first; waiter != NULL; waiter = waiter->next) {
        if (waiter->ticket->deadline_us > leader->ticket->deadline_us) {
            leader = waiter;
        }
    }
    return leader;
}

/* Begins the flight of those whom the landed one did not help. */
static void begin_next_locked(struct waiter *first)
{
    struct waiter *leader = choose_leader(first);
    struct flight *flight = leader->own;
    begin_locked(flight);
    for (struct waiter *waiter = first, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (waiter != leader) {
            waiter->may_share_blindly = true;
            enqueue_locked(flight, waiter);
        }
    }
    leader->leads = true;
    settle_locked(leader, flight, RESULT_OK, NULL);
}

static void land_locked(struct flight *flight, enum result result, const struct error *error)
{
    struct waiter *left = NULL, **left_end = &left;
    *find_locked(flight->flights, flight->key) = flight->next;
    flight->has_landed = true;
    for (struct waiter *waiter = flight->first_waiter, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (is_fresh(flight, waiter) || reaches(flight, waiter)) {
            settle_locked(waiter, flight, result, error);
        } else {
            waiter->next = NULL;
            *left_end = waiter;
            left_end = &waiter->next;
        }
    }
    flight->first_waiter = NULL;
    if (left != NULL) {
        begin_next_locked(left);
    }
}

void flight_land(struct flight *flight, enum result result, const struct error *error,
                 void *value)
{
    assert(!flight->has_landed && (result == RESULT_OK || value == NULL));
    pthread_mutex_lock(&flight->flights->lock);
    flight->value = value;
    land_locked(flight, result, error);
    pthread_mutex_unlock(&flight->flights->lock);
}

const void *flight_result(const struct flight *flight)
{
    return flight->value;
}

void flight_leave(struct flight **flight)
{
    struct flight *left = *flight;
    if (left == NULL) {
        return;
    }
    assert(left->has_landed);
    pthread_mutex_lock(&left->flights->lock);
    bool is_last = --left->references == 0;
    pthread_mutex_unlock(&left->flights->lock);
    if (is_last) {
        if (left->value != NULL) {
            left->flights->kind->free(left->value);
        }
        free(left);
    }
    *flight = NULL;
}
