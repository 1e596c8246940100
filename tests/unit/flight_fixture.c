#include "flight_fixture.h"

#include "base/clock.h"
#include "unit.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

const struct error no_error = {0};
static atomic_int values_alive;

int *make_value(int version)
{
    int *value = malloc(sizeof *value);
    *value = version;
    values_alive++;
    return value;
}

static void free_value(void *value)
{
    values_alive--;
    free(value);
}

static bool version_reaches(const void *result, const void *seen)
{
    return *(const int *)result >= *(const int *)seen;
}

static const struct flight_kind kind = {version_reaches, free_value};

int64_t in_ms(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

struct flights *make_patient_flights(size_t waiters_max, int64_t patience_ms)
{
    struct flights *flights = flights_create(&kind, waiters_max, patience_ms * 1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flights);
    return flights;
}

struct flights *make_flights(size_t waiters_max)
{
    return make_patient_flights(waiters_max, 0);
}

void end_flights(struct flights **flights)
{
    flights_destroy(flights);
    CU_ASSERT_EQUAL(values_alive, 0);
}

void *travel(void *context)
{
    struct traveller *me = context;
    struct flight *flight;
    me->result = flights_join(me->flights, &me->ticket, &flight, &me->led, &me->error);
    if (me->result != RESULT_OK) {
        return NULL;
    }
    if (me->led && me->brings == 0) {
        error_set(&me->error, RESULT_UNAVAILABLE, "test", "his plane is broken");
        flight_land(flight, RESULT_UNAVAILABLE, &me->error, NULL);
    } else if (me->led) {
        flight_land(flight, RESULT_OK, &no_error, make_value(me->brings));
    }
    const int *value = flight_result(flight);
    me->got = value == NULL ? 0 : *value;
    flight_leave(&flight);
    return NULL;
}

struct traveller traveller_to(struct flights *flights, const char *key)
{
    return (struct traveller){
        .flights = flights,
        .ticket = {.key = slice_text(key),
                   .arrived_us = clock_mono_us(),
                   .deadline_us = in_ms(PATIENCE_MS)},
    };
}

void depart(struct traveller *traveller)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)256 * 1024);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&traveller->thread, &small, travel, traveller), 0);
    pthread_attr_destroy(&small);
}

void arrive(struct traveller *traveller)
{
    CU_ASSERT_EQUAL(pthread_join(traveller->thread, NULL), 0);
}

struct flight *lead(struct flights *flights, const char *key, const char *lease)
{
    struct traveller me = traveller_to(flights, key);
    struct flight *flight = NULL;
    bool leads = false;
    me.ticket.lease = slice_text(lease);
    CU_ASSERT_EQUAL_FATAL(flights_join(flights, &me.ticket, &flight, &leads, &me.error),
                          RESULT_OK);
    CU_ASSERT_TRUE_FATAL(leads);
    return flight;
}

void land(struct flight **flight, int version)
{
    flight_land(*flight, RESULT_OK, &no_error, make_value(version));
    CU_ASSERT_EQUAL(*(const int *)flight_result(*flight), version);
    flight_leave(flight);
}

void crash(struct flight **flight)
{
    struct error error;
    enum result result = error_set(&error, RESULT_UNAVAILABLE, "test", "engine failure");
    flight_land(*flight, result, &error, NULL);
    CU_ASSERT_PTR_NULL(flight_result(*flight));
    flight_leave(flight);
}

void await_full(struct flights *flights, const char *key)
{
    /* One who has no time is refused because too many wait, as soon as that is so. */
    int64_t end_us = in_ms(PATIENCE_MS);
    enum result result = RESULT_TIMEOUT;
    while (result == RESULT_TIMEOUT && clock_mono_us() < end_us) {
        struct traveller probe = traveller_to(flights, key);
        struct flight *flight;
        bool leads;
        probe.ticket.deadline_us = 0;
        sched_yield();
        result = flights_join(flights, &probe.ticket, &flight, &leads, &probe.error);
    }
    CU_ASSERT_EQUAL(result, RESULT_UNAVAILABLE);
}

void await_tick(void)
{
    int64_t now_us = clock_mono_us();
    while (clock_mono_us() == now_us) {
    }
}
