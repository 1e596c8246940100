/*
 * One connection to PostgreSQL, private to db/: the pool hands them out, migrations use one alone.
 */
#ifndef REFRAIN_DB_CONN_H
#define REFRAIN_DB_CONN_H

#include "db/db.h"

/* Connects until the deadline. RESULT_UNAVAILABLE with libpq's words otherwise. */
enum result conn_open(const char *url, int statement_timeout_ms, int64_t deadline_us,
                      struct db_conn **conn, struct error *error) MUST_CHECK;
void conn_close(struct db_conn **conn);

/* Whether every call on it has been answered and none has broken it. */
bool conn_is_settled(const struct db_conn *conn);
/* Whether the server still holds its end of a settled connection; a system call. */
bool conn_is_alive(const struct db_conn *conn);

/* Several statements of plain SQL in one implicit transaction, for migrations. */
enum result conn_execute_script(struct db_conn *conn, const char *sql,
                                struct error *error) MUST_CHECK;

/* The pool's side of it that db_give() returns it to; NULL for one that stands alone. */
void conn_set_owner(struct db_conn *conn, struct db *db);
struct db *conn_owner(const struct db_conn *conn);

#endif
