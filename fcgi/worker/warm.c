/*
 * The threads share a queue of users who have changed, a sweep over all who have been read within a
 * day, and a time up to which all pause. The lock guards these three and is held for no longer than
 * it takes to look at them; what takes time, queries and loads, is done without it. Who has changed
 * comes before the sweep, of which one thread at a time does a batch.
 *
 * A change that comes while its user is being loaded finds him out of the queue, and puts him there
 * again. Two threads that load one user share the work, as any readers do. What fails is not tried
 * again but for the sweep: the next change, or the next reader, is as good.
 */
#include "worker/warm.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/warm_load.h"
#include "worker/warm_queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* More than a relay tells of in a round. */
enum { QUEUE_MAX = 16384, HOUR_S = 3600, SOON_S = 1200 };

/* One question for several users; few, for they are loaded one after the other, and the other threads
 * shall have some too. */
enum { DUE_BATCH = 4 };

static const int64_t pause_us = 5000000;
static const int64_t peak_every_us = 60000000;

struct sweep {
    bool is_wanted;
    bool is_running; /* a thread does a batch of it */
    bool restarts;   /* it was wanted again meanwhile */
    struct warm_place place;
};

struct warm {
    struct warm_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of anything below */
    struct warm_queue *queue;
    struct sweep sweep;
    int64_t paused_until_us;
    int64_t next_peak_us;  /* when to ask for it */
    int64_t peak_day;      /* of the last sweep before a peak */
    bool fails;            /* told of already */
    bool stops;
    int threads_count;
    pthread_t threads[WARM_LOADS_MAX];
};

enum work { WORK_NONE, WORK_CHANGED, WORK_SWEEP, WORK_PEAK };

/* A thread, and what it has taken. */
struct worker {
    struct warm *warm;
    struct warm_loader *loader;
    size_t hashes_count;
    char hashes[DUE_BATCH][CACHE_USER_HEX + 1];
    struct warm_place place;
};

bool warm_is_soon(int64_t hour, int64_t now_s)
{
    int64_t then_s = now_s + SOON_S;
    return now_s / HOUR_S != then_s / HOUR_S && then_s / HOUR_S % 24 == hour;
}

void warm_note(struct warm *warm, const char *subject_hash)
{
    pthread_mutex_lock(&warm->lock);
    int64_t due_us = clock_mono_us() + warm->options.delay_ms * 1000;
    bool was_empty = warm_queue_due_us(warm->queue) == INT64_MAX;
    bool has_room = warm_queue_add(warm->queue, subject_hash, due_us);
    if (was_empty) {
        pthread_cond_broadcast(&warm->changed);
    }
    pthread_mutex_unlock(&warm->lock);
    if (!has_room) {
        cache_metrics_add(warm->options.metrics, CACHE_COUNT_WARM_DROPPED, 1);
    }
}

void warm_all(struct warm *warm)
{
    pthread_mutex_lock(&warm->lock);
    warm->sweep.restarts = warm->sweep.is_running;
    warm->sweep.is_wanted = true;
    warm->sweep.place = (struct warm_place){0};
    pthread_cond_broadcast(&warm->changed);
    pthread_mutex_unlock(&warm->lock);
}

static void note_told(void *warm, const char *subject_hash)
{
    warm_note(warm, subject_hash);
}

static void note_lost(void *warm)
{
    warm_all(warm);
}

void warm_listen(struct warm *warm, struct relay *relay)
{
    const struct relay_listener listener = {note_told, note_lost, warm};
    relay_listen(relay, &listener);
}

/* ── what there is to do ── */

static void wait_locked(struct warm *warm, int64_t time_us)
{
    const struct timespec until = {time_us / 1000000, time_us % 1000000 * 1000};
    pthread_cond_timedwait(&warm->changed, &warm->lock, &until);
}

static enum work take_locked(struct warm *warm, int64_t now_us, struct worker *worker)
{
    worker->hashes_count = warm_queue_take(warm->queue, now_us, worker->hashes, DUE_BATCH);
    if (worker->hashes_count > 0) {
        return WORK_CHANGED;
    }
    if (now_us >= warm->next_peak_us) {
        warm->next_peak_us = now_us + peak_every_us;
        return WORK_PEAK;
    }
    if (warm->sweep.is_wanted && !warm->sweep.is_running) {
        warm->sweep.is_running = true;
        worker->place = warm->sweep.place;
        return WORK_SWEEP;
    }
    return WORK_NONE;
}

/* Waits for work; WORK_NONE: there will be no more. */
static enum work await_work(struct warm *warm, struct worker *worker)
{
    enum work work = WORK_NONE;
    pthread_mutex_lock(&warm->lock);
    while (!warm->stops && work == WORK_NONE) {
        int64_t now_us = clock_mono_us();
        int64_t until_us = warm->paused_until_us;
        if (now_us >= until_us) {
            work = take_locked(warm, now_us, worker);
            int64_t due_us = warm_queue_due_us(warm->queue);
            until_us = due_us < warm->next_peak_us ? due_us : warm->next_peak_us;
        }
        if (work == WORK_NONE) {
            wait_locked(warm, until_us);
        }
    }
    pthread_mutex_unlock(&warm->lock);
    return work;
}

/* Waits for the end of a pause. False: it is time to end. */
static bool await_turn(struct warm *warm)
{
    pthread_mutex_lock(&warm->lock);
    while (!warm->stops && clock_mono_us() < warm->paused_until_us) {
        wait_locked(warm, warm->paused_until_us);
    }
    bool goes_on = !warm->stops;
    pthread_mutex_unlock(&warm->lock);
    return goes_on;
}

