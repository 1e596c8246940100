#include "base/pool.h"

#include "db/conn.h"

#include <stdlib.h>

struct db {
    char *url;
    int statement_timeout_ms;
    struct pool *pool;
};

static enum result open_conn(void *context, int64_t deadline_us, void **item,
                             struct error *error)
{
    struct db *db = context;
    struct db_conn *conn;
    enum result result =
        conn_open(db->url, db->statement_timeout_ms, deadline_us, &conn, error);
    if (result == RESULT_OK) {
        conn_set_owner(conn, db);
        *item = conn;
    }
    return result;
}

static void close_conn(void *item)
{
    struct db_conn *conn = item;
    conn_close(&conn);
}

static bool is_alive(void *item)
{
    return conn_is_alive(item);
}

static const struct pool_kind kind = {"PostgreSQL", open_conn, close_conn, is_alive};

enum result db_open(const struct db_options *options, struct db **db, struct error *error)
{
    *db = calloc(1, sizeof **db);
    if (*db != NULL) {
        (*db)->url = strdup(options->url);
        (*db)->statement_timeout_ms = options->statement_timeout_ms;
        (*db)->pool = pool_create(&kind, *db, options->pool_size);
    }
    if (*db == NULL || (*db)->url == NULL || (*db)->pool == NULL) {
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
    pool_destroy(&(*db)->pool);
    free((*db)->url);
    free(*db);
    *db = NULL;
}

enum result db_take(struct db *db, int64_t deadline_us, struct db_conn **conn,
                    struct error *error)
{
    void *item = NULL;
    enum result result = pool_take(db->pool, deadline_us, &item, error);
    *conn = item;
    return result;
}

void db_give(struct db_conn **conn)
{
    if (*conn != NULL) {
        pool_give(conn_owner(*conn)->pool, *conn, conn_is_settled(*conn));
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
