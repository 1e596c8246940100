#include "worker/importing.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metronome.h"
#include "import/run.h"
#include "worker/spool.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t interval_us = 1000000;
static const int64_t call_max_us = 60000000;

struct importing {
    struct importing_options options;
    struct metronome *metronome;
    atomic_bool stops;
    bool fails; /* to claim; told of already */
};

static bool goes_on(void *context)
{
    const struct importing *importing = context;
    return !atomic_load(&importing->stops);
}

/* ── one upload ── */

static void log_start(const struct import_job *job)
{
    char id[DB_INT_TEXT_SIZE];
    char rows[DB_INT_TEXT_SIZE];
    db_format_int(job->id, id);
    db_format_int(job->rows, rows);
    log_event(LOG_INFO_LEVEL, "import-started", "job", id, "rows", rows, NULL);
}

/* How it ended: a file's fault is the business of its owner alone, who is told by the report. */
static void log_end(const struct import_job *job, enum result result, int64_t accepted,
                    int64_t began_us)
{
    char id[DB_INT_TEXT_SIZE];
    char rows[DB_INT_TEXT_SIZE];
    char new[DB_INT_TEXT_SIZE];
    char seconds[32];
    db_format_int(job->id, id);
    db_format_int(job->rows, rows);
    db_format_int(accepted, new);
    snprintf(seconds, sizeof seconds, "%.1f", (double)(clock_mono_us() - began_us) / 1e6);
    log_event(LOG_INFO_LEVEL, "import-ended", "job", id, "result", result_name(result), "rows",
              rows, "accepted", new, "seconds", seconds, NULL);
}

static enum result run(struct importing *importing, struct import_upload *upload,
                       struct import_outcome *outcome, struct error *error)
{
    struct db *db = importing->options.db;
    const struct import_watch watch = {.goes_on = goes_on, .context = importing};
    char path[SPOOL_PATH_SIZE];
    int fd;
    enum result result = spool_open(db, upload, goes_on, importing, &fd, path, error);
    if (result == RESULT_OK) {
        const struct import_source source = {path, upload->file.name, upload->file.options,
                                             importing->options.step_rows};
        result = import_run(db, &upload->job, &source, &watch, outcome, error);
        close(fd);
    }
    return result;
}

/* The file has been dealt with, be it that it can't be read. */
static bool has_ended(enum result result)
{
    return result == RESULT_OK || result == RESULT_INVALID;
}

/* False where nothing is left to do, or it is better tried again later. */
static bool work(struct importing *importing)
{
    struct import_upload upload;
    struct error error;
    bool found;
    enum result result = import_upload_claim(importing->options.db, clock_mono_us() + call_max_us,
                                             &upload, &found, &error);
    if (result != RESULT_OK && !importing->fails) {
        log_error("imports-not-claimed", result, &error);
    }
    importing->fails = result != RESULT_OK;
    if (result != RESULT_OK || !found) {
        return false;
    }
    int64_t began_us = clock_mono_us();
    struct import_outcome outcome = {0};
    log_start(&upload.job);
    failpoint("import_claimed");
    result = run(importing, &upload, &outcome, &error);
    if (!has_ended(result) && goes_on(importing)) {
        log_error("import-interrupted", result, &error);
    }
    log_end(&upload.job, result, outcome.accepted, began_us);
    import_upload_release(&upload);
    return has_ended(result);
}

static void beat(void *context)
{
    struct importing *importing = context;
    bool is_busy = true;
    while (is_busy && goes_on(importing)) {
        is_busy = work(importing);
    }
}

static void last(void *context)
{
    (void)context;
}

/* ── the thread ── */

enum result importing_start(const struct importing_options *options, struct importing **importing,
                            struct error *error)
{
    *importing = calloc(1, sizeof **importing);
    if (*importing == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "importing", "out of memory");
    }
    (*importing)->options = *options;
    const struct metronome_options beats = {beat, last, *importing, interval_us};
    enum result result = metronome_start(&beats, &(*importing)->metronome, error);
    if (result != RESULT_OK) {
        importing_stop(importing);
    }
    return result;
}

void importing_stop(struct importing **importing)
{
    if (*importing != NULL) {
        atomic_store(&(*importing)->stops, true);
        metronome_stop(&(*importing)->metronome);
        free(*importing);
        *importing = NULL;
    }
}
