#include "base/breaker.h"
#include "base/server.h"

#include "base/clock.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static struct server_stats stats;
static struct error cause;

static struct breaker *make_breaker(void)
{
    stats = (struct server_stats){0};
    error_set(&cause, RESULT_UNAVAILABLE, "test", "hung");
    struct breaker *breaker = breaker_create(NULL, &stats);
    CU_ASSERT_PTR_NOT_NULL_FATAL(breaker);
    return breaker;
}

/* A call that takes no time. True if the breaker opened by it. */
static bool call(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_us)
{
    enum breaker_pass pass = breaker_enter(breaker, now_us, NULL);
    CU_ASSERT_NOT_EQUAL_FATAL(pass, BREAKER_REFUSED);
    return breaker_leave(breaker, pass, outcome, now_us, &cause);
}

/* Calls in a row; how many until it opened. */
static int calls_until_open(struct breaker *breaker, const char *outcomes)
{
    for (int i = 0; outcomes[i] != '\0'; i++) {
        if (call(breaker, outcomes[i] == 'x'   ? BREAKER_SILENT
                          : outcomes[i] == '-' ? BREAKER_BROKEN
                                               : BREAKER_ANSWERED,
                 0)) {
            return i + 1;
        }
    }
    return 0;
}

static void five_failures_in_a_row_open_it(void)
{
    static const struct {
        const char *outcomes;
        int until_open;
    } rows[] = {
        {"xxxxx", 5},
        {"x-x--", 5},
        {"....xxxxx", 9},
        {"xxxx.xxxx.", 0},
        {"xxxx.xxxx.x", 0},
        {"xxxx.xxxx.xx", 12}, /* ten of the last twenty */
        {"x.x.x.x.x.x.x.x.x.x", 19},
        {"x.x.x.x.x.x.x.x.x...x.x.x", 0},
        {"xxxx................xxxx", 0},
        {"xxxx...............xxxxx", 24},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct breaker *breaker = make_breaker();
        CU_ASSERT_EQUAL(calls_until_open(breaker, rows[i].outcomes), rows[i].until_open);
        CU_ASSERT_EQUAL(breaker_is_closed(breaker), rows[i].until_open == 0);
        CU_ASSERT_EQUAL(stats.breaker, rows[i].until_open == 0 ? BREAKER_CLOSED : BREAKER_OPEN);
        CU_ASSERT_EQUAL(stats.breaker_opened, rows[i].until_open > 0);
        breaker_destroy(&breaker);
    }
}

static void what_was_not_tried_counts_for_nothing(void)
{
    struct breaker *breaker = make_breaker();
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_FALSE(call(breaker, BREAKER_UNTRIED, 0));
    }
    CU_ASSERT_EQUAL(calls_until_open(breaker, "xxxx"), 0);
    CU_ASSERT_FALSE(call(breaker, BREAKER_UNTRIED, 0));
    CU_ASSERT_TRUE(call(breaker, BREAKER_BROKEN, 0));
    CU_ASSERT_EQUAL(stats.calls_failed, 5);
    breaker_destroy(&breaker);
}

static enum breaker_pass enter(struct breaker *breaker, int64_t now_us)
{
    struct error error = {0};
    enum breaker_pass pass = breaker_enter(breaker, now_us, &error);
    if (pass == BREAKER_REFUSED) {
        CU_ASSERT_STRING_EQUAL(error.text, "hung");
    }
    return pass;
}

static const int64_t early_us = 699999, late_us = 1300001;

static void open_for_a_second_then_one_may_try(void)
{
    struct breaker *breaker = make_breaker();
    CU_ASSERT_TRUE(breaker_trip(breaker, 0, &cause));
    CU_ASSERT_FALSE(breaker_trip(breaker, 0, &cause));
    CU_ASSERT_EQUAL(enter(breaker, 0), BREAKER_REFUSED);
    CU_ASSERT_EQUAL(enter(breaker, early_us), BREAKER_REFUSED);
    CU_ASSERT_EQUAL(enter(breaker, late_us), BREAKER_PROBE);
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_HALF_OPEN);
    CU_ASSERT_EQUAL(enter(breaker, late_us), BREAKER_REFUSED);
    CU_ASSERT_FALSE(breaker_leave(breaker, BREAKER_PROBE, BREAKER_UNTRIED, late_us, NULL));
    CU_ASSERT_EQUAL(enter(breaker, late_us), BREAKER_PROBE);
    CU_ASSERT_FALSE(breaker_leave(breaker, BREAKER_PROBE, BREAKER_ANSWERED, late_us, NULL));
    CU_ASSERT_EQUAL(enter(breaker, late_us), BREAKER_CALL);
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_CLOSED);
    CU_ASSERT_EQUAL(stats.breaker_opened, 1);
    CU_ASSERT_EQUAL(calls_until_open(breaker, "xxxx"), 0);
    breaker_destroy(&breaker);
}

