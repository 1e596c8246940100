/*
 * Single-flight: of many threads of a process that want the same thing at the same time, one gets
 * it and the others share it, but only where it is fresh enough for them.
 */
#ifndef REFRAIN_CACHE_FLIGHT_H
#define REFRAIN_CACHE_FLIGHT_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct flights;
struct flight;

/* How the results of one kind of flight are judged and freed. */
struct flight_kind {
    /* Whether a result reaches what the one who waits has `seen` (never NULL). */
    bool (*reaches)(const void *result, const void *seen);
    void (*free)(void *result);
};

/* Up to waiters_max threads, in all, wait for as long as they may; those who come in addition wait
 * for patience_us at most, so that a thing that takes long cannot hold all threads. NULL where memory
 * is short. */
struct flights *flights_create(const struct flight_kind *kind, size_t waiters_max,
                               int64_t patience_us);
void flights_destroy(struct flights **flights);

struct flight_ticket {
    struct slice key;     /* what is wanted; not empty */
    int64_t arrived_us;   /* when the request came, monotonic */
    struct slice lease;   /* the lease that it found, after it came; empty: none */
    const void *seen;     /* versions that it has seen, after it came; NULL: none */
    int64_t deadline_us;
};

/* RESULT_OK with *leads: the caller gets the thing and must call flight_land(). RESULT_OK without:
 * somebody else has, and flight_result() may be used: a flight that began after the arrival, or that
 * holds the same lease, or whose result reaches what was seen. If that flight failed and began after
 * the arrival (or holds the lease), its result and error are returned here. RESULT_TIMEOUT at the
 * deadline; RESULT_UNAVAILABLE if too many wait. With RESULT_OK, and only then, *flight is to
 * be given to flight_leave(). */
enum result flights_join(struct flights *flights, const struct flight_ticket *ticket,
                         struct flight **flight, bool *leads, struct error *error) MUST_CHECK;

/* Ends the leader's flight and wakes those who wait. Takes over `value`, which is NULL unless the
 * result is RESULT_OK. */
void flight_land(struct flight *flight, enum result result, const struct error *error,
                 void *value);

/* After landing: what the flight got; NULL if it failed. Lives until flight_leave(). */
const void *flight_result(const struct flight *flight);

/* Gives up the caller's share. A leader must have landed. NULL is fine. */
void flight_leave(struct flight **flight);

#endif
