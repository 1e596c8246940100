#include "base/clock.h"
#include "base/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A server of counted items, which can be made to refuse. */
static struct {
    atomic_int opened, refused, closed, asked;
    atomic_bool is_slow, is_opening; /* opening takes until it is no longer slow */
    int64_t idle_us; /* of whom it was asked last */
    bool refuses;
    bool is_dead; /* what is idle is found broken */
} server;

static enum result open_item(void *context, int64_t deadline_us, void **item, struct error *error)
{
    (void)context;
    (void)deadline_us;
    if (server.refuses) {
        server.refused++;
        return error_set(error, RESULT_UNAVAILABLE, "test", "refused");
    }
    server.is_opening = true;
    for (int64_t end_us = clock_mono_us() + 3000000; server.is_slow && clock_mono_us() < end_us;) {
        sched_yield();
    }
    server.opened++;
    *item = malloc(1);
    return RESULT_OK;
}

static void close_item(void *item)
{
    server.closed++;
    free(item);
}

static bool is_alive(void *item, int64_t idle_us)
{
    (void)item;
    server.asked++;
    server.idle_us = idle_us;
    return !server.is_dead;
}

static const struct pool_kind kind = {"the test", open_item, close_item, is_alive};
static struct server_stats stats;

static struct pool *make_pool(int size)
{
    server.opened = server.refused = server.closed = server.asked = 0;
    server.refuses = server.is_dead = server.is_slow = server.is_opening = false;
    stats = (struct server_stats){0};
    struct pool *pool = pool_create(&kind, NULL, size, &stats);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    return pool;
}

static int64_t in_ms(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

static void *take(struct pool *pool)
{
    void *item = NULL;
    struct error error;
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(5000), &item, &error), RESULT_OK);
    return item;
}

static void the_newest_idle_item_is_lent_first(void)
{
    struct pool *pool = make_pool(3);
    void *first = take(pool);
    void *second = take(pool);
    pool_give(pool, first, true);
    pool_give(pool, second, true);
    CU_ASSERT_PTR_EQUAL(take(pool), second);
    CU_ASSERT_EQUAL(server.opened, 2);
    pool_give(pool, second, false);
    CU_ASSERT_EQUAL(server.closed, 1);
    pool_destroy(&pool);
    CU_ASSERT_EQUAL(server.closed, 2);
}

/* Until the clock tells that what was given back has been idle. */
static void wait_a_moment(void)
{
    for (int64_t now_us = clock_mono_us(); clock_mono_us() == now_us;) {
    }
}

static void the_dead_are_replaced_and_those_idle_for_longer_not_asked(void)
{
    struct pool *pool = make_pool(3);
    void *items[3];
    for (int i = 0; i < 3; i++) {
        items[i] = take(pool);
    }
    for (int i = 0; i < 3; i++) {
        pool_give(pool, items[i], true);
    }
    wait_a_moment();
    server.is_dead = true;
    void *item = take(pool);
    CU_ASSERT_EQUAL(server.asked, 1);
    CU_ASSERT_EQUAL(server.opened, 4);
    CU_ASSERT_EQUAL(server.closed, 3);
    pool_give(pool, item, true);
    pool_destroy(&pool);
}

static void who_is_asked_learns_how_long_it_was_idle(void)
{
    struct pool *pool = make_pool(1);
    void *item = take(pool);
    int64_t given_us = clock_mono_us();
    pool_give(pool, item, true);
    while (clock_mono_us() < given_us + 3000) {
        sched_yield();
    }
    item = take(pool);
    CU_ASSERT_TRUE(server.idle_us > 1000);
    CU_ASSERT_TRUE(server.idle_us <= clock_mono_us() - given_us);
    pool_give(pool, item, true);
    pool_destroy(&pool);
}

static void a_full_pool_fails_at_the_deadline(void)
{
    struct pool *pool = make_pool(1);
    void *item = take(pool);
    void *none = NULL;
    struct error error;
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(20), &none, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(none);
    CU_ASSERT_STRING_EQUAL(error.text, "all 1 connections to the test are in use");
    pool_give(pool, item, true);
    CU_ASSERT_PTR_EQUAL(take(pool), item);
    pool_give(pool, item, true);
    pool_destroy(&pool);
}

static void after_a_failure_callers_fail_at_once_with_its_words(void)
{
    struct pool *pool = make_pool(2);
    void *item = NULL;
    struct error error;
    server.refuses = true;
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(1000), &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(1000), &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "refused");
    CU_ASSERT_EQUAL(server.opened, 0);
    server.refuses = false;
    int64_t end_us = in_ms(5000);
    while (pool_take(pool, in_ms(1000), &item, &error) != RESULT_OK && clock_mono_us() < end_us) {
        sched_yield();
    }
    CU_ASSERT_EQUAL(server.opened, 1);
    pool_give(pool, item, true);
    pool_destroy(&pool);
}

static void tries_become_rare(void)
{
    struct pool *pool = make_pool(2);
    struct error error;
    void *item = NULL;
    server.refuses = true;
    int64_t takes = 0;
    for (int64_t end_us = in_ms(1000); clock_mono_us() < end_us; takes++) {
        CU_ASSERT_EQUAL(pool_take(pool, in_ms(1000), &item, &error), RESULT_UNAVAILABLE);
        CU_ASSERT_STRING_EQUAL(error.text, "refused");
    }
    /* Holds of 25, 50, 100, 200, 400 ms on average. */
    CU_ASSERT_TRUE(server.refused >= 2);
    CU_ASSERT_TRUE(server.refused < 40);
    CU_ASSERT_TRUE(takes > server.refused);
    CU_ASSERT_EQUAL(stats.connects_failed, server.refused);
    pool_destroy(&pool);
}

