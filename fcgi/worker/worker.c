#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metronome.h"
#include "db/migrate.h"
#include "worker/importing.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* A step is short, so that a worker ends soon after it is told to and locks are held briefly. */
static const char purge_batch[] = "5000";
static const int64_t step_max_us = 60000000;
static const int64_t start_max_us = 10000000;
static const struct timespec no_time = {0};
static const struct timespec retry_time = {.tv_sec = 1};
static const struct timespec idle_time = {.tv_sec = 2};
static const int64_t minute_us = 60000000;

static const struct db_function fn_purge = {"user_purge", 1};

/* The site (sql/functions/site.sql). A user is moved as a whole, however much he has heard; deltas are
 * folded in about as many at a time as take some seconds. */
static const struct db_function fn_move = {"site_move", 0};
static const struct db_function fn_fold = {"site_fold", 2};
static const int64_t site_max_us = 600000000;
enum { SITE_BATCH = 50000 };

static const struct db_function fn_refresh = {"catalogue_refresh", 1};

/* What is removed once a minute, and at once again after a full batch. */
static const struct chore {
    struct db_function function;
    int64_t batch; /* the most that one call removes */
    const char *event;
} chores[] = {
    {{"relay_purge", 0}, 20000, "purged-changes"},
    {{"reading_purge", 0}, 5000, "purged-readers"},
    {{"playing_purge", 0}, 5000, "purged-playing"},
    {{"import_purge", 0}, 100, "purged-imports"},
    {{"site_prune", 0}, 5000, "purged-site"},
};
enum { chores_count = sizeof chores / sizeof *chores };

struct housekeeping {
    struct db *db;
    int64_t catalogue_refresh_s;
    int64_t site_refresh_s;
    int64_t next_us[chores_count];
    bool site_is_due; /* whenever it was folded last */
    bool fails;       /* told of already */
};

/* Calls a function that does something to a batch of rows. Gives how many; 0 where it failed. */
static int64_t call_within(struct housekeeping *keeping, const struct db_function *function,
                           const char *const *params, int64_t max_us, const char *event)
{
    struct db_rows *rows;
    struct error error;
    enum result result = db_call(keeping->db, function, params, clock_mono_us() + max_us,
                                 &rows, &error);
    if (result != RESULT_OK) {
        if (!keeping->fails) {
            log_event(LOG_ERROR_LEVEL, "housekeeping-failed", "step", function->name, "result",
                      result_name(result), "error", error.text, NULL);
        }
        keeping->fails = true;
        return 0;
    }
    keeping->fails = false;
    int64_t done = db_rows_int(rows, 0, 0);
    db_rows_free(&rows);
    if (done > 0) {
        char count[24];
        snprintf(count, sizeof count, "%" PRId64, done);
        log_event(LOG_INFO_LEVEL, event, "rows", count, NULL);
    }
    return done;
}

/* Moves who has become public or private, or is gone, and folds: at once what that led to and what
 * a batch left, else as often as is set. True if there may be more. */
static bool refresh_site(struct housekeeping *keeping)
{
    bool has_moved =
        call_within(keeping, &fn_move, NULL, site_max_us, "site-moved") > 0;
    keeping->site_is_due |= has_moved;
    char refresh_s[DB_INT_TEXT_SIZE];
    char batch[DB_INT_TEXT_SIZE];
    db_format_int(keeping->site_is_due ? 0 : keeping->site_refresh_s, refresh_s);
    db_format_int(SITE_BATCH, batch);
    const char *const params[] = {refresh_s, batch};
    int64_t folded = call_within(keeping, &fn_fold, params, site_max_us, "site-folded");
    keeping->site_is_due = folded == SITE_BATCH || (keeping->site_is_due && keeping->fails);
    return has_moved || folded == SITE_BATCH;
}

