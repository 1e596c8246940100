/*
 * The threads share the number of the next event, an atomic counter, and nothing else that changes:
 * each writes the answers of the events that it has taken. Events are taken in order of time, and
 * whoever has one waits until it is due; if all threads are busy then, it begins late.
 */
#include "replay.h"

#include "base/clock.h"
#include "request.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FAILURES_TOLD = 10 };

struct replay {
    const struct replay_options *options;
    struct replay_answer *answers;
    int64_t begin_us;
    atomic_size_t next;
    atomic_int failures;
};

struct thread {
    struct replay *replay;
    struct client *client;
    pthread_t id;
};

static void wait_until(int64_t time_us)
{
    const struct timespec until = {time_us / 1000000, time_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
}

static void tell_failure(struct replay *replay, const struct plan_event *event, int status,
                         struct slice words)
{
    if (atomic_fetch_add(&replay->failures, 1) >= FAILURES_TOLD) {
        return;
    }
    struct buffer path = BUFFER_EMPTY;
    const struct person *person = &replay->options->people->items[event->person];
    request_write_path(event, person, clock_wall_s(), &path);
    fprintf(stderr, "refrain-bench: %s: %d %.*s\n", path.data, status, SLICE_ARGS(words));
    buffer_free(&path);
}

static void ask(struct replay *replay, struct client *client, const struct plan_event *event,
                struct replay_answer *noted)
{
    const struct person *person = &replay->options->people->items[event->person];
    struct buffer request = BUFFER_EMPTY;
    struct client_answer answer = {.outcome = OUTCOME_NONE};
    struct error error = {.text = "out of memory"};
    request_write(event, person, replay->options->target->host, clock_wall_s(), &request);
    int64_t begin_us = clock_mono_us();
    bool is_answered =
        !request.failed && client_ask(client, buffer_slice(&request), &answer, &error) == RESULT_OK;
    noted->latency_us = clock_mono_us() - begin_us;
    noted->status = is_answered ? answer.status : 0;
    noted->outcome = answer.outcome;
    if (!replay_is_good(noted)) {
        tell_failure(replay, event, noted->status,
                     is_answered ? answer.body : slice_text(error.text));
    }
    buffer_free(&request);
}

static void *run(void *context)
{
    struct thread *thread = context;
    struct replay *replay = thread->replay;
    const struct plan *plan = replay->options->plan;
    for (size_t at; (at = atomic_fetch_add(&replay->next, 1)) < plan->count;) {
        const struct plan_event *event = &plan->events[at];
        int64_t due_us =
            replay->begin_us + (int64_t)((double)event->due_us / replay->options->speed);
        wait_until(due_us);
        replay->answers[at].late_us = clock_mono_us() - due_us;
        ask(replay, thread->client, event, &replay->answers[at]);
    }
    return NULL;
}

static int64_t start(struct replay *replay, struct thread *threads)
{
    int64_t count = 0;
    for (; count < replay->options->connections; count++) {
        struct thread *thread = &threads[count];
        thread->replay = replay;
        thread->client = client_create(replay->options->target);
        if (thread->client == NULL || pthread_create(&thread->id, NULL, run, thread) != 0) {
            client_destroy(&thread->client);
            break;
        }
    }
    return count;
}

enum result replay_run(const struct replay_options *options, struct replay_answer *answers,
                       double *seconds, struct error *error)
{
    struct replay replay = {
        .options = options, .answers = answers, .begin_us = clock_mono_us()};
    struct thread *threads = calloc((size_t)options->connections, sizeof *threads);
    if (threads == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "replay", "out of memory");
    }
    int64_t count = start(&replay, threads);
    if (count < options->connections) {
        atomic_store(&replay.next, options->plan->count);
    }
    for (int64_t i = 0; i < count; i++) {
        pthread_join(threads[i].id, NULL);
        client_destroy(&threads[i].client);
    }
    free(threads);
    *seconds = (double)(clock_mono_us() - replay.begin_us) / 1e6;
    return count == options->connections
               ? RESULT_OK
               : error_set(error, RESULT_UNAVAILABLE, "replay",
                           "%lld connections are more than this machine has threads for",
                           (long long)options->connections);
}
