#include "command/import_file.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "command/progress.h"
#include "command/refusal.h"
#include "import/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { CHUNK_BYTES = 1 << 20, NAME_SIZE = 256, DIGEST_SIZE = 17 };
static const int64_t call_max_us = 60000000;

static const struct db_function fn_report = {"import_report", 2};
static const struct db_function fn_report_text = {"import_report_text", 2};

struct work {
    const struct import_file_options *options;
    struct import_identity identity;
    struct import_job job;
    struct progress progress;
    char name[NAME_SIZE];
    char digest[DIGEST_SIZE];
    int64_t begun_rows; /* where this run has begun */
    struct refusal refusal;
};

/* ── knowing a file again ── */

static enum result fail_file(const char *path, const char *what, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s: %s", path, what);
}

void import_file_name(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, size, "%s", slash == NULL ? path : slash + 1);
    text_clean(name);
}

static enum result hash_content(FILE *file, const char *path, char digest[DIGEST_SIZE],
                                struct error *error)
{
    char *chunk = malloc(CHUNK_BYTES);
    if (chunk == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
    }
    uint64_t hash = 0;
    for (size_t size; (size = fread(chunk, 1, CHUNK_BYTES, file)) > 0;) {
        hash = hash_pair(hash, hash_64(slice_of(chunk, size)));
    }
    free(chunk);
    snprintf(digest, DIGEST_SIZE, "%016" PRIx64, hash);
    return ferror(file) ? fail_file(path, strerror(errno), error) : RESULT_OK;
}

static enum result look_at(FILE *file, const char *path, struct work *work, struct error *error)
{
    struct stat about;
    if (fstat(fileno(file), &about) != 0) {
        return fail_file(path, strerror(errno), error);
    }
    if (S_ISDIR(about.st_mode)) {
        return fail_file(path, "this is a directory, not a file", error);
    }
    if (!S_ISREG(about.st_mode)) {
        return fail_file(path, "this can't be read more than once; save it as a file", error);
    }
    import_file_name(path, work->name, sizeof work->name);
    work->identity = (struct import_identity){work->name, work->digest, about.st_size,
                                              work->options->options};
    return hash_content(file, path, work->digest, error);
}

static enum result identify(struct work *work, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fail_file(path, strerror(errno), error);
    }
    enum result result = look_at(file, path, work, error);
    fclose(file);
    return result;
}

/* ── what is shown on the way ── */

static bool goes_on(void *context)
{
    const struct work *work = context;
    return work->options->goes_on();
}

static void show(void *context, int64_t rows, int64_t rows_total)
{
    struct work *work = context;
    progress_show(&work->progress, rows - work->begun_rows, rows - work->begun_rows,
                  rows_total - work->begun_rows);
}

static void show_refusal(void *context, const char *file, int64_t line, const char *reason)
{
    struct work *work = context;
    refusal_tell(&work->refusal, &work->progress, file, line, reason);
}

static void say(const struct work *work, const char *what)
{
    fprintf(stderr, "%s: %s\n", work->name, what);
}

/* ── doing it ── */

static bool is_passing(enum result result)
{
    return result == RESULT_UNAVAILABLE || result == RESULT_TIMEOUT;
}

static enum result hold(struct work *work, struct error *error)
{
    const struct import_file_options *options = work->options;
    int64_t deadline_us = clock_mono_us() + call_max_us;
    if (work->job.id != 0) {
        return import_job_take(options->db, deadline_us, &work->job, error);
    }
    enum result result = import_job_resume(options->db, options->user_id, &work->identity,
                                           deadline_us, &work->job, error);
    work->begun_rows = work->job.rows;
    if (result == RESULT_OK && work->job.rows > 0) {
        char text[80];
        snprintf(text, sizeof text, "goes on after row %" PRId64, work->job.rows);
        say(work, text);
    }
    return result;
}

static enum result try(struct work *work, const char *path, struct error *error)
{
    const struct import_file_options *options = work->options;
    const struct import_source source = {path, work->name, options->options, options->step_rows};
    const struct import_watch watch = {goes_on, show, show_refusal, work};
    struct import_outcome outcome;
    enum result result = hold(work, error);
    if (result == RESULT_OK) {
        result = import_run(options->db, &work->job, &source, &watch, &outcome, error);
        import_job_release(&work->job);
        if (result == RESULT_NOT_FOUND) {
            /* A step of before the connection was lost may have stood; then it goes on after it. */
            result = import_job_take(options->db, clock_mono_us() + call_max_us, &work->job,
                                     error);
            import_job_release(&work->job);
            result = result == RESULT_OK ? RESULT_UNAVAILABLE : result;
        }
    }
    return result;
}

static enum result try_until_told(struct work *work, const char *path, struct error *error)
{
    static const struct timespec pause = {.tv_sec = 1};
    bool has_said = false;
    for (;;) {
        enum result result = try(work, path, error);
        if (!is_passing(result) || work->job.id == 0 || !work->options->goes_on()) {
            return result;
        }
        if (!has_said) {
            progress_end(&work->progress);
            say(work, "PostgreSQL does not answer; the import waits for it");
        }
        has_said = true;
        nanosleep(&pause, NULL);
    }
}

enum result import_file_run(const struct import_file_options *options, const char *path,
                            struct import_file_outcome *outcome, struct error *error)
{
    struct work work = {
        .options = options,
        .refusal = {.rest = "--report FILE names the first 10,000"},
    };
    *outcome = (struct import_file_outcome){0};
    enum result result = identify(&work, path, error);
    if (result != RESULT_OK) {
        return result;
    }
    progress_begin(&work.progress, "rows");
    result = try_until_told(&work, path, error);
    progress_end(&work.progress);
    if (result == RESULT_CONFLICT || result == RESULT_NOT_FOUND) {
        struct error told = *error;
        (void)error_set(error, result, "import", "%s: %s", work.name, told.text);
    }
    if (is_passing(result) && !options->goes_on()) {
        result = error_set(error, RESULT_UNAVAILABLE, "import",
                           "%s: broken off after row %" PRId64
                           "; the same command goes on from there",
                           work.name, work.job.rows);
    }
    outcome->job = result == RESULT_CONFLICT ? 0 : work.job.id;
    outcome->rows = work.job.rows - work.begun_rows;
    return result;
}

enum result import_file_report(const struct import_file_options *options, int64_t job,
                               bool as_json, struct buffer *report, struct error *error)
{
    enum { REPORT = 4 };
    char user[DB_INT_TEXT_SIZE];
    char id[DB_INT_TEXT_SIZE];
    db_format_int(options->user_id, user);
    db_format_int(job, id);
    const char *const params[] = {user, id};
    struct db_rows *rows;
    enum result result = db_call(options->db, as_json ? &fn_report : &fn_report_text, params,
                                 clock_mono_us() + call_max_us, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    bool is_there = !db_rows_is_null(rows, 0, REPORT);
    buffer_append_slice(report, db_rows_text(rows, 0, REPORT));
    db_rows_free(&rows);
    if (!is_there) {
        return error_set(error, RESULT_NOT_FOUND, "import", "the import is gone, and its user too");
    }
    return buffer_result(report) == RESULT_OK
               ? RESULT_OK
               : error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
}
