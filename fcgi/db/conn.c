/*
 * A connection is used by one thread at a time, so nothing here is locked. What it is asked, and
 * how the answers are told apart, is pipeline.c's.
 *
 * A deadline that passes may be a long statement's or a dead server's: it is the server's if none
 * of the pool's connections has had an answer for half of the time that this one waited.
 */
#include "db/conn.h"

#include "base/clock.h"
#include "db/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* Which of our outcomes an SQLSTATE means; the first row whose text begins it. RF… are raised by
 * the functions in sql/. */
static const struct {
    const char *begins;
    enum result result;
} outcomes[] = {
    {"RF001", RESULT_NOT_FOUND}, /* no such user */
    {"RF002", RESULT_CONFLICT},  /* it is not, or no longer, in the catalogue */
    {"RF004", RESULT_CONFLICT},  /* the name is taken */
    {"RF005", RESULT_CONFLICT},  /* too many imports, or another process is at this one */
    {"RF006", RESULT_NOT_FOUND}, /* an import has ended, or is not where its caller believes it */
    {"RF007", RESULT_INVALID},   /* no such time zone */
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

enum result conn_describe_failure(const PGresult *pg, struct error *error)
{
    const char *state = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY);
    state = state == NULL ? "08000" : state;
    if (strncmp(state, "RF", 2) == 0) {
        return error_set(error, outcome_of(state), "db", "%s", text); /* written to be read */
    }
    return error_set(error, outcome_of(state), "db", "%s (SQLSTATE %s)",
                     text == NULL ? "PostgreSQL hung up" : text, state);
}

enum result conn_condemn(struct db_conn *conn, enum conn_verdict verdict, enum result result,
                         struct error *error)
{
    conn->failed = true;
    conn->verdict = verdict;
    if (error != NULL) {
        conn->trouble = *error;
    }
    return result;
}

enum result conn_fail_lost(struct db_conn *conn, struct error *error)
{
    /* libpq's messages end in a line end, and may hold several. */
    const char *text = PQerrorMessage(conn->pg);
    error_set(error, RESULT_UNAVAILABLE, "db", "PostgreSQL: %.*s", (int)strcspn(text, "\n"),
              *text == '\0' ? "connection lost" : text);
    return conn_condemn(conn, CONN_LOST, RESULT_UNAVAILABLE, error);
}

static bool is_server_silent(const struct db_conn *conn)
{
    int64_t waited_us = clock_mono_us() - conn->sent_us;
    return conn->answered_us != NULL && *conn->answered_us < conn->sent_us + waited_us / 2;
}

enum result conn_wait_socket(struct db_conn *conn, short events, int64_t deadline_us,
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
    return conn_condemn(conn, is_server_silent(conn) ? CONN_SILENT : conn->verdict, RESULT_TIMEOUT,
                   error);
}

static enum result finish_connecting(struct db_conn *conn, int64_t deadline_us,
                                     struct error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) {
            return conn_fail_lost(conn, error);
        }
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        enum result result = conn_wait_socket(conn, events, deadline_us, error);
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
             "-c client_connection_check_interval=100 -c bytea_output=hex",
             statement_timeout_ms);
    const char *const keys[] = {"dbname", "options", "fallback_application_name",
                                "client_encoding", NULL};
    const char *const values[] = {url, settings, "refrain", "UTF8", NULL};
    conn->pg = PQconnectStartParams(keys, values, 1);
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        return conn_fail_lost(conn, error);
    }
    enum result result = finish_connecting(conn, deadline_us, error);
    if (result != RESULT_OK) {
        return result;
    }
    PQsetNoticeProcessor(conn->pg, ignore_notice, NULL);
    return PQsetnonblocking(conn->pg, 1) == 0 ? RESULT_OK : conn_fail_lost(conn, error);
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
    return !conn->failed && conn->owed == 0 && !conn->swollen;
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

void conn_note_answer(struct db_conn *conn)
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
    conn_note_answer(conn);
}

struct db *conn_owner(const struct db_conn *conn)
{
    return conn->owner;
}

enum result conn_execute_script(struct db_conn *conn, const char *sql, struct error *error)
{
    if (PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn->pg) != 1) {
        return conn_fail_lost(conn, error);
    }
    PGresult *pg = PQexec(conn->pg, sql);
    ExecStatusType status = PQresultStatus(pg);
    enum result result = RESULT_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        result = conn_describe_failure(pg, error);
    }
    PQclear(pg);
    return result;
}