/* Takes from a pool of one, and tells how that ended. */
static void *take_one(void *pool)
{
    static struct error error;
    void *item = NULL;
    error.text[0] = '\0';
    if (pool_take(pool, in_ms(5000), &item, &error) == RESULT_OK) {
        pool_give(pool, item, true);
    }
    return error.text;
}

static void a_hold_down_ends_all_waiting(void)
{
    struct pool *pool = make_pool(1);
    struct error error;
    void *item = take(pool);
    void *text = NULL;
    pthread_t thread;
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, take_one, pool), 0);
    while (stats.waiting == 0 && clock_mono_us() < begun_us + 5000000) {
        sched_yield();
    }
    error_set(&error, RESULT_UNAVAILABLE, "test", "hung");
    pool_hold_down(pool, &error);
    pthread_join(thread, &text);
    CU_ASSERT_STRING_EQUAL(text, "hung");
    CU_ASSERT_TRUE(clock_mono_us() < begun_us + 4000000);
    pool_give(pool, item, true);
    pool_destroy(&pool);
}

static void after_a_silence_one_at_a_time_tries_and_nobody_waits(void)
{
    struct pool *pool = make_pool(2);
    struct error error;
    void *item = NULL;
    error_set(&error, RESULT_UNAVAILABLE, "test", "silence");
    pool_suspect(pool, &error);
    server.is_slow = true;
    pthread_t thread;
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, take_one, pool), 0);
    while (!server.is_opening && clock_mono_us() < begun_us + 5000000) {
        sched_yield();
    }
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(5000), &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "silence");
    server.is_slow = false;
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(server.opened, 1);
    void *first = take(pool);
    void *second = take(pool);
    CU_ASSERT_EQUAL(server.opened, 2);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, take_one, pool), 0);
    while (stats.waiting == 0 && clock_mono_us() < begun_us + 5000000) {
        sched_yield();
    }
    pool_suspect(pool, &error);
    void *text = NULL;
    pthread_join(thread, &text);
    CU_ASSERT_STRING_EQUAL(text, "silence");
    pool_give(pool, first, true);
    pool_give(pool, second, true);
    pool_destroy(&pool);
}

static void all_is_counted(void)
{
    struct pool *pool = make_pool(2);
    void *first = take(pool);
    void *second = take(pool);
    CU_ASSERT_EQUAL(stats.connections, 2);
    CU_ASSERT_EQUAL(stats.lent, 2);
    pool_give(pool, first, true);
    CU_ASSERT_EQUAL(stats.connections, 2);
    CU_ASSERT_EQUAL(stats.lent, 1);
    pool_give(pool, second, false);
    CU_ASSERT_EQUAL(stats.connections, 1);
    CU_ASSERT_EQUAL(stats.lent, 0);
    CU_ASSERT_EQUAL(stats.connected, 2);
    pool_destroy(&pool);
    CU_ASSERT_EQUAL(stats.connections, 0);
}

static void a_hold_down_closes_what_is_idle(void)
{
    struct pool *pool = make_pool(2);
    struct error error;
    void *item = NULL;
    pool_give(pool, take(pool), true);
    error_set(&error, RESULT_UNAVAILABLE, "test", "hung");
    pool_hold_down(pool, &error);
    CU_ASSERT_EQUAL(server.closed, 1);
    /* For how long it holds is left to chance. */
    if (pool_take(pool, in_ms(1000), &item, &error) == RESULT_OK) {
        pool_give(pool, item, true);
    } else {
        CU_ASSERT_STRING_EQUAL(error.text, "hung");
    }
    pool_destroy(&pool);
}

enum { THREADS = 16, TURNS = 500 };

static void *take_turns(void *pool)
{
    for (int i = 0; i < TURNS; i++) {
        void *item = NULL;
        struct error error;
        if (pool_take(pool, in_ms(20000), &item, &error) != RESULT_OK) {
            return pool;
        }
        pool_give(pool, item, i % 50 != 0);
    }
    return NULL;
}

static void many_threads_share_few_items(void)
{
    struct pool *pool = make_pool(3);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, take_turns, pool), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = pool;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &failed), 0);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT_TRUE(server.opened - server.closed <= 3);
    pool_destroy(&pool);
    CU_ASSERT_EQUAL(server.opened, server.closed);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_newest_idle_item_is_lent_first),
        UNIT_TEST(the_dead_are_replaced_and_those_idle_for_longer_not_asked),
        UNIT_TEST(who_is_asked_learns_how_long_it_was_idle),
        UNIT_TEST(a_full_pool_fails_at_the_deadline),
        UNIT_TEST(after_a_failure_callers_fail_at_once_with_its_words),
        UNIT_TEST(tries_become_rare),
        UNIT_TEST(a_hold_down_closes_what_is_idle),
        UNIT_TEST(a_hold_down_ends_all_waiting),
        UNIT_TEST(after_a_silence_one_at_a_time_tries_and_nobody_waits),
        UNIT_TEST(all_is_counted),
        UNIT_TEST(many_threads_share_few_items),
    };
    return unit_run("pool", tests, sizeof tests / sizeof *tests);
}
