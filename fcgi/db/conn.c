/*
 * A connection is used by one thread at a time, so nothing here is locked. libpq runs in its
 * pipeline mode throughout: a call is [prepare] + execute + sync, so that the first use of a
 * function on a connection costs no round trip of its own, and several calls can travel together,
 * each a transaction. `owed` counts the syncs whose answers have not been read; a connection that
 * still owes one, or has failed, is never used again.
 *
 * A deadline that passes may be a long statement's or a dead server's: it is the server's if none
 * of the pool's connections has had an answer for half of the time that this one waited.
 */
#include "db/conn.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { FUNCTIONS_MAX = 64 };

struct db_conn {
    PGconn *pg;
    struct db *owner;
    _Atomic int64_t *answered_us; /* the owner's; NULL: none */
    int64_t sent_us;              /* the oldest call that is owed an answer */
    enum conn_verdict verdict;
    struct error trouble; /* that the verdict stands on */
    const char *prepared[FUNCTIONS_MAX];
    size_t prepared_count;
    bool is_preparing; /* a prepare is on its way, which may come to nothing */
    int owed;
    bool failed;
};

struct db_rows {
    PGresult *pg;
};

/* Which of our outcomes an SQLSTATE means; the first row whose text begins it. RF… are raised by
 * the functions in sql/. */
static const struct {
    const char *begins;
    enum result result;
} outcomes[] = {
    {"RF001", RESULT_NOT_FOUND}, /* no such user */
    {"RF004", RESULT_CONFLICT},  /* the name is taken */
    {"22", RESULT_INVALID},      /* data that PostgreSQL's types can't hold */
    {"57014", RESULT_TIMEOUT},   /* statement_timeout */
    {"08", RESULT_UNAVAILABLE},  /* the connection */
    {"53", RESULT_UNAVAILABLE},  /* out of connections, memory, disk */
    {"57P", RESULT_UNAVAILABLE}, /* shutting down or starting up */
    {"40", RESULT_UNAVAILABLE},  /* deadlock or serialisation: trying again helps */
    {"25006", RESULT_UNAVAILABLE}, /* a read-only server */
};

static enum result outcome_of(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strncmp(sqlstate, outcomes[i].begins, strlen(outcomes[i].begins)) == 0) {
            return outcomes[i].result;
        }
    }
    return RESULT_INTERNAL;
}

static enum result condemn(struct db_conn *conn, enum conn_verdict verdict, enum result result,
                           struct error *error)
{
    conn->failed = true;
    conn->verdict = verdict;
    if (error != NULL) {
        conn->trouble = *error;
    }
    return result;
}

/* libpq's messages end in a line end, and may hold several. */
static enum result fail_lost(struct db_conn *conn, struct error *error)
{
    const char *text = PQerrorMessage(conn->pg);
    error_set(error, RESULT_UNAVAILABLE, "db", "PostgreSQL: %.*s", (int)strcspn(text, "\n"),
              *text == '\0' ? "connection lost" : text);
    return condemn(conn, CONN_LOST, RESULT_UNAVAILABLE, error);
}

static bool is_server_silent(const struct db_conn *conn)
{
    int64_t waited_us = clock_mono_us() - conn->sent_us;
    return conn->answered_us != NULL && *conn->answered_us < conn->sent_us + waited_us / 2;
}

/* Waits for the socket until the deadline. */
static enum result wait_socket(struct db_conn *conn, short events, int64_t deadline_us,
                               struct error *error)
{
    struct pollfd poll_fd = {.fd = PQsocket(conn->pg), .events = events};
    int ready;
    do {
        ready = poll(&poll_fd, 1, clock_left_ms(deadline_us));
    } while (ready < 0 && errno == EINTR);
    if (ready > 0) {
        return RESULT_OK;
    }
    error_set(error, RESULT_TIMEOUT, "db", "PostgreSQL did not answer in time");
    return condemn(conn, is_server_silent(conn) ? CONN_SILENT : conn->verdict, RESULT_TIMEOUT,
                   error);
}

static enum result finish_connecting(struct db_conn *conn, int64_t deadline_us,
                                     struct error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) {
            return fail_lost(conn, error);
        }
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        enum result result = wait_socket(conn, events, deadline_us, error);
        if (result != RESULT_OK) {
            return RESULT_UNAVAILABLE;
        }
        state = PQconnectPoll(conn->pg);
    }
    return RESULT_OK;
}

static void ignore_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}

