/* Who waits, how long, and for whom; and what readers are promised. */
#include "base/clock.h"
#include "flight_fixture.h"
#include "unit.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

static void too_many_waiters_are_refused_over_all_keys(void)
{
    struct flights *flights = make_flights(2);
    struct flight *one = lead(flights, "one", "lease");
    struct flight *two = lead(flights, "two", "lease");
    struct traveller first = traveller_to(flights, "one");
    struct traveller second = traveller_to(flights, "two");
    struct traveller third = traveller_to(flights, "two");
    first.ticket.lease = second.ticket.lease = slice_text("lease");
    depart(&first);
    depart(&second);
    await_full(flights, "two");
    travel(&third);
    CU_ASSERT_EQUAL(third.result, RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(third.error.text, "2 requests wait for others already");
    land(&one, 1);
    arrive(&first);
    struct traveller again = traveller_to(flights, "two");
    again.ticket.deadline_us = in_ms(1);
    travel(&again); /* there is room */
    CU_ASSERT_EQUAL(again.result, RESULT_TIMEOUT);
    land(&two, 2);
    arrive(&second);
    CU_ASSERT_EQUAL(first.got + second.got, 3);
    end_flights(&flights);
}

static void who_is_one_too_many_waits_a_little(void)
{
    struct flights *flights = make_patient_flights(0, 20);
    struct flight *flight = lead(flights, "key", "lease");
    struct traveller me = traveller_to(flights, "key");
    int64_t began_us = clock_mono_us();
    travel(&me);
    CU_ASSERT_EQUAL(me.result, RESULT_UNAVAILABLE);
    CU_ASSERT_TRUE(clock_mono_us() - began_us >= 20000);
    me.ticket.deadline_us = in_ms(2); /* that is sooner */
    travel(&me);
    CU_ASSERT_EQUAL(me.result, RESULT_UNAVAILABLE);
    land(&flight, 1);
    end_flights(&flights);
}

static void who_is_one_too_many_shares_what_lands_soon(void)
{
    struct flights *flights = make_patient_flights(1, PATIENCE_MS);
    struct flight *flight = lead(flights, "key", "lease");
    struct traveller crowd[2];
    for (int i = 0; i < 2; i++) {
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.lease = slice_text("lease");
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 1);
    for (int i = 0; i < 2; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_EQUAL(crowd[i].result, RESULT_OK);
    }
    end_flights(&flights);
}

static void a_follower_out_of_time_disturbs_nobody(void)
{
    enum { PATIENT = 4 };
    struct flights *flights = make_flights(PATIENT);
    struct flight *flight = lead(flights, "key", "lease");
    struct traveller crowd[PATIENT];
    for (int i = 0; i < PATIENT; i++) {
        struct traveller hasty = traveller_to(flights, "key");
        hasty.ticket.deadline_us = in_ms(2);
        travel(&hasty);
        CU_ASSERT_EQUAL(hasty.result, RESULT_TIMEOUT);
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.lease = slice_text("lease");
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 1);
    for (int i = 0; i < PATIENT; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_EQUAL(crowd[i].got, 1);
        CU_ASSERT_FALSE(crowd[i].led);
    }
    end_flights(&flights);
}

/* Were they in each other's way, the test would not get past the second one. */
static void keys_do_not_wait_for_each_other(void)
{
    enum { KEYS = 600 }; /* more than there are slots */
    struct flights *flights = make_flights(0);
    struct flight *all[KEYS];
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key %d", i);
        all[i] = lead(flights, key, "");
    }
    for (int i = 0; i < KEYS; i++) {
        land(&all[i * 7 % KEYS], i + 1);
    }
    end_flights(&flights);
}

/* A thing with versions: who reads it after a write must find at least what was written. */
static struct {
    atomic_int version;
    atomic_int flights_count;
    atomic_int stale, failed;
} truth;

static void read_once(struct flights *flights)
{
    struct traveller me = traveller_to(flights, "key");
    const int acknowledged = truth.version;
    struct flight *flight;
    bool leads;
    me.ticket.arrived_us = clock_mono_us();
    me.ticket.seen = acknowledged % 2 == 0 ? &acknowledged : NULL;
    if (flights_join(flights, &me.ticket, &flight, &leads, &me.error) != RESULT_OK) {
        truth.failed++;
        return;
    }
    if (leads) {
        truth.flights_count++;
        int *value = make_value(truth.version);
        sched_yield();
        flight_land(flight, RESULT_OK, &no_error, value);
    }
    truth.stale += *(const int *)flight_result(flight) < acknowledged;
    flight_leave(&flight);
}

static void *read_and_write(void *flights)
{
    for (int i = 0; i < 400; i++) {
        truth.version += i % 4 == 0;
        read_once(flights);
    }
    return NULL;
}

static void nobody_reads_what_is_older_than_his_arrival(void)
{
    enum { THREADS = 8 };
    struct flights *flights = make_flights(THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, read_and_write, flights), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(truth.stale, 0);
    CU_ASSERT_EQUAL(truth.failed, 0);
    CU_ASSERT_TRUE(truth.flights_count > 0);
    end_flights(&flights);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(too_many_waiters_are_refused_over_all_keys),
        UNIT_TEST(who_is_one_too_many_waits_a_little),
        UNIT_TEST(who_is_one_too_many_shares_what_lands_soon),
        UNIT_TEST(a_follower_out_of_time_disturbs_nobody),
        UNIT_TEST(keys_do_not_wait_for_each_other),
        UNIT_TEST(nobody_reads_what_is_older_than_his_arrival),
    };
    return unit_run("flight limits", tests, sizeof tests / sizeof *tests);
}
