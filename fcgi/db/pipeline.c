/*
 * libpq runs in its pipeline mode throughout: a call is [prepare] + execute + sync, so that the
 * first use of a function on a connection costs no round trip of its own, and several calls can
 * travel together, each a transaction. `owed` counts the syncs whose answers have not been read; a
 * connection that still owes one, or has failed, is never used again.
 *
 * Calls that read together are [prepares + sync] + begin, all executes, sync + commit, sync, and
 * travel together too. If one of them fails, the server skips the rest up to the sync, so that the
 * first error is the only one; the commit comes after it, and ends the transaction in any case. The
 * prepares stand before the transaction, so that its failing leaves them valid.
 */
#include "db/wire.h"

#include "base/clock.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>

static const char begin_sql[] = "begin isolation level repeatable read read only";
static const char commit_sql[] = "commit";

/* A connection that has sent a call of more than this, or had such an answer, is not used again. An
 * import makes a new one after each full batch, which costs it milliseconds. */
static const size_t swelling_bytes = 1024 * 1024;

/* Where the rows of an answer go: one place for each call before the sync. */
struct answer {
    struct db_rows **rows;
    size_t calls_count;
    size_t rows_count; /* so far */
};

static bool is_prepared(const struct db_conn *conn, const struct db_function *function)
{
    for (size_t i = 0; i < conn->prepared_count; i++) {
        if (strcmp(conn->prepared[i], function->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Each of these queues something; PQflush() puts it on the wire. False where libpq has failed. */

static bool queue_prepare(struct db_conn *conn, const struct db_function *function)
{
    char sql[256];
    int size = snprintf(sql, sizeof sql, "select * from refrain.%s(", function->name);
    for (int i = 1; i <= function->params_count; i++) {
        size += snprintf(sql + size, sizeof sql - (size_t)size, i > 1 ? ",$%d" : "$%d", i);
    }
    snprintf(sql + size, sizeof sql - (size_t)size, ")");
    assert(conn->prepared_count < FUNCTIONS_MAX);
    conn->prepared[conn->prepared_count++] = function->name;
    conn->is_preparing = true;
    return PQsendPrepare(conn->pg, function->name, sql, 0, NULL) == 1;
}

static bool is_large(const struct db_function *function, const char *const *params)
{
    size_t size_bytes = 0;
    for (int i = 0; i < function->params_count; i++) {
        size_bytes += params[i] == NULL ? 0 : strlen(params[i]);
    }
    return size_bytes > swelling_bytes;
}

static bool queue_execute(struct db_conn *conn, const struct db_function *function,
                          const char *const *params)
{
    assert(function->params_count <= DB_PARAMS_MAX);
    conn->swollen = conn->swollen || is_large(function, params);
    return PQsendQueryPrepared(conn->pg, function->name, function->params_count, params, NULL,
                               NULL, 0)
           == 1;
}

static bool queue_statement(struct db_conn *conn, const char *sql)
{
    return PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool queue_sync(struct db_conn *conn)
{
    if (PQpipelineSync(conn->pg) != 1) {
        return false;
    }
    if (conn->owed++ == 0) {
        conn->sent_us = clock_mono_us();
    }
    return true;
}

static bool enter_pipeline(struct db_conn *conn)
{
    return PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF || PQenterPipelineMode(conn->pg) == 1;
}

static enum result queue_call(struct db_conn *conn, const struct db_function *function,
                              const char *const *params, struct error *error)
{
    bool queued = enter_pipeline(conn)
                  && (is_prepared(conn, function) || queue_prepare(conn, function))
                  && queue_execute(conn, function, params) && queue_sync(conn);
    return queued ? RESULT_OK : conn_fail_lost(conn, error);
}

static bool queue_prepares(struct db_conn *conn, const struct db_step *calls, size_t calls_count)
{
    for (size_t i = 0; i < calls_count; i++) {
        if (!is_prepared(conn, calls[i].function) && !queue_prepare(conn, calls[i].function)) {
            return false;
        }
    }
    return !conn->is_preparing || queue_sync(conn);
}

static bool queue_transaction(struct db_conn *conn, const struct db_step *calls,
                              size_t calls_count)
{
    bool queued = queue_statement(conn, begin_sql);
    for (size_t i = 0; i < calls_count && queued; i++) {
        queued = queue_execute(conn, calls[i].function, calls[i].params);
    }
    return queued && queue_sync(conn) && queue_statement(conn, commit_sql) && queue_sync(conn);
}

enum result db_send(struct db_conn *conn, const struct db_function *function,
                    const char *const *params, struct error *error)
{
    enum result result = queue_call(conn, function, params, error);
    if (result != RESULT_OK) {
        return result;
    }
    return PQflush(conn->pg) < 0 ? conn_fail_lost(conn, error) : RESULT_OK;
}

/* Reads what the server sends until a result is there. Large calls are still being written at that
 * time, so both directions are served. */
static enum result await_result(struct db_conn *conn, int64_t deadline_us, struct error *error)
{
    for (;;) {
        int unsent = PQflush(conn->pg);
        if (unsent < 0) {
            return conn_fail_lost(conn, error);
        }
        if (!PQisBusy(conn->pg)) {
            return RESULT_OK;
        }
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        enum result result = conn_wait_socket(conn, events, deadline_us, error);
        if (result != RESULT_OK) {
            return result;
        }
        if (PQconsumeInput(conn->pg) != 1) {
            return conn_fail_lost(conn, error);
        }
    }
}

/* One result within an answer. Rows go to their place, the first failure to *error. */
static enum result take_result(PGresult *pg, struct answer *answer, enum result so_far,
                               struct error *error)
{
    ExecStatusType status = PQresultStatus(pg);
    if (status == PGRES_TUPLES_OK && answer->rows_count < answer->calls_count) {
        struct db_rows **rows = &answer->rows[answer->rows_count++];
        struct error unused;
        enum result result = rows_create(pg, rows, so_far == RESULT_OK ? error : &unused);
        return so_far == RESULT_OK ? result : so_far;
    }
    enum result result = so_far;
    if (status == PGRES_FATAL_ERROR && so_far == RESULT_OK) {
        result = conn_describe_failure(pg, error);
    }
    PQclear(pg);
    return result;
}

/* Everything up to a sync. */
static enum result receive_results(struct db_conn *conn, int64_t deadline_us,
                                   struct answer *answer, struct error *error)
{
    enum result result = RESULT_OK;
    for (;;) {
        enum result waited = await_result(conn, deadline_us, error);
        if (waited != RESULT_OK) {
            return waited;
        }
        PGresult *pg = PQgetResult(conn->pg);
        if (pg == NULL) {
            if (PQstatus(conn->pg) == CONNECTION_BAD) {
                return conn_fail_lost(conn, error);
            }
            continue; /* between the results of prepare, execute and sync */
        }
        if (PQresultStatus(pg) == PGRES_PIPELINE_SYNC) {
            PQclear(pg);
            conn->owed--;
            conn_note_answer(conn);
            return result;
        }
        conn->swollen = conn->swollen || PQresultMemorySize(pg) > swelling_bytes;
        result = take_result(pg, answer, result, error);
        if (PQstatus(conn->pg) == CONNECTION_BAD) {
            return result == RESULT_OK
                       ? conn_fail_lost(conn, error)
                       : conn_condemn(conn, CONN_LOST, RESULT_UNAVAILABLE, error);
        }
    }
}

/* The rows of each of the calls before a sync; none where one has failed. */
static enum result receive_answer(struct db_conn *conn, int64_t deadline_us,
                                  struct db_rows **rows, size_t calls_count, struct error *error)
{
    struct answer answer = {.rows = rows, .calls_count = calls_count};
    enum result result = receive_results(conn, deadline_us, &answer, error);
    if (result == RESULT_OK && answer.rows_count < calls_count) {
        result = error_set(error, RESULT_INTERNAL, "db", "PostgreSQL returned no rows");
    }
    for (size_t i = 0; i < answer.rows_count && result != RESULT_OK; i++) {
        db_rows_free(&rows[i]);
    }
    if (result != RESULT_OK) {
        /* A prepare that failed, or was cancelled, left no statement behind. */
        conn->failed = conn->failed || conn->is_preparing;
    }
    return result;
}

bool conn_ping(struct db_conn *conn, int64_t deadline_us)
{
    struct error error;
    return enter_pipeline(conn) && queue_sync(conn)
           && receive_answer(conn, deadline_us, NULL, 0, &error) == RESULT_OK;
}

enum result db_receive(struct db_conn *conn, int64_t deadline_us, struct db_rows **rows,
                       struct error *error)
{
    *rows = NULL;
    enum result result = receive_answer(conn, deadline_us, rows, 1, error);
    if (result == RESULT_OK) {
        conn->is_preparing = conn->is_preparing && conn->owed > 0;
    }
    return result;
}

enum result db_call_steps(struct db_conn *conn, const struct db_step *steps, size_t steps_count,
                          int64_t deadline_us, struct db_rows **rows, struct error *error)
{
    *rows = NULL;
    for (size_t i = 0; i < steps_count; i++) {
        enum result result = queue_call(conn, steps[i].function, steps[i].params, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    enum result first = RESULT_OK;
    for (size_t i = 0; i < steps_count && !conn->failed; i++) {
        struct error ignored;
        enum result result =
            db_receive(conn, deadline_us, rows, first == RESULT_OK ? error : &ignored);
        first = first == RESULT_OK ? result : first;
        if (i + 1 < steps_count || first != RESULT_OK) {
            db_rows_free(rows);
        }
    }
    return first;
}

enum result conn_read_together(struct db_conn *conn, const struct db_step *calls,
                               size_t calls_count, int64_t deadline_us, struct db_rows *rows[],
                               struct error *error)
{
    assert(conn->owed == 0);
    memset(rows, 0, calls_count * sizeof *rows);
    if (!enter_pipeline(conn) || !queue_prepares(conn, calls, calls_count)
        || !queue_transaction(conn, calls, calls_count)) {
        return conn_fail_lost(conn, error);
    }
    enum result result = RESULT_OK;
    if (conn->is_preparing) {
        result = receive_answer(conn, deadline_us, NULL, 0, error);
        if (result != RESULT_OK) {
            return result;
        }
        conn->is_preparing = false;
    }
    result = receive_answer(conn, deadline_us, rows, calls_count, error);
    if (conn->failed) {
        return result;
    }
    struct error unused;
    enum result ended =
        receive_answer(conn, deadline_us, NULL, 0, result == RESULT_OK ? error : &unused);
    for (size_t i = 0; i < calls_count && ended != RESULT_OK; i++) {
        db_rows_free(&rows[i]);
    }
    return result == RESULT_OK ? ended : result;
}