static enum result set_up(struct db_conn *conn, const char *url, int statement_timeout_ms,
                          int64_t deadline_us, struct error *error)
{
    char settings[200];
    /* The functions' plans don't gain from looking at parameters, and planning anew costs more
     * than most of them take. A statement whose caller has given up and gone shall end too. */
    snprintf(settings, sizeof settings,
             "-c statement_timeout=%d -c plan_cache_mode=force_generic_plan "
             "-c client_connection_check_interval=1000",
             statement_timeout_ms);
    const char *const keys[] = {"dbname", "options", "fallback_application_name",
                                "client_encoding", NULL};
    const char *const values[] = {url, settings, "refrain", "UTF8", NULL};
    conn->pg = PQconnectStartParams(keys, values, 1);
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        return fail_lost(conn, error);
    }
    enum result result = finish_connecting(conn, deadline_us, error);
    if (result != RESULT_OK) {
        return result;
    }
    PQsetNoticeProcessor(conn->pg, ignore_notice, NULL);
    return PQsetnonblocking(conn->pg, 1) == 0 ? RESULT_OK : fail_lost(conn, error);
}

enum result conn_open(const char *url, int statement_timeout_ms, int64_t deadline_us,
                      struct db_conn **conn, struct error *error)
{
    *conn = calloc(1, sizeof **conn);
    if (*conn == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "db", "out of memory");
    }
    enum result result = set_up(*conn, url, statement_timeout_ms, deadline_us, error);
    if (result != RESULT_OK) {
        conn_close(conn);
    }
    return result;
}

void conn_close(struct db_conn **conn)
{
    if (*conn != NULL) {
        PQfinish((*conn)->pg);
        free(*conn);
        *conn = NULL;
    }
}

bool conn_is_settled(const struct db_conn *conn)
{
    return !conn->failed && conn->owed == 0;
}

bool conn_is_alive(const struct db_conn *conn)
{
    /* A settled connection has nothing to say: if it is readable, the server has hung up. */
    struct pollfd poll_fd = {.fd = PQsocket(conn->pg), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 0;
}

enum conn_verdict conn_verdict(const struct db_conn *conn, const struct error **trouble)
{
    *trouble = &conn->trouble;
    return conn->verdict;
}

void conn_reset_verdict(struct db_conn *conn)
{
    conn->verdict = CONN_UNTRIED;
}

/* The server lives, and owes nothing older than this. */
static void note_answer(struct db_conn *conn)
{
    int64_t now_us = clock_mono_us();
    conn->verdict = CONN_ANSWERED;
    conn->sent_us = now_us;
    if (conn->answered_us != NULL) {
        *conn->answered_us = now_us;
    }
}

void conn_set_owner(struct db_conn *conn, struct db *db, _Atomic int64_t *answered_us)
{
    conn->owner = db;
    conn->answered_us = answered_us;
    note_answer(conn);
}

struct db *conn_owner(const struct db_conn *conn)
{
    return conn->owner;
}

static bool is_prepared(const struct db_conn *conn, const struct db_function *function)
{
    for (size_t i = 0; i < conn->prepared_count; i++) {
        if (strcmp(conn->prepared[i], function->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool send_prepare(struct db_conn *conn, const struct db_function *function)
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

static void note_call(struct db_conn *conn)
{
    if (conn->owed++ == 0) {
        conn->sent_us = clock_mono_us();
    }
}

/* Queues one call and its sync; conn_flush() puts it on the wire. */
static enum result queue_call(struct db_conn *conn, const struct db_function *function,
                              const char *const *params, struct error *error)
{
    assert(function->params_count <= DB_PARAMS_MAX);
    if (PQpipelineStatus(conn->pg) == PQ_PIPELINE_OFF && PQenterPipelineMode(conn->pg) != 1) {
        return fail_lost(conn, error);
    }
    if ((!is_prepared(conn, function) && !send_prepare(conn, function))
        || PQsendQueryPrepared(conn->pg, function->name, function->params_count, params, NULL,
                               NULL, 0)
               != 1
        || PQpipelineSync(conn->pg) != 1) {
        return fail_lost(conn, error);
    }
    note_call(conn);
    return RESULT_OK;
}

enum result db_send(struct db_conn *conn, const struct db_function *function,
                    const char *const *params, struct error *error)
{
    enum result result = queue_call(conn, function, params, error);
    if (result != RESULT_OK) {
        return result;
    }
    return PQflush(conn->pg) < 0 ? fail_lost(conn, error) : RESULT_OK;
}

/* Reads what the server sends until a result is there. Large calls are still being written at that
 * time, so both directions are served. */
static enum result await_result(struct db_conn *conn, int64_t deadline_us, struct error *error)
{
    for (;;) {
        int unsent = PQflush(conn->pg);
        if (unsent < 0) {
            return fail_lost(conn, error);
        }
        if (!PQisBusy(conn->pg)) {
            return RESULT_OK;
        }
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        enum result result = wait_socket(conn, events, deadline_us, error);
        if (result != RESULT_OK) {
            return result;
        }
        if (PQconsumeInput(conn->pg) != 1) {
            return fail_lost(conn, error);
        }
    }
}

static enum result describe_failure(const PGresult *pg, struct error *error)
{
    const char *state = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY);
    state = state == NULL ? "08000" : state;
    return error_set(error, outcome_of(state), "db", "%s (SQLSTATE %s)",
                     text == NULL ? "PostgreSQL hung up" : text, state);
}

/* One result within the answer to a call. The rows go to *rows, the first failure to *error. */
static enum result take_result(PGresult *pg, PGresult **rows, enum result so_far,
                               struct error *error)
{
    ExecStatusType status = PQresultStatus(pg);
    if (status == PGRES_TUPLES_OK) {
        PQclear(*rows);
        *rows = pg;
        return so_far;
    }
    enum result result = so_far;
    if (status == PGRES_FATAL_ERROR && so_far == RESULT_OK) {
        result = describe_failure(pg, error);
    }
    PQclear(pg);
    return result;
}

/* The answer to one call: everything up to its sync. */
static enum result receive_call(struct db_conn *conn, int64_t deadline_us, PGresult **rows,
                                struct error *error)
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
                return fail_lost(conn, error);
            }
            continue; /* between the results of prepare, execute and sync */
        }
        if (PQresultStatus(pg) == PGRES_PIPELINE_SYNC) {
            PQclear(pg);
            conn->owed--;
            note_answer(conn);
            return result;
        }
        result = take_result(pg, rows, result, error);
        if (PQstatus(conn->pg) == CONNECTION_BAD) {
            return result == RESULT_OK
                       ? fail_lost(conn, error)
                       : condemn(conn, CONN_LOST, RESULT_UNAVAILABLE, error);
        }
    }
}

