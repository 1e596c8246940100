#include "import/job.h"

#include "base/clock.h"

static const int64_t release_max_us = 2000000;

static const struct db_function fn_claim = {"import_claim", 0};
static const struct db_function fn_resume = {"import_resume", 6};
static const struct db_function fn_take = {"import_take", 2};
static const struct db_function fn_release = {"import_release", 0};
static const struct db_function fn_tell = {"import_tell", 4};
static const struct db_function fn_end = {"import_end", 4};

static enum result fail_ended(struct error *error)
{
    return error_set(error, RESULT_NOT_FOUND, "import", "the import has ended meanwhile");
}

static enum result call(struct db_conn *conn, const struct db_function *function,
                        const char *const *params, int64_t deadline_us, struct db_rows **rows,
                        struct error *error)
{
    *rows = NULL;
    enum result result = db_send(conn, function, params, error);
    return result == RESULT_OK ? db_receive(conn, deadline_us, rows, error) : result;
}

/* ── holding ── */

/* The connection goes back to others, who must not hold what it held. */
void import_job_release(struct import_job *job)
{
    struct db_rows *rows = NULL;
    if (job->conn != NULL) {
        /* A session that can't be told has ended, or does so with its connection. */
        (void)!call(job->conn, &fn_release, NULL, clock_mono_us() + release_max_us, &rows, NULL);
        db_rows_free(&rows);
        db_give(&job->conn);
    }
}

/* Calls one of the functions that lock. Where it fails, nothing is held. */
static enum result call_to_hold(struct db *db, const struct db_function *function,
                                const char *const *params, int64_t deadline_us,
                                struct import_job *job, struct db_rows **rows,
                                struct error *error)
{
    *rows = NULL;
    enum result result = db_take(db, deadline_us, &job->conn, error);
    if (result == RESULT_OK) {
        result = call(job->conn, function, params, deadline_us, rows, error);
    }
    if (result != RESULT_OK) {
        import_job_release(job);
    }
    return result;
}

enum result import_upload_claim(struct db *db, int64_t deadline_us, struct import_upload *upload,
                                bool *found, struct error *error)
{
    enum { JOB, USER, NAME, SIZE, SOURCE_USER, PLAY_MIN, ROWS };
    *upload = (struct import_upload){0};
    *found = false;
    struct db_rows *rows;
    enum result result =
        call_to_hold(db, &fn_claim, NULL, deadline_us, &upload->job, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    upload->texts = rows;
    *found = db_rows_count(rows) > 0;
    if (!*found) {
        import_upload_release(upload);
        return RESULT_OK;
    }
    upload->job.id = db_rows_int(rows, 0, JOB);
    upload->job.user_id = db_rows_int(rows, 0, USER);
    upload->job.rows = db_rows_int(rows, 0, ROWS);
    upload->file = (struct import_identity){
        .name = db_rows_text(rows, 0, NAME).data,
        .size_bytes = db_rows_int(rows, 0, SIZE),
        .options.source_user =
            db_rows_is_null(rows, 0, SOURCE_USER) ? NULL : db_rows_text(rows, 0, SOURCE_USER).data,
        .options.play_min_ms = db_rows_int(rows, 0, PLAY_MIN),
    };
    return RESULT_OK;
}

void import_upload_release(struct import_upload *upload)
{
    import_job_release(&upload->job);
    db_rows_free(&upload->texts);
}

enum result import_job_resume(struct db *db, int64_t user_id, const struct import_identity *file,
                              int64_t deadline_us, struct import_job *job, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    char size[DB_INT_TEXT_SIZE];
    char play_min[DB_INT_TEXT_SIZE];
    db_format_int(user_id, user);
    db_format_int(file->size_bytes, size);
    db_format_int(file->options.play_min_ms, play_min);
    const char *const params[] = {user, file->name, file->digest,
                                  size, file->options.source_user, play_min};
    *job = (struct import_job){.user_id = user_id};
    struct db_rows *rows;
    enum result result = call_to_hold(db, &fn_resume, params, deadline_us, job, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    bool has_ended = db_rows_is_null(rows, 0, 1);
    job->id = db_rows_int(rows, 0, 0);
    job->rows = db_rows_int(rows, 0, 1);
    db_rows_free(&rows);
    if (has_ended) {
        import_job_release(job);
        return fail_ended(error);
    }
    return RESULT_OK;
}

enum result import_job_take(struct db *db, int64_t deadline_us, struct import_job *job,
                            struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    char id[DB_INT_TEXT_SIZE];
    db_format_int(job->user_id, user);
    db_format_int(job->id, id);
    const char *const params[] = {user, id};
    struct db_rows *rows;
    enum result result = call_to_hold(db, &fn_take, params, deadline_us, job, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    bool has_ended = db_rows_count(rows) == 0;
    job->rows = has_ended ? job->rows : db_rows_int(rows, 0, 0);
    db_rows_free(&rows);
    if (has_ended) {
        import_job_release(job);
        return fail_ended(error);
    }
    return RESULT_OK;
}

/* ── telling ── */

/* A function of user, job and two more, which says whether the import still runs. */
static enum result call_running(struct db *db, const struct db_function *function,
                                const struct import_job *job, const char *third,
                                const char *fourth, int64_t deadline_us, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    char id[DB_INT_TEXT_SIZE];
    db_format_int(job->user_id, user);
    db_format_int(job->id, id);
    const char *const params[] = {user, id, third, fourth};
    struct db_rows *rows;
    enum result result = db_call(db, function, params, deadline_us, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    bool runs = db_rows_bool(rows, 0, 0);
    db_rows_free(&rows);
    return runs ? RESULT_OK : fail_ended(error);
}

enum result import_job_tell(struct db *db, const struct import_job *job,
                            const struct import_survey *survey, int64_t deadline_us,
                            struct error *error)
{
    char rows[DB_INT_TEXT_SIZE];
    db_format_int(survey->rows, rows);
    return call_running(db, &fn_tell, job, survey->format, rows, deadline_us, error);
}

enum result import_job_end(struct db *db, const struct import_job *job, const char *reason,
                           int64_t deadline_us, struct error *error)
{
    return call_running(db, &fn_end, job, reason == NULL ? "done" : "failed", reason, deadline_us,
                        error);
}
