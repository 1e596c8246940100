#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* A step is short, so that a worker ends soon after it is told to and locks are held briefly. */
static const char purge_batch[] = "5000";
static const int64_t step_max_us = 60000000;
static const struct timespec idle_time = {.tv_sec = 2};

static const struct db_function fn_purge = {"user_purge", 1};

/* Removes a batch of what deleted users left behind. True if there may be more. */
static bool purge_step(struct db *db)
{
    const char *const params[] = {purge_batch};
    struct db_rows *rows;
    struct error error;
    enum result result =
        db_call(db, &fn_purge, params, clock_mono_us() + step_max_us, &rows, &error);
    if (result != RESULT_OK) {
        log_error("purge-failed", result, &error);
        return false;
    }
    int64_t removed = db_rows_int(rows, 0, 0);
    db_rows_free(&rows);
    if (removed > 0) {
        char count[24];
        snprintf(count, sizeof count, "%" PRId64, removed);
        log_event(LOG_INFO_LEVEL, "purged", "rows", count, NULL);
    }
    return removed > 0;
}

void worker_run(struct db *db)
{
    static const struct timespec no_time = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    log_event(LOG_INFO_LEVEL, "ready", NULL);
    bool is_busy = true;
    while (sigtimedwait(&signals, NULL, is_busy ? &no_time : &idle_time) < 0) {
        is_busy = purge_step(db);
    }
    log_event(LOG_INFO_LEVEL, "stopped", NULL);
}