bool conn_ping(struct db_conn *conn, int64_t deadline_us)
{
    PGresult *rows = NULL;
    struct error error;
    if ((PQpipelineStatus(conn->pg) == PQ_PIPELINE_OFF && PQenterPipelineMode(conn->pg) != 1)
        || PQpipelineSync(conn->pg) != 1) {
        return false;
    }
    note_call(conn);
    enum result result = receive_call(conn, deadline_us, &rows, &error);
    PQclear(rows);
    return result == RESULT_OK;
}

static enum result hand_over(PGresult *pg, struct db_rows **rows, struct error *error)
{
    *rows = pg == NULL ? NULL : malloc(sizeof **rows);
    if (*rows == NULL) {
        PQclear(pg);
        return error_set(error, RESULT_NO_MEMORY, "db", "out of memory");
    }
    (*rows)->pg = pg;
    return RESULT_OK;
}

enum result db_receive(struct db_conn *conn, int64_t deadline_us, struct db_rows **rows,
                       struct error *error)
{
    PGresult *pg = NULL;
    *rows = NULL;
    enum result result = receive_call(conn, deadline_us, &pg, error);
    if (result != RESULT_OK) {
        /* A prepare that failed, or was cancelled, left no statement behind. */
        conn->failed = conn->failed || conn->is_preparing;
        PQclear(pg);
        return result;
    }
    conn->is_preparing = conn->is_preparing && conn->owed > 0;
    return hand_over(pg, rows, error);
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

enum result conn_execute_script(struct db_conn *conn, const char *sql, struct error *error)
{
    if (PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn->pg) != 1) {
        return fail_lost(conn, error);
    }
    PGresult *pg = PQexec(conn->pg, sql);
    ExecStatusType status = PQresultStatus(pg);
    enum result result = RESULT_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        result = describe_failure(pg, error);
    }
    PQclear(pg);
    return result;
}

size_t db_rows_count(const struct db_rows *rows)
{
    return (size_t)PQntuples(rows->pg);
}

struct slice db_rows_text(const struct db_rows *rows, size_t row, size_t column)
{
    return slice_of(PQgetvalue(rows->pg, (int)row, (int)column),
                    (size_t)PQgetlength(rows->pg, (int)row, (int)column));
}

bool db_rows_is_null(const struct db_rows *rows, size_t row, size_t column)
{
    return PQgetisnull(rows->pg, (int)row, (int)column) == 1;
}

int64_t db_rows_int(const struct db_rows *rows, size_t row, size_t column)
{
    return strtoll(PQgetvalue(rows->pg, (int)row, (int)column), NULL, 10);
}

bool db_rows_bool(const struct db_rows *rows, size_t row, size_t column)
{
    return PQgetvalue(rows->pg, (int)row, (int)column)[0] == 't';
}

void db_rows_free(struct db_rows **rows)
{
    if (*rows != NULL) {
        PQclear((*rows)->pg);
        free(*rows);
        *rows = NULL;
    }
}
