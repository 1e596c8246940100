#include "base/clock.h"
#include "cache/gate.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { PATIENCE_MS = 30000 };

static int64_t in_ms(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

static struct gate *make_gate(size_t inside_max, size_t waiting_max)
{
    struct gate *gate = gate_create(inside_max, waiting_max);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gate);
    return gate;
}

static enum result enter(struct gate *gate, int64_t patience_ms)
{
    struct error error;
    return gate_enter(gate, in_ms(patience_ms), &error);
}

static void only_so_many_are_inside(void)
{
    struct gate *gate = make_gate(2, 5);
    struct error error;
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    CU_ASSERT_EQUAL(gate_enter(gate, in_ms(20), &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "the database was kept busy by 2 other requests");
    gate_leave(gate);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    gate_leave(gate);
    gate_leave(gate);
    gate_destroy(&gate);
    CU_ASSERT_PTR_NULL(gate);
}

static void who_waits_no_longer_than_the_deadline_waits_that_long(void)
{
    struct gate *gate = make_gate(1, 1);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    int64_t deadline_us = in_ms(20);
    struct error error;
    CU_ASSERT_EQUAL(gate_enter(gate, deadline_us, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_TRUE(clock_mono_us() >= deadline_us);
    gate_leave(gate);
    gate_destroy(&gate);
}

static void with_nobody_allowed_to_wait_a_full_gate_refuses_at_once(void)
{
    struct gate *gate = make_gate(1, 0);
    struct error error;
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    CU_ASSERT_EQUAL(gate_enter(gate, in_ms(PATIENCE_MS), &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "0 requests wait for the database already");
    gate_leave(gate);
    CU_ASSERT_EQUAL(enter(gate, 0), RESULT_OK); /* the deadline does not matter where there is room */
    gate_leave(gate);
    gate_destroy(&gate);
}

/* Every wait is counted as it begins, with the waiter in the queue. */
static atomic_int waits;
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    waits++;
    return __real_pthread_cond_timedwait(cond, lock, until);
}

/* One who enters, notes how many did before him, and leaves when he may. */
struct visitor {
    struct gate *gate;
    pthread_t thread;
    enum result result;
    int turn;
    atomic_bool may_leave;
};

static atomic_int turns;

static void *visit(void *context)
{
    struct visitor *me = context;
    me->result = enter(me->gate, PATIENCE_MS);
    if (me->result == RESULT_OK) {
        me->turn = turns++;
        while (!me->may_leave) {
            sched_yield();
        }
        gate_leave(me->gate);
    }
    return NULL;
}

static void send_visitor(struct visitor *visitor, struct gate *gate, bool may_leave)
{
    visitor->gate = gate;
    visitor->turn = -1;
    visitor->may_leave = may_leave;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&visitor->thread, NULL, visit, visitor), 0);
}

static void await_waits(int count)
{
    int64_t end_us = in_ms(PATIENCE_MS);
    while (waits < count && clock_mono_us() < end_us) {
        sched_yield();
    }
    CU_ASSERT_EQUAL(waits, count);
}

static void the_first_to_come_is_the_first_to_enter(void)
{
    enum { VISITORS = 12 };
    struct visitor visitors[VISITORS];
    struct gate *gate = make_gate(1, VISITORS);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    waits = turns = 0;
    for (int i = 0; i < VISITORS; i++) {
        send_visitor(&visitors[i], gate, true);
        await_waits(i + 1);
    }
    gate_leave(gate);
    for (int i = 0; i < VISITORS; i++) {
        pthread_join(visitors[i].thread, NULL);
        CU_ASSERT_EQUAL(visitors[i].result, RESULT_OK);
        CU_ASSERT_EQUAL(visitors[i].turn, i);
    }
    gate_destroy(&gate);
}

static void nobody_snatches_the_place_of_one_who_waits(void)
{
    struct visitor visitor;
    struct gate *gate = make_gate(1, 1);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    waits = 0;
    send_visitor(&visitor, gate, false);
    await_waits(1);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_UNAVAILABLE); /* as the queue is full */
    gate_leave(gate);
    CU_ASSERT_EQUAL(enter(gate, 0), RESULT_UNAVAILABLE);
    visitor.may_leave = true;
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    pthread_join(visitor.thread, NULL);
    CU_ASSERT_EQUAL(visitor.result, RESULT_OK);
    gate_leave(gate);
    gate_destroy(&gate);
}

static void who_gives_up_leaves_the_queue_in_order(void)
{
    struct visitor first, last;
    struct gate *gate = make_gate(1, 3);
    CU_ASSERT_EQUAL(enter(gate, PATIENCE_MS), RESULT_OK);
    waits = turns = 0;
    send_visitor(&first, gate, true);
    await_waits(1);
    CU_ASSERT_EQUAL(enter(gate, 2), RESULT_UNAVAILABLE); /* the last of the queue */
    send_visitor(&last, gate, true);
    await_waits(3);
    gate_leave(gate);
    pthread_join(first.thread, NULL);
    pthread_join(last.thread, NULL);
    CU_ASSERT_EQUAL(first.turn, 0);
    CU_ASSERT_EQUAL(last.turn, 1);
    gate_destroy(&gate);
}

enum { INSIDE_MAX = 3, THREADS = 12, TURNS = 300 };
static atomic_int inside, too_many, refused;

static void *come_and_go(void *gate)
{
    for (int i = 0; i < TURNS; i++) {
        if (enter(gate, i % 3 == 0 ? 0 : PATIENCE_MS) != RESULT_OK) {
            refused += i % 3 != 0;
            continue;
        }
        too_many += ++inside > INSIDE_MAX;
        sched_yield();
        inside--;
        gate_leave(gate);
    }
    return NULL;
}

static void many_threads_pass_in_small_numbers(void)
{
    struct gate *gate = make_gate(INSIDE_MAX, THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, come_and_go, gate), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(too_many, 0);
    CU_ASSERT_EQUAL(refused, 0);
    gate_destroy(&gate);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(only_so_many_are_inside),
        UNIT_TEST(who_waits_no_longer_than_the_deadline_waits_that_long),
        UNIT_TEST(with_nobody_allowed_to_wait_a_full_gate_refuses_at_once),
        UNIT_TEST(the_first_to_come_is_the_first_to_enter),
        UNIT_TEST(nobody_snatches_the_place_of_one_who_waits),
        UNIT_TEST(who_gives_up_leaves_the_queue_in_order),
        UNIT_TEST(many_threads_pass_in_small_numbers),
    };
    return unit_run("gate", tests, sizeof tests / sizeof *tests);
}