static void a_failed_probe_opens_it_for_another_second(void)
{
    struct breaker *breaker = make_breaker();
    CU_ASSERT_TRUE(breaker_trip(breaker, 0, &cause));
    CU_ASSERT_TRUE(call(breaker, BREAKER_BROKEN, late_us));
    CU_ASSERT_EQUAL(enter(breaker, late_us + early_us), BREAKER_REFUSED);
    CU_ASSERT_EQUAL(enter(breaker, 2 * late_us), BREAKER_PROBE);
    CU_ASSERT_TRUE(breaker_trip(breaker, 2 * late_us, &cause));
    CU_ASSERT_FALSE(breaker_leave(breaker, BREAKER_PROBE, BREAKER_UNTRIED, 2 * late_us, NULL));
    CU_ASSERT_EQUAL(enter(breaker, 2 * late_us + early_us), BREAKER_REFUSED);
    CU_ASSERT_EQUAL(enter(breaker, 3 * late_us), BREAKER_PROBE);
    CU_ASSERT_EQUAL(stats.breaker_opened, 1);
    breaker_destroy(&breaker);
}

static void what_began_before_it_opened_changes_nothing(void)
{
    struct breaker *breaker = make_breaker();
    CU_ASSERT_EQUAL(enter(breaker, 0), BREAKER_CALL);
    CU_ASSERT_EQUAL(enter(breaker, 0), BREAKER_CALL);
    CU_ASSERT_TRUE(breaker_trip(breaker, 0, &cause));
    CU_ASSERT_FALSE(breaker_leave(breaker, BREAKER_CALL, BREAKER_ANSWERED, 0, NULL));
    CU_ASSERT_FALSE(breaker_is_closed(breaker));
    CU_ASSERT_EQUAL(enter(breaker, late_us), BREAKER_PROBE);
    CU_ASSERT_FALSE(breaker_leave(breaker, BREAKER_CALL, BREAKER_BROKEN, late_us, &cause));
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_HALF_OPEN);
    breaker_destroy(&breaker);
}

/* A server whose connections are single bytes. */
static struct {
    bool refuses, is_dead;
    atomic_int opened;
} fake;

static enum result open_item(void *context, int64_t deadline_us, void **item, struct error *error)
{
    (void)context;
    (void)deadline_us;
    if (fake.refuses) {
        return error_set(error, RESULT_UNAVAILABLE, "test", "refused");
    }
    fake.opened++;
    *item = malloc(1);
    return RESULT_OK;
}

static bool is_alive(void *item, int64_t idle_us)
{
    (void)item;
    (void)idle_us;
    return !fake.is_dead;
}

static const struct pool_kind kind = {"the test", open_item, free, is_alive};

static struct server *make_server(int size)
{
    fake.refuses = fake.is_dead = false;
    fake.opened = 0;
    stats = (struct server_stats){0};
    error_set(&cause, RESULT_UNAVAILABLE, "test", "hung");
    struct server *server = server_create(&kind, NULL, size, NULL, &stats);
    CU_ASSERT_PTR_NOT_NULL_FATAL(server);
    return server;
}

static enum result take(struct server *server, void **item, struct error *error)
{
    return server_take(server, clock_mono_us() + 5000000, item, error);
}

