/*
 * PostgreSQL: a pool of connections, and calls of the SQL functions of sql/functions. There is no
 * other way to the data: a call names a function and its parameters, never SQL.
 */
#ifndef REFRAIN_DB_DB_H
#define REFRAIN_DB_DB_H

#include "base/buffer.h"
#include "base/result.h"
#include "base/server_stats.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_conn;
struct db_rows;

/* A function `refrain.<name>` that returns rows. Prepared once per connection, under its name. */
struct db_function {
    const char *name;
    int params_count;
};

enum { DB_PARAMS_MAX = 24 };

struct db_options {
    const char *url;          /* anything libpq takes */
    int pool_size;            /* connections at most */
    int statement_timeout_ms; /* set on every connection */
    struct server_stats *stats; /* NULL: told to nobody, the log included */
};

/* Opens no connection yet. The options are copied. */
enum result db_open(const struct db_options *options, struct db **db,
                    struct error *error) MUST_CHECK;
/* All connections must have been given back. */
void db_close(struct db **db);

/* A connection for the caller alone, opened where none is idle; waits for one until the deadline.
 * RESULT_UNAVAILABLE where PostgreSQL can't be reached (at once while the breaker is open: after a
 * failed connect, or when calls get no answer) or the pool stays empty. */
enum result db_take(struct db *db, int64_t deadline_us, struct db_conn **conn,
                    struct error *error) MUST_CHECK;
/* Whether PostgreSQL does not answer, as far as is known; a full pool is no such thing. */
bool db_is_away(const struct db *db);
/* Gives it back; a connection that failed, still owes an answer, or has sent or had something large
 * is closed. Sets *conn to NULL; nothing happens where it is NULL. */
void db_give(struct db_conn **conn);

/* One call: sends now, the answer is fetched by db_receive(). Parameters are texts as PostgreSQL
 * reads them, NULL is null; they may go away when the call returns. */
enum result db_send(struct db_conn *conn, const struct db_function *function,
                    const char *const *params, struct error *error) MUST_CHECK;
/* The rows of the call that was sent; the caller frees them. */
enum result db_receive(struct db_conn *conn, int64_t deadline_us, struct db_rows **rows,
                       struct error *error) MUST_CHECK;

/* db_send and db_receive on a connection of the pool. */
enum result db_call(struct db *db, const struct db_function *function, const char *const *params,
                    int64_t deadline_us, struct db_rows **rows, struct error *error) MUST_CHECK;

struct db_step {
    const struct db_function *function;
    const char *const *params;
};
/* Several calls in one round trip, each a transaction of its own and all of them tried; `rows` are
 * those of the last. The result is that of the first that failed. */
enum result db_call_steps(struct db_conn *conn, const struct db_step *steps, size_t steps_count,
                          int64_t deadline_us, struct db_rows **rows,
                          struct error *error) MUST_CHECK;

/* Several reads in one round trip and one snapshot, so that all rows show the database at the same
 * moment. rows[i] are those of calls[i]; the caller frees them. A function must not write, and sees
 * the time at which all began as now(). One that fails makes all fail, with its own error, and then
 * there are no rows. */
enum result db_read_together(struct db *db, const struct db_step *calls, size_t calls_count,
                             int64_t deadline_us, struct db_rows *rows[],
                             struct error *error) MUST_CHECK;

size_t db_rows_count(const struct db_rows *rows);
/* Valid until the rows are freed; empty for null. */
struct slice db_rows_text(const struct db_rows *rows, size_t row, size_t column);
bool db_rows_is_null(const struct db_rows *rows, size_t row, size_t column);
/* An integer column; null is 0. */
int64_t db_rows_int(const struct db_rows *rows, size_t row, size_t column);
/* A boolean column; null is false. */
bool db_rows_bool(const struct db_rows *rows, size_t row, size_t column);
/* Appends a bytea column; null is nothing. A failure latches in the buffer. */
void db_rows_bytes(const struct db_rows *rows, size_t row, size_t column, struct buffer *to);
void db_rows_free(struct db_rows **rows);

/* A parameter that is bytes, as PostgreSQL's hexadecimal text. */
#define DB_BYTES_TEXT_SIZE(size_bytes) (2 + 2 * (size_bytes) + 1)
void db_format_bytes(const unsigned char *bytes, size_t size_bytes, char *text);

/* A parameter that is a whole number. */
enum { DB_INT_TEXT_SIZE = 21 };
void db_format_int(int64_t value, char text[DB_INT_TEXT_SIZE]);

/* Parameters that are arrays, as PostgreSQL's array text: open, add, close. */
void db_array_open(struct buffer *array);
void db_array_add_int(struct buffer *array, int64_t value);
void db_array_add_text(struct buffer *array, struct slice text); /* must hold no NUL */
void db_array_add_null(struct buffer *array);
void db_array_close(struct buffer *array);

#endif
