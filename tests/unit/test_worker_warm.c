#include "worker/warm_queue.h"

#include "unit.h"
#include "worker/warm.h"

#include <stdio.h>

enum { TAKEN_MAX = 8 };

static char taken[TAKEN_MAX][CACHE_USER_HEX + 1];

/* A subject's hash, made of a number. */
static const char *user(unsigned number)
{
    static char hash[CACHE_USER_HEX + 1];
    snprintf(hash, sizeof hash, "%032x", number);
    return hash;
}

static struct warm_queue *make_queue(size_t users_max)
{
    struct warm_queue *queue = warm_queue_create(users_max);
    CU_ASSERT_PTR_NOT_NULL_FATAL(queue);
    return queue;
}

static void nobody_is_due_before_his_time(void)
{
    struct warm_queue *queue = make_queue(4);
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), INT64_MAX);
    CU_ASSERT_EQUAL(warm_queue_take(queue, INT64_MAX - 1, taken, TAKEN_MAX), 0);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 300));
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), 300);
    CU_ASSERT_EQUAL(warm_queue_take(queue, 299, taken, TAKEN_MAX), 0);
    CU_ASSERT_EQUAL(warm_queue_take(queue, 300, taken, TAKEN_MAX), 1);
    CU_ASSERT_STRING_EQUAL(taken[0], user(1));
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), INT64_MAX);
    warm_queue_destroy(&queue);
    CU_ASSERT_PTR_NULL(queue);
}

static void the_first_due_time_counts(void)
{
    struct warm_queue *queue = make_queue(4);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 300));
    CU_ASSERT_TRUE(warm_queue_add(queue, user(2), 400));
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 500));
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), 300);
    CU_ASSERT_EQUAL(warm_queue_take(queue, 1000, taken, TAKEN_MAX), 2);
    CU_ASSERT_STRING_EQUAL(taken[0], user(1));
    CU_ASSERT_STRING_EQUAL(taken[1], user(2));
    CU_ASSERT_EQUAL(warm_queue_take(queue, 1000, taken, TAKEN_MAX), 0);
    warm_queue_destroy(&queue);
}

static void who_has_been_taken_may_come_again(void)
{
    struct warm_queue *queue = make_queue(4);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 300));
    CU_ASSERT_EQUAL(warm_queue_take(queue, 300, taken, TAKEN_MAX), 1);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 600));
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), 600);
    warm_queue_destroy(&queue);
}

static void a_batch_takes_the_first_ones(void)
{
    struct warm_queue *queue = make_queue(8);
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(warm_queue_add(queue, user(i), 100 + i));
    }
    CU_ASSERT_EQUAL(warm_queue_take(queue, 1000, taken, 2), 2);
    CU_ASSERT_STRING_EQUAL(taken[1], user(1));
    CU_ASSERT_EQUAL(warm_queue_take(queue, 103, taken, TAKEN_MAX), 2);
    CU_ASSERT_STRING_EQUAL(taken[1], user(3));
    CU_ASSERT_EQUAL(warm_queue_due_us(queue), 104);
    warm_queue_destroy(&queue);
}

static void a_full_queue_takes_only_those_it_has(void)
{
    struct warm_queue *queue = make_queue(2);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(1), 300));
    CU_ASSERT_TRUE(warm_queue_add(queue, user(2), 300));
    CU_ASSERT_FALSE(warm_queue_add(queue, user(3), 300));
    CU_ASSERT_TRUE(warm_queue_add(queue, user(2), 300));
    CU_ASSERT_EQUAL(warm_queue_take(queue, 300, taken, 1), 1);
    CU_ASSERT_TRUE(warm_queue_add(queue, user(3), 300));
    CU_ASSERT_EQUAL(warm_queue_take(queue, 300, taken, TAKEN_MAX), 2);
    CU_ASSERT_STRING_EQUAL(taken[0], user(2));
    CU_ASSERT_STRING_EQUAL(taken[1], user(3));
    warm_queue_destroy(&queue);
}

/* Held against an array that says for each user when he is due. */
static void it_is_a_set_in_order_for_as_long_as_you_like(void)
{
    enum { USERS = 100, ROOM = 40, TURNS = 20000 };
    struct warm_queue *queue = make_queue(ROOM);
    int64_t due_us[USERS] = {0}; /* 0: he is not in */
    size_t count = 0;
    unsigned state = 1;
    for (int64_t now_us = 1; now_us <= TURNS; now_us++) {
        state = state * 1103515245U + 12345U;
        unsigned number = state / 65536U % USERS;
        bool is_in = due_us[number] != 0;
        CU_ASSERT_EQUAL_FATAL(warm_queue_add(queue, user(number), now_us + 50),
                              is_in || count < ROOM);
        if (!is_in && count < ROOM) {
            due_us[number] = now_us + 50;
            count++;
        }
        size_t got = warm_queue_take(queue, now_us, taken, 2);
        for (size_t i = 0; i < got; i++) {
            unsigned who;
            CU_ASSERT_EQUAL_FATAL(sscanf(taken[i], "%x", &who), 1);
            CU_ASSERT_FATAL(due_us[who] != 0 && due_us[who] <= now_us);
            due_us[who] = 0;
            count--;
        }
        int64_t first_us = INT64_MAX;
        for (size_t i = 0; i < USERS; i++) {
            first_us = due_us[i] != 0 && due_us[i] < first_us ? due_us[i] : first_us;
        }
        CU_ASSERT_EQUAL_FATAL(warm_queue_due_us(queue), first_us);
    }
    warm_queue_destroy(&queue);
}

static void soon_is_twenty_minutes_before_the_hour(void)
{
    const int64_t midnight_s = 86400 * INT64_C(20000);
    CU_ASSERT_FALSE(warm_is_soon(18, midnight_s + 17 * 3600 + 2399));
    CU_ASSERT_TRUE(warm_is_soon(18, midnight_s + 17 * 3600 + 2400));
    CU_ASSERT_TRUE(warm_is_soon(18, midnight_s + 18 * 3600 - 1));
    CU_ASSERT_FALSE(warm_is_soon(18, midnight_s + 18 * 3600));
    CU_ASSERT_FALSE(warm_is_soon(17, midnight_s + 18 * 3600 - 1));
    CU_ASSERT_TRUE(warm_is_soon(0, midnight_s - 60));
    CU_ASSERT_FALSE(warm_is_soon(0, midnight_s));
    CU_ASSERT_FALSE(warm_is_soon(-1, midnight_s - 60));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(nobody_is_due_before_his_time),
        UNIT_TEST(the_first_due_time_counts),
        UNIT_TEST(who_has_been_taken_may_come_again),
        UNIT_TEST(a_batch_takes_the_first_ones),
        UNIT_TEST(a_full_queue_takes_only_those_it_has),
        UNIT_TEST(it_is_a_set_in_order_for_as_long_as_you_like),
        UNIT_TEST(soon_is_twenty_minutes_before_the_hour),
    };
    return unit_run("worker_warm", tests, sizeof tests / sizeof *tests);
}
