/*
 * Flights of which a result is a version, and so is what was seen; and threads that join them.
 */
#ifndef REFRAIN_TESTS_FLIGHT_FIXTURE_H
#define REFRAIN_TESTS_FLIGHT_FIXTURE_H

#include "cache/flight.h"

#include <pthread.h>

enum { PATIENCE_MS = 30000 };

extern const struct error no_error;

int64_t in_ms(int64_t ms);
int *make_value(int version);

/* Who comes when too many wait is refused at once, or waits for patience_ms. */
struct flights *make_flights(size_t waiters_max);
struct flights *make_patient_flights(size_t waiters_max, int64_t patience_ms);
/* Fails if a result was not freed. */
void end_flights(struct flights **flights);

/* One who joins, on a thread of his own. */
struct traveller {
    struct flights *flights;
    struct flight_ticket ticket;
    int brings; /* the version that he lands with if he leads; 0: a failure */
    pthread_t thread;
    /* what came of it */
    enum result result;
    bool led;
    int got; /* 0: nothing */
    struct error error;
};

struct traveller traveller_to(struct flights *flights, const char *key);
/* Joins, and lands where that falls to him: in the calling thread, or from departure to arrival in
 * his own. */
void *travel(void *traveller);
void depart(struct traveller *traveller);
void arrive(struct traveller *traveller);

/* Leads a flight from the test's own thread, and ends it. */
struct flight *lead(struct flights *flights, const char *key, const char *lease);
void land(struct flight **flight, int version);
void crash(struct flight **flight);

/* Until as many wait as may. */
void await_full(struct flights *flights, const char *key);
/* The clock has ticked: who arrives from now on has arrived after all that was before. */
void await_tick(void);

#endif
