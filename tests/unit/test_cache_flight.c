/* Whose result is shared, and with whom. */
#include "flight_fixture.h"
#include "unit.h"

#include <stdlib.h>

enum { CROWD = 500 };

static int count_leaders(const struct traveller *crowd, size_t count)
{
    int leaders = 0;
    for (size_t i = 0; i < count; i++) {
        leaders += crowd[i].led;
    }
    return leaders;
}

/* Five hundred who come while a flight is under way, and all wait. */
static struct traveller *gather(struct flights *flights, const char *lease, const int *seen,
                                int brings)
{
    struct traveller *crowd = calloc(CROWD, sizeof *crowd);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.lease = slice_text(lease);
        crowd[i].ticket.seen = seen;
        crowd[i].brings = brings;
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    return crowd;
}

/* Waits for all; each must have got this. */
static int disperse(struct traveller **crowd, enum result result, int got)
{
    int wrong = 0;
    for (int i = 0; i < CROWD; i++) {
        arrive(&(*crowd)[i]);
        wrong += (*crowd)[i].result != result || (*crowd)[i].got != got;
    }
    int leaders = count_leaders(*crowd, CROWD);
    CU_ASSERT_EQUAL(wrong, 0);
    free(*crowd);
    *crowd = NULL;
    return leaders;
}

static void who_comes_alone_leads(void)
{
    struct flights *flights = make_flights(0);
    for (int i = 1; i <= 3; i++) {
        struct flight *flight = lead(flights, "key", "");
        land(&flight, i);
        CU_ASSERT_PTR_NULL(flight);
        flight_leave(&flight);
    }
    end_flights(&flights);
}

/* While a flight with the lease `led_with` is under way, five hundred come with `lease` and `seen`;
 * it brings version 7, and each of them would bring 9. How many of them lead; each must get `got`. */
static int serve_crowd(const char *led_with, const char *lease, const int *seen, int got)
{
    struct flights *flights = make_flights(CROWD);
    struct flight *flight = lead(flights, "key", led_with);
    await_tick();
    struct traveller *crowd = gather(flights, lease, seen, 9);
    land(&flight, 7);
    int leaders = disperse(&crowd, RESULT_OK, got);
    end_flights(&flights);
    return leaders;
}

static void five_hundred_with_one_lease_are_one_flight(void)
{
    CU_ASSERT_EQUAL(serve_crowd("lease", "lease", NULL, 7), 0);
}

static void five_hundred_without_a_lease_are_two_flights(void)
{
    CU_ASSERT_EQUAL(serve_crowd("", "", NULL, 9), 1);
}

static void another_lease_is_not_shared(void)
{
    CU_ASSERT_EQUAL(serve_crowd("an older lease", "lease", NULL, 9), 1);
}

static void a_result_that_reaches_what_was_seen_is_shared(void)
{
    const int seen = 7;
    CU_ASSERT_EQUAL(serve_crowd("", "", &seen, 7), 0);
}

static void a_result_older_than_what_was_seen_is_not_shared(void)
{
    const int seen = 8;
    CU_ASSERT_EQUAL(serve_crowd("", "", &seen, 9), 1);
}

static void the_next_flight_is_shared_whatever_it_brings(void)
{
    const int seen = 10;
    CU_ASSERT_EQUAL(serve_crowd("", "", &seen, 9), 1);
}

static void five_hundred_who_arrived_before_the_flight_share_it(void)
{
    struct flights *flights = make_flights(CROWD);
    struct traveller *crowd = calloc(CROWD, sizeof *crowd);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = traveller_to(flights, "key");
    }
    await_tick();
    struct flight *flight = lead(flights, "key", "");
    for (int i = 0; i < CROWD; i++) {
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 1);
    CU_ASSERT_EQUAL(disperse(&crowd, RESULT_OK, 1), 0);
    end_flights(&flights);
}

/* Who waited before a flight began has arrived before, whatever the clock can tell of it. */
static void the_next_flight_is_shared_within_one_tick_of_the_clock(void)
{
    struct flights *flights = make_flights(3);
    struct traveller crowd[3];
    struct flight *flight = lead(flights, "key", "");
    for (int i = 0; i < 3; i++) {
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.arrived_us = in_ms(PATIENCE_MS);
        crowd[i].brings = i + 2;
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 1);
    for (int i = 0; i < 3; i++) {
        arrive(&crowd[i]);
    }
    CU_ASSERT_EQUAL(count_leaders(crowd, 3), 1);
    CU_ASSERT_EQUAL(crowd[0].got, crowd[1].got);
    CU_ASSERT_EQUAL(crowd[0].got, crowd[2].got);
    end_flights(&flights);
}

static void a_failure_is_shared_by_lease(void)
{
    struct flights *flights = make_flights(CROWD);
    struct flight *flight = lead(flights, "key", "lease");
    await_tick();
    struct traveller *crowd = gather(flights, "lease", NULL, 99);
    crash(&flight);
    for (int i = 0; i < CROWD; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_EQUAL(crowd[i].result, RESULT_UNAVAILABLE);
        CU_ASSERT_STRING_EQUAL(crowd[i].error.text, "engine failure");
        CU_ASSERT_FALSE(crowd[i].led);
    }
    free(crowd);
    end_flights(&flights);
}

