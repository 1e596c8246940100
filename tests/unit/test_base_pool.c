#include "base/clock.h"
#include "base/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A server of counted items, which can be made to refuse. */
static struct {
    atomic_int opened, closed;
    bool refuses;
    bool is_dead; /* what is idle is found broken */
} server;

static enum result open_item(void *context, int64_t deadline_us, void **item, struct error *error)
{
    (void)context;
    (void)deadline_us;
    if (server.refuses) {
        return error_set(error, RESULT_UNAVAILABLE, "test", "refused");
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

static bool is_alive(void *item)
{
    (void)item;
    return !server.is_dead;
}

static const struct pool_kind kind = {"the test", open_item, close_item, is_alive};

static struct pool *make_pool(int size)
{
    server.opened = server.closed = 0;
    server.refuses = server.is_dead = false;
    struct pool *pool = pool_create(&kind, NULL, size);
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

static void dead_items_are_replaced(void)
{
    struct pool *pool = make_pool(1);
    pool_give(pool, take(pool), true);
    server.is_dead = true;
    void *item = take(pool);
    CU_ASSERT_EQUAL(server.opened, 2);
    CU_ASSERT_EQUAL(server.closed, 1);
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
    server.refuses = false;
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(1000), &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "refused");
    CU_ASSERT_EQUAL(server.opened, 0);
    int64_t end_us = in_ms(5000);
    while (pool_take(pool, in_ms(1000), &item, &error) != RESULT_OK && clock_mono_us() < end_us) {
        sched_yield();
    }
    CU_ASSERT_EQUAL(server.opened, 1);
    pool_give(pool, item, true);
    pool_destroy(&pool);
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
    CU_ASSERT_EQUAL(pool_take(pool, in_ms(1000), &item, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "hung");
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
        UNIT_TEST(dead_items_are_replaced),
        UNIT_TEST(a_full_pool_fails_at_the_deadline),
        UNIT_TEST(after_a_failure_callers_fail_at_once_with_its_words),
        UNIT_TEST(a_hold_down_closes_what_is_idle),
        UNIT_TEST(many_threads_share_few_items),
    };
    return unit_run("pool", tests, sizeof tests / sizeof *tests);
}