/* Lets everybody see which MBIDs have become known. */
static void refresh_catalogue(struct housekeeping *keeping)
{
    char refresh_s[DB_INT_TEXT_SIZE];
    db_format_int(keeping->catalogue_refresh_s, refresh_s);
    const char *const params[] = {refresh_s};
    call_within(keeping, &fn_refresh, params, step_max_us, "catalogue-refreshed");
}

/* True if there may be more. */
static bool do_chore(struct housekeeping *keeping, size_t at)
{
    int64_t now_us = clock_mono_us();
    if (now_us < keeping->next_us[at]) {
        return false;
    }
    const struct chore *chore = &chores[at];
    bool has_more =
        call_within(keeping, &chore->function, NULL, step_max_us, chore->event) == chore->batch;
    keeping->next_us[at] = has_more ? now_us : now_us + minute_us;
    return has_more;
}

/* The chores that are due, what the site and the catalogue wait for, and a part of what deleted users
 * left behind. True if there may be more. */
static bool do_round(struct housekeeping *keeping)
{
    const char *const params[] = {purge_batch};
    bool has_more = false;
    for (size_t i = 0; i < chores_count; i++) {
        has_more |= do_chore(keeping, i);
    }
    has_more |= refresh_site(keeping);
    refresh_catalogue(keeping);
    return call_within(keeping, &fn_purge, params, step_max_us, "purged") > 0 || has_more;
}

/* Waits for a database with a schema that fits. RESULT_OK with *is_told: to end comes first. */
static enum result await_schema(struct db *db, const sigset_t *signals, bool *is_told,
                                struct error *error)
{
    enum result result = RESULT_OK;
    bool waits = false;
    do {
        result = db_check_schema(db, clock_mono_us() + start_max_us, error);
        if (result != RESULT_UNAVAILABLE && result != RESULT_TIMEOUT) {
            return result;
        }
        if (!waits) {
            log_error("waits-for-database", result, error);
        }
        waits = true;
    } while (sigtimedwait(signals, NULL, &retry_time) < 0);
    *is_told = true;
    return RESULT_OK;
}

static void run_round(void *relay)
{
    relay_round(relay);
}

static void release(void *relay)
{
    relay_release(relay);
}

static void keep_house(const struct worker_options *options, const sigset_t *signals)
{
    struct housekeeping keeping = {
        .db = options->db,
        .catalogue_refresh_s = options->catalogue_refresh_s,
        .site_refresh_s = options->site_refresh_s,
    };
    bool is_busy = true;
    while (sigtimedwait(signals, NULL, is_busy ? &no_time : &idle_time) < 0) {
        is_busy = do_round(&keeping);
    }
}

static enum result work(const struct worker_options *options, const sigset_t *signals,
                        struct error *error)
{
    struct warm *warm = NULL;
    struct metronome *metronome = NULL;
    struct importing *importing = NULL;
    const struct metronome_options rounds = {run_round, release, options->relay,
                                             RELAY_ROUND_MS * INT64_C(1000)};
    const struct importing_options imports = {options->db, options->import_step_rows};
    enum result result = RESULT_OK;
    if (options->warm != NULL) {
        result = warm_start(options->warm, &warm, error);
    }
    if (result == RESULT_OK && warm != NULL) {
        warm_listen(warm, options->relay);
    }
    if (result == RESULT_OK) {
        result = metronome_start(&rounds, &metronome, error);
    }
    if (result == RESULT_OK) {
        result = importing_start(&imports, &importing, error);
    }
    if (result == RESULT_OK) {
        log_event(LOG_INFO_LEVEL, "ready", NULL);
        keep_house(options, signals);
    }
    importing_stop(&importing);
    metronome_stop(&metronome);
    warm_stop(&warm);
    return result;
}

enum result worker_run(const struct worker_options *options, struct error *error)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    bool is_told = false;
    enum result result = await_schema(options->db, &signals, &is_told, error);
    if (result == RESULT_OK && !is_told) {
        result = work(options, &signals, error);
    }
    if (result == RESULT_OK) {
        log_event(LOG_INFO_LEVEL, "stopped", NULL);
    }
    return result;
}