static void pause_all(struct warm *warm)
{
    pthread_mutex_lock(&warm->lock);
    int64_t now_us = clock_mono_us();
    bool begins = now_us >= warm->paused_until_us;
    warm->paused_until_us = now_us + pause_us;
    pthread_mutex_unlock(&warm->lock);
    if (begins) {
        cache_metrics_add(warm->options.metrics, CACHE_COUNT_WARM_PAUSES, 1);
    }
}

/* Whether a question to the database was answered; all pause if not. */
static bool is_answered(struct warm *warm, enum result result, const struct error *error)
{
    pthread_mutex_lock(&warm->lock);
    bool is_news = result != RESULT_OK && !warm->fails;
    warm->fails = result != RESULT_OK;
    pthread_mutex_unlock(&warm->lock);
    if (is_news) {
        log_error("warming-failed", result, error);
    }
    if (result != RESULT_OK) {
        pause_all(warm);
    }
    return result == RESULT_OK;
}

/* ── doing it ── */

static void load_users(struct worker *worker, struct warm_users *users)
{
    struct warm *warm = worker->warm;
    for (size_t i = 0; i < db_rows_count(users->rows) && await_turn(warm); i++) {
        if (db_is_away(warm->options.db) || !warm_load(worker->loader, users, i)) {
            pause_all(warm);
        }
    }
    db_rows_free(&users->rows);
}

static void load_changed(struct worker *worker)
{
    struct warm *warm = worker->warm;
    struct warm_users users;
    struct error error;
    enum result result = warm_ask_wanted(worker->loader, worker->hashes, worker->hashes_count,
                                         &users, &error);
    if (is_answered(warm, result, &error)) {
        load_users(worker, &users);
    } else {
        cache_metrics_add(warm->options.metrics, CACHE_COUNT_WARM_DROPPED, worker->hashes_count);
    }
}

static void load_recent(struct worker *worker)
{
    struct warm *warm = worker->warm;
    struct warm_users users;
    struct error error;
    enum result result = warm_ask_recent(worker->loader, &worker->place, &users, &error);
    bool is_done = false;
    if (is_answered(warm, result, &error)) {
        is_done = db_rows_count(users.rows) == 0;
        load_users(worker, &users);
    }
    pthread_mutex_lock(&warm->lock);
    if (!warm->sweep.restarts) {
        warm->sweep.place = worker->place;
        warm->sweep.is_wanted = !is_done;
    }
    warm->sweep.restarts = false;
    warm->sweep.is_running = false;
    pthread_mutex_unlock(&warm->lock);
}

static void look_for_peak(struct worker *worker)
{
    struct warm *warm = worker->warm;
    struct error error;
    int64_t hour;
    int64_t now_s = clock_wall_s();
    enum result result = warm_ask_peak(worker->loader, &hour, &error);
    if (!is_answered(warm, result, &error) || !warm_is_soon(hour, now_s)) {
        return;
    }
    pthread_mutex_lock(&warm->lock);
    bool is_new = warm->peak_day != now_s / (24 * HOUR_S);
    warm->peak_day = now_s / (24 * HOUR_S);
    pthread_mutex_unlock(&warm->lock);
    if (is_new) {
        warm_all(warm);
    }
}

static void *run(void *context)
{
    struct worker worker = {.warm = context};
    worker.loader = warm_loader_create(&worker.warm->options);
    enum work work;
    if (worker.loader == NULL) {
        log_event(LOG_ERROR_LEVEL, "warming-failed", "error", "out of memory", NULL);
    }
    while (worker.loader != NULL && (work = await_work(worker.warm, &worker)) != WORK_NONE) {
        if (work == WORK_CHANGED) {
            load_changed(&worker);
        } else if (work == WORK_SWEEP) {
            load_recent(&worker);
        } else {
            look_for_peak(&worker);
        }
    }
    warm_loader_destroy(&worker.loader);
    return NULL;
}

/* ── beginning and end ── */

static struct warm *create(const struct warm_options *options)
{
    struct warm *warm = calloc(1, sizeof *warm);
    if (warm == NULL) {
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&warm->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&warm->lock, NULL);
    warm->options = *options;
    warm->sweep.is_wanted = true;
    warm->queue = warm_queue_create(QUEUE_MAX);
    if (warm->queue == NULL) {
        warm_stop(&warm);
    }
    return warm;
}

static int start_threads(struct warm *warm)
{
    int status = 0;
    for (int i = 0; i < warm->options.loads && status == 0; i++) {
        status = pthread_create(&warm->threads[i], NULL, run, warm);
        warm->threads_count += status == 0;
    }
    return status;
}

enum result warm_start(const struct warm_options *options, struct warm **warm,
                       struct error *error)
{
    assert(options->loads >= 1 && options->loads <= WARM_LOADS_MAX);
    *warm = create(options);
    if (*warm == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "warm", "out of memory");
    }
    int status = start_threads(*warm);
    if (status != 0) {
        warm_stop(warm);
        return error_set(error, RESULT_UNAVAILABLE, "warm", "no thread can be made: %s",
                         strerror(status));
    }
    return RESULT_OK;
}

void warm_stop(struct warm **warm)
{
    if (*warm == NULL) {
        return;
    }
    pthread_mutex_lock(&(*warm)->lock);
    (*warm)->stops = true;
    pthread_cond_broadcast(&(*warm)->changed);
    pthread_mutex_unlock(&(*warm)->lock);
    for (int i = 0; i < (*warm)->threads_count; i++) {
        pthread_join((*warm)->threads[i], NULL);
    }
    warm_queue_destroy(&(*warm)->queue);
    pthread_cond_destroy(&(*warm)->changed);
    pthread_mutex_destroy(&(*warm)->lock);
    free(*warm);
    *warm = NULL;
}
