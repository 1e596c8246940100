#include "base/clock.h"
#include "base/server.h"

#include "db/conn.h"

#include <stdlib.h>

static const int64_t ping_max_us = 500000;

struct db {
    char *url;
    int statement_timeout_ms;
    struct server *server;
    _Atomic int64_t answered_us; /* when PostgreSQL last did, on any connection */
};

static enum result open_conn(void *context, int64_t deadline_us, void **item,
                             struct error *error)
{
    struct db *db = context;
    struct db_conn *conn;
    enum result result =
        conn_open(db->url, db->statement_timeout_ms, deadline_us, &conn, error);
    if (result == RESULT_OK) {
        conn_set_owner(conn, db, &db->answered_us);
        *item = conn;
    }
    return result;
}

static void close_conn(void *item)
{
    struct db_conn *conn = item;
    conn_close(&conn);
}

static bool is_alive(void *item, int64_t idle_us)
{
    return conn_is_alive(item)
           && (idle_us < POOL_STALE_US || conn_ping(item, clock_mono_us() + ping_max_us));
}

static const struct pool_kind kind = {"PostgreSQL", open_conn, close_conn, is_alive};

enum result db_open(const struct db_options *options, struct db **db, struct error *error)
{
    *db = calloc(1, sizeof **db);
    if (*db != NULL) {
        (*db)->url = strdup(options->url);
        (*db)->statement_timeout_ms = options->statement_timeout_ms;
        (*db)->server = server_create(&kind, *db, options->pool_size,
                                      options->stats != NULL ? "database" : NULL, options->stats);
    }
    if (*db == NULL || (*db)->url == NULL || (*db)->server == NULL) {
        db_close(db);
        return error_set(error, RESULT_NO_MEMORY, "db", "out of memory");
    }
    return RESULT_OK;
}

void db_close(struct db **db)
{
    if (*db == NULL) {
        return;
    }
    server_destroy(&(*db)->server);
    free((*db)->url);
    free(*db);
    *db = NULL;
}

enum result db_take(struct db *db, int64_t deadline_us, struct db_conn **conn,
                    struct error *error)
{
    void *item = NULL;
    enum result result = server_take(db->server, deadline_us, &item, error);
    *conn = item;
    if (result == RESULT_OK) {
        conn_reset_verdict(*conn);
    }
    return result;
}

bool db_is_away(const struct db *db)
{
    return server_is_away(db->server);
}

void db_give(struct db_conn **conn)
{
    static const enum breaker_outcome outcomes[] = {
        [CONN_UNTRIED] = BREAKER_UNTRIED,
        [CONN_ANSWERED] = BREAKER_ANSWERED,
        [CONN_SILENT] = BREAKER_SILENT,
        [CONN_LOST] = BREAKER_BROKEN,
    };
    if (*conn != NULL) {
        const struct error *trouble;
        enum conn_verdict verdict = conn_verdict(*conn, &trouble);
        server_give(conn_owner(*conn)->server, *conn, conn_is_settled(*conn), outcomes[verdict],
                    trouble);
        *conn = NULL;
    }
}

enum result db_call(struct db *db, const struct db_function *function, const char *const *params,
                    int64_t deadline_us, struct db_rows **rows, struct error *error)
{
    struct db_conn *conn = NULL;
    *rows = NULL;
    enum result result = db_take(db, deadline_us, &conn, error);
    if (result == RESULT_OK) {
        result = db_send(conn, function, params, error);
    }
    if (result == RESULT_OK) {
        result = db_receive(conn, deadline_us, rows, error);
    }
    db_give(&conn);
    return result;
}

enum result db_read_together(struct db *db, const struct db_step *calls, size_t calls_count,
                             int64_t deadline_us, struct db_rows *rows[], struct error *error)
{
    if (calls_count == 1) {
        return db_call(db, calls->function, calls->params, deadline_us, rows, error);
    }
    struct db_conn *conn = NULL;
    memset(rows, 0, calls_count * sizeof *rows);
    enum result result = db_take(db, deadline_us, &conn, error);
    if (result == RESULT_OK) {
        result = conn_read_together(conn, calls, calls_count, deadline_us, rows, error);
    }
    db_give(&conn);
    return result;
}