static void a_failed_connect_opens_it_at_once(void)
{
    struct server *server = make_server(2);
    struct error error;
    void *item;
    fake.refuses = true;
    CU_ASSERT_FALSE(server_is_away(server));
    CU_ASSERT_EQUAL(take(server, &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_TRUE(server_is_away(server));
    CU_ASSERT_EQUAL(take(server, &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "refused");
    CU_ASSERT_EQUAL(stats.connects_failed, 1);
    server_destroy(&server);
}

static void a_connect_without_time_tells_nothing(void)
{
    struct server *server = make_server(2);
    void *item;
    fake.refuses = true;
    CU_ASSERT_EQUAL(server_take(server, clock_mono_us(), &item, NULL), RESULT_UNAVAILABLE);
    CU_ASSERT_FALSE(server_is_away(server));
    server_destroy(&server);
}

static struct server *waited_for;

static void *wait_for_it(void *error)
{
    void *item;
    return take(waited_for, &item, error) == RESULT_OK ? item : NULL;
}

static void who_waits_is_sent_away_when_it_opens(void)
{
    struct server *server = waited_for = make_server(1);
    struct error error = {0};
    void *item, *lent = server;
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(take(server, &item, NULL), RESULT_OK);
        server_give(server, item, true, BREAKER_BROKEN, &cause);
    }
    CU_ASSERT_EQUAL_FATAL(take(server, &item, NULL), RESULT_OK);
    pthread_t thread;
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wait_for_it, &error), 0);
    while (stats.waiting == 0 && clock_mono_us() < begun_us + 5000000) {
        sched_yield();
    }
    server_give(server, item, true, BREAKER_BROKEN, &cause);
    pthread_join(thread, &lent);
    CU_ASSERT_PTR_NULL(lent);
    CU_ASSERT_TRUE(clock_mono_us() < begun_us + 4000000);
    CU_ASSERT_STRING_EQUAL(error.text, "hung");
    CU_ASSERT_TRUE(server_is_away(server));
    CU_ASSERT_EQUAL(stats.waiting, 0);
    CU_ASSERT_EQUAL(stats.connections, 0);
    server_destroy(&server);
}

/* Tries until the server lends one, or for five seconds. */
static void *take_in_the_end(struct server *server)
{
    int64_t end_us = clock_mono_us() + 5000000;
    void *item = NULL;
    while (take(server, &item, NULL) != RESULT_OK && clock_mono_us() < end_us) {
        sched_yield();
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(item);
    return item;
}

static void a_sign_of_life_closes_it_though_the_call_goes_on(void)
{
    struct server *server = make_server(2);
    void *item = NULL;
    fake.refuses = true;
    CU_ASSERT_EQUAL(take(server, &item, NULL), RESULT_UNAVAILABLE);
    fake.refuses = false;
    item = take_in_the_end(server);
    CU_ASSERT_FALSE(server_is_away(server));
    CU_ASSERT_EQUAL(stats.lent, 1);
    server_give(server, item, true, BREAKER_ANSWERED, NULL);
    CU_ASSERT_EQUAL(stats.lent, 0);
    CU_ASSERT_EQUAL(stats.connections, 1);
    server_destroy(&server);
}

static void a_probe_without_a_sign_of_life_fails(void)
{
    struct server *server = make_server(2);
    struct error error = {0};
    void *item = NULL;
    fake.refuses = true;
    CU_ASSERT_EQUAL(take(server, &item, NULL), RESULT_UNAVAILABLE);
    fake.refuses = false;
    fake.is_dead = true;
    int64_t end_us = clock_mono_us() + 5000000;
    while (fake.opened == 0 && clock_mono_us() < end_us) {
        CU_ASSERT_EQUAL(take(server, &item, &error), RESULT_UNAVAILABLE);
    }
    CU_ASSERT_STRING_EQUAL(error.text, "the test does not answer");
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_OPEN);
    CU_ASSERT_EQUAL(stats.connections, 0);
    server_destroy(&server);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(five_failures_in_a_row_open_it),
        UNIT_TEST(what_was_not_tried_counts_for_nothing),
        UNIT_TEST(open_for_a_second_then_one_may_try),
        UNIT_TEST(a_failed_probe_opens_it_for_another_second),
        UNIT_TEST(what_began_before_it_opened_changes_nothing),
        UNIT_TEST(a_failed_connect_opens_it_at_once),
        UNIT_TEST(a_connect_without_time_tells_nothing),
        UNIT_TEST(who_waits_is_sent_away_when_it_opens),
        UNIT_TEST(a_sign_of_life_closes_it_though_the_call_goes_on),
        UNIT_TEST(a_probe_without_a_sign_of_life_fails),
    };
    return unit_run("breaker", tests, sizeof tests / sizeof *tests);
}