static void who_only_hoped_goes_on_after_a_failure(void)
{
    const int seen = 1;
    struct flights *flights = make_flights(CROWD);
    struct flight *flight = lead(flights, "key", "");
    await_tick();
    struct traveller *crowd = gather(flights, "", &seen, 5);
    crash(&flight);
    CU_ASSERT_EQUAL(disperse(&crowd, RESULT_OK, 5), 1);
    end_flights(&flights);
}

static void the_next_flight_fails_for_all(void)
{
    struct flights *flights = make_flights(CROWD);
    struct flight *flight = lead(flights, "key", "");
    await_tick();
    struct traveller *crowd = gather(flights, "", NULL, 0);
    land(&flight, 1);
    int failed = 0;
    for (int i = 0; i < CROWD; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_STRING_EQUAL(crowd[i].error.text, "his plane is broken");
        failed += crowd[i].result == RESULT_UNAVAILABLE;
    }
    CU_ASSERT_EQUAL(count_leaders(crowd, CROWD), 1);
    CU_ASSERT_EQUAL(failed, CROWD - 1); /* the leader was let in */
    free(crowd);
    end_flights(&flights);
}

/* "Well, but there is nothing" is shared by time and lease, and reaches nothing. */
static void nothing_can_be_what_a_flight_brings(void)
{
    const int seen = 1;
    struct flights *flights = make_flights(2);
    struct flight *flight = lead(flights, "key", "lease");
    await_tick();
    struct traveller by_lease = traveller_to(flights, "key");
    struct traveller hopes = traveller_to(flights, "key");
    by_lease.ticket.lease = slice_text("lease");
    by_lease.brings = hopes.brings = 4;
    hopes.ticket.seen = &seen;
    depart(&by_lease);
    depart(&hopes);
    await_full(flights, "key");
    flight_land(flight, RESULT_OK, &no_error, NULL);
    CU_ASSERT_PTR_NULL(flight_result(flight));
    flight_leave(&flight);
    arrive(&by_lease);
    arrive(&hopes);
    CU_ASSERT_EQUAL(by_lease.result, RESULT_OK);
    CU_ASSERT_EQUAL(by_lease.got, 0);
    CU_ASSERT_TRUE(hopes.led);
    CU_ASSERT_EQUAL(hopes.got, 4);
    end_flights(&flights);
}

static void those_whom_it_does_not_help_leave_the_others_alone(void)
{
    const int seen[] = {5, 6, 7, 8};
    struct flights *flights = make_flights(4);
    struct traveller crowd[4];
    struct flight *flight = lead(flights, "key", "");
    await_tick();
    for (int i = 0; i < 4; i++) {
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.seen = &seen[i];
        crowd[i].brings = 9;
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 6);
    for (int i = 0; i < 4; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_EQUAL(crowd[i].got, seen[i] <= 6 ? 6 : 9);
    }
    CU_ASSERT_EQUAL(count_leaders(crowd, 4), 1);
    end_flights(&flights);
}

static void the_next_flight_is_led_by_who_can_wait_longest(void)
{
    struct flights *flights = make_flights(3);
    struct traveller crowd[3];
    struct flight *flight = lead(flights, "key", "");
    await_tick();
    for (int i = 0; i < 3; i++) {
        crowd[i] = traveller_to(flights, "key");
        crowd[i].ticket.deadline_us += i == 1 ? 1000000 : 0;
        crowd[i].brings = i + 1;
        depart(&crowd[i]);
    }
    await_full(flights, "key");
    land(&flight, 9);
    for (int i = 0; i < 3; i++) {
        arrive(&crowd[i]);
        CU_ASSERT_EQUAL(crowd[i].got, 2);
    }
    CU_ASSERT_TRUE(crowd[1].led);
    end_flights(&flights);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(who_comes_alone_leads),
        UNIT_TEST(five_hundred_with_one_lease_are_one_flight),
        UNIT_TEST(five_hundred_without_a_lease_are_two_flights),
        UNIT_TEST(another_lease_is_not_shared),
        UNIT_TEST(a_result_that_reaches_what_was_seen_is_shared),
        UNIT_TEST(a_result_older_than_what_was_seen_is_not_shared),
        UNIT_TEST(the_next_flight_is_shared_whatever_it_brings),
        UNIT_TEST(five_hundred_who_arrived_before_the_flight_share_it),
        UNIT_TEST(the_next_flight_is_shared_within_one_tick_of_the_clock),
        UNIT_TEST(a_failure_is_shared_by_lease),
        UNIT_TEST(who_only_hoped_goes_on_after_a_failure),
        UNIT_TEST(the_next_flight_fails_for_all),
        UNIT_TEST(nothing_can_be_what_a_flight_brings),
        UNIT_TEST(those_whom_it_does_not_help_leave_the_others_alone),
        UNIT_TEST(the_next_flight_is_led_by_who_can_wait_longest),
    };
    return unit_run("flight", tests, sizeof tests / sizeof *tests);
}
