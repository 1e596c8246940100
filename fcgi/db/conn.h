/*
 * One connection to PostgreSQL, private to db/: the pool hands them out, migrations use one alone.
 */
#ifndef REFRAIN_DB_CONN_H
#define REFRAIN_DB_CONN_H

#include "db/db.h"

#include <stdatomic.h>

/* Connects until the deadline. RESULT_UNAVAILABLE with libpq's words otherwise. */
enum result conn_open(const char *url, int statement_timeout_ms, int64_t deadline_us,
                      struct db_conn **conn, struct error *error) MUST_CHECK;
void conn_close(struct db_conn **conn);

/* Whether every call on it has been answered, and none has broken it or left it with large buffers. */
bool conn_is_settled(const struct db_conn *conn);
/* Whether the server still holds its end of a settled connection; a system call. */
bool conn_is_alive(const struct db_conn *conn);
/* Whether the server answers. */
bool conn_ping(struct db_conn *conn, int64_t deadline_us);

/* As db_read_together(), for any number of calls, on this connection, which owes no answer. */
enum result conn_read_together(struct db_conn *conn, const struct db_step *calls,
                               size_t calls_count, int64_t deadline_us, struct db_rows *rows[],
                               struct error *error) MUST_CHECK;

/* What its calls since the last conn_reset_verdict() tell of the server. */
enum conn_verdict {
    CONN_UNTRIED,
    CONN_ANSWERED, /* be it with an error */
    CONN_SILENT,   /* a deadline passed without an answer, to anybody */
    CONN_LOST,
};
/* `trouble`: what happened, for CONN_SILENT and CONN_LOST; it belongs to the connection. */
enum conn_verdict conn_verdict(const struct db_conn *conn, const struct error **trouble);
void conn_reset_verdict(struct db_conn *conn);

/* Several statements of plain SQL in one implicit transaction, for migrations. */
enum result conn_execute_script(struct db_conn *conn, const char *sql,
                                struct error *error) MUST_CHECK;

/* The pool's side of it that db_give() returns it to; NULL for one that stands alone. When the
 * server answers, the time goes to *answered_us. */
void conn_set_owner(struct db_conn *conn, struct db *db, _Atomic int64_t *answered_us);
struct db *conn_owner(const struct db_conn *conn);

#endif
