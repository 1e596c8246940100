/* Reads that share a snapshot and a round trip, on a PostgreSQL of their own. */

#include "db/wire.h"

#include "base/clock.h"
#include "real_postgresql.h"
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char schema[] =
    "create schema refrain;"
    "create table refrain.number (value int);"
    "insert into refrain.number values (1);"
    "create function refrain.number_read() returns int language sql stable as"
    " 'select value from refrain.number';"
    "create function refrain.number_raise() returns int language sql as"
    " 'update refrain.number set value = value + 1 returning value';"
    /* Held up by whoever has the lock. */
    "create function refrain.number_await() returns int language plpgsql as $$ begin"
    " perform pg_advisory_lock_shared(1); perform pg_advisory_unlock_shared(1);"
    " return (select value from refrain.number); end $$;"
    "create function refrain.lock_take() returns void language sql as"
    " 'select pg_advisory_lock(1)';"
    "create function refrain.lock_give() returns void language sql as"
    " 'select pg_advisory_unlock_all()';"
    "create function refrain.lock_awaited() returns boolean language sql as"
    " 'select exists (select from pg_locks where locktype = ''advisory'' and not granted)';"
    "create function refrain.echo(text) returns text language sql stable as 'select $1';"
    "create function refrain.refuse(text) returns int language plpgsql stable as $$ begin"
    " raise exception 'refused: %', $1 using errcode = 'RF001'; end $$;"
    "create function refrain.process() returns int language sql stable as"
    " 'select pg_backend_pid()';";

static const struct db_function number_read = {"number_read", 0};
static const struct db_function number_raise = {"number_raise", 0};
static const struct db_function number_await = {"number_await", 0};
static const struct db_function lock_take = {"lock_take", 0};
static const struct db_function lock_give = {"lock_give", 0};
static const struct db_function lock_awaited = {"lock_awaited", 0};
static const struct db_function echo = {"echo", 1};
static const struct db_function refuse = {"refuse", 1};
static const struct db_function process = {"process", 0};
static const struct db_function missing = {"missing", 0};

static const char *url;

static int64_t in_ms(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

enum { LONG_MS = 60000, SHORT_MS = 100, POLL_MS = 10 };

/* With one connection, so that it is always the same while it is fit for use. */
static struct db *open_db(void)
{
    const struct db_options options = {.url = url, .pool_size = 1, .statement_timeout_ms = LONG_MS};
    struct db *db;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(db_open(&options, &db, &error), RESULT_OK);
    return db;
}

static int64_t call_int(struct db *db, const struct db_function *function)
{
    struct db_rows *rows;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(db_call(db, function, NULL, in_ms(LONG_MS), &rows, &error), RESULT_OK);
    int64_t value = db_rows_int(rows, 0, 0);
    db_rows_free(&rows);
    return value;
}

static void await_waiter(struct db *db)
{
    int64_t deadline_us = in_ms(LONG_MS);
    struct db_rows *rows = NULL;
    struct error error;
    bool waits = false;
    while (!waits) {
        CU_ASSERT_FATAL(clock_mono_us() < deadline_us);
        CU_ASSERT_EQUAL_FATAL(db_call(db, &lock_awaited, NULL, deadline_us, &rows, &error),
                              RESULT_OK);
        waits = db_rows_bool(rows, 0, 0);
        db_rows_free(&rows);
        poll(NULL, 0, POLL_MS);
    }
}

static void all_rows_are_there(void)
{
    struct db *db = open_db();
    const char *const texts[] = {"one", "two", NULL};
    const struct db_step calls[] = {
        {&echo, &texts[0]}, {&number_read, NULL}, {&echo, &texts[1]}, {&echo, &texts[2]}};
    for (int turn = 0; turn < 2; turn++) {
        struct db_rows *rows[4];
        struct error error;
        CU_ASSERT_EQUAL_FATAL(db_read_together(db, calls, 4, in_ms(LONG_MS), rows, &error),
                              RESULT_OK);
        CU_ASSERT(slice_is(db_rows_text(rows[0], 0, 0), "one"));
        CU_ASSERT_EQUAL(db_rows_count(rows[1]), 1);
        CU_ASSERT(slice_is(db_rows_text(rows[2], 0, 0), "two"));
        CU_ASSERT(db_rows_is_null(rows[3], 0, 0));
        for (int i = 0; i < 4; i++) {
            db_rows_free(&rows[i]);
        }
    }
    db_close(&db);
}

static void one_call_is_a_call(void)
{
    struct db *db = open_db();
    const struct db_step writes[] = {{&number_raise, NULL}};
    struct db_rows *rows[1];
    struct error error;
    CU_ASSERT_EQUAL_FATAL(db_read_together(db, writes, 1, in_ms(LONG_MS), rows, &error),
                          RESULT_OK);
    db_rows_free(&rows[0]);
    db_close(&db);
}

struct reading {
    struct db *db;
    struct db_rows *rows[2];
    enum result result;
};

static void *read_slowly(void *context)
{
    struct reading *reading = context;
    const struct db_step calls[] = {{&number_await, NULL}, {&number_read, NULL}};
    struct error error;
    reading->result =
        db_read_together(reading->db, calls, 2, in_ms(LONG_MS), reading->rows, &error);
    return NULL;
}

/* What is committed while the first call is at work, the second one does not see. */
static void the_snapshot_is_one(void)
{
    struct db *db = open_db();
    struct reading reading = {.db = open_db()};
    pthread_t thread;
    int64_t before = call_int(db, &number_read);
    call_int(db, &lock_take);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_slowly, &reading), 0);
    await_waiter(db);
    CU_ASSERT_EQUAL(call_int(db, &number_raise), before + 1);
    call_int(db, &lock_give);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL_FATAL(reading.result, RESULT_OK);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(db_rows_int(reading.rows[i], 0, 0), before);
        db_rows_free(&reading.rows[i]);
    }
    CU_ASSERT_EQUAL(call_int(reading.db, &number_read), before + 1);
    db_close(&reading.db);
    db_close(&db);
}

static enum result read_three(struct db *db, const struct db_function *middle,
                              struct error *error)
{
    const char *const params[] = {"here"};
    const struct db_step calls[] = {{&number_read, NULL}, {middle, params}, {&echo, params}};
    struct db_rows *rows[3];
    enum result result = db_read_together(db, calls, 3, in_ms(LONG_MS), rows, error);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(rows[i] == NULL, result != RESULT_OK);
        db_rows_free(&rows[i]);
    }
    return result;
}

/* Be it with functions that the connection knows, or that it learns by the way. */
static void an_error_is_its_own(void)
{
    struct db *db = open_db();
    int64_t process_before = call_int(db, &process);
    for (int turn = 0; turn < 2; turn++) {
        struct error error;
        CU_ASSERT_EQUAL(read_three(db, &refuse, &error), RESULT_NOT_FOUND);
        CU_ASSERT_STRING_EQUAL(error.text, "refused: here");
        CU_ASSERT_EQUAL(read_three(db, &echo, &error), RESULT_OK);
        CU_ASSERT_EQUAL(call_int(db, &process), process_before);
    }
    db_close(&db);
}

static void a_function_may_be_missing(void)
{
    struct db *db = open_db();
    struct error error;
    for (int turn = 0; turn < 2; turn++) {
        CU_ASSERT_EQUAL(read_three(db, &missing, &error), RESULT_INTERNAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "42883"));
    }
    CU_ASSERT_EQUAL(read_three(db, &echo, &error), RESULT_OK);
    db_close(&db);
}

static void reads_do_not_write(void)
{
    struct db *db = open_db();
    const struct db_step calls[] = {{&number_raise, NULL}, {&number_read, NULL}};
    struct db_rows *rows[2];
    struct error error;
    int64_t before = call_int(db, &number_read);
    CU_ASSERT_EQUAL(db_read_together(db, calls, 2, in_ms(LONG_MS), rows, &error),
                    RESULT_UNAVAILABLE);
    CU_ASSERT_EQUAL(call_int(db, &number_read), before);
    db_close(&db);
}

static void a_deadline_is_kept(void)
{
    struct db *db = open_db();
    struct db *other = open_db();
    const struct db_step calls[] = {{&number_read, NULL}, {&number_await, NULL}};
    struct db_rows *rows[2];
    struct error error;
    int64_t process_before = call_int(other, &process);
    call_int(db, &lock_take);
    int64_t began_us = clock_mono_us();
    CU_ASSERT_EQUAL(db_read_together(other, calls, 2, in_ms(SHORT_MS), rows, &error),
                    RESULT_TIMEOUT);
    CU_ASSERT(clock_mono_us() - began_us >= SHORT_MS * 1000);
    CU_ASSERT_PTR_NULL(rows[0]);
    CU_ASSERT_PTR_NULL(rows[1]);
    call_int(db, &lock_give);
    /* What is owed an answer is not used again. */
    CU_ASSERT_NOT_EQUAL(call_int(other, &process), process_before);
    db_close(&other);
    db_close(&db);
}

/* How often libpq turned from reading to writing, by its own account of all messages. */
static int count_round_trips(FILE *trace)
{
    char line[1024];
    int turns = 0;
    char last = 'B';
    rewind(trace);
    while (fgets(line, sizeof line, trace) != NULL) {
        turns += line[0] == 'F' && last == 'B';
        last = line[0];
    }
    return turns;
}

static void a_round_trip_is_enough(void)
{
    struct db *db = open_db();
    const char *const params[] = {"here"};
    const struct db_step calls[] = {{&number_read, NULL}, {&refuse, params}, {&echo, params}};
    for (int turn = 0; turn < 3; turn++) {
        struct db_conn *conn;
        struct db_rows *rows[3];
        struct error error;
        size_t count = turn == 1 ? 3 : 1;
        FILE *trace = tmpfile();
        CU_ASSERT_PTR_NOT_NULL_FATAL(trace);
        CU_ASSERT_EQUAL_FATAL(db_take(db, in_ms(LONG_MS), &conn, &error), RESULT_OK);
        PQtrace(conn->pg, trace);
        PQsetTraceFlags(conn->pg, PQTRACE_SUPPRESS_TIMESTAMPS);
        enum result result =
            conn_read_together(conn, calls, count, in_ms(LONG_MS), rows, &error);
        CU_ASSERT_EQUAL(result, count == 3 ? RESULT_NOT_FOUND : RESULT_OK);
        PQuntrace(conn->pg);
        CU_ASSERT(conn_is_settled(conn));
        CU_ASSERT_EQUAL(PQtransactionStatus(conn->pg), PQTRANS_IDLE);
        db_rows_free(&rows[0]);
        db_give(&conn);
        CU_ASSERT_EQUAL(count_round_trips(trace), 1);
        fclose(trace);
    }
    db_close(&db);
}

static void make_schema(void)
{
    struct db_conn *conn;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(conn_open(url, 0, in_ms(LONG_MS), &conn, &error), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(conn_execute_script(conn, schema, &error), RESULT_OK);
    conn_close(&conn);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(make_schema),
        UNIT_TEST(all_rows_are_there),
        UNIT_TEST(one_call_is_a_call),
        UNIT_TEST(the_snapshot_is_one),
        UNIT_TEST(an_error_is_its_own),
        UNIT_TEST(a_function_may_be_missing),
        UNIT_TEST(reads_do_not_write),
        UNIT_TEST(a_deadline_is_kept),
        UNIT_TEST(a_round_trip_is_enough),
    };
    struct real_postgresql *postgresql = real_postgresql_start();
    if (postgresql == NULL) {
        printf("1..0 # SKIP no PostgreSQL server is installed\n");
        return EXIT_SUCCESS;
    }
    url = real_postgresql_url(postgresql);
    int status = unit_run("db_together", tests, sizeof tests / sizeof *tests);
    real_postgresql_stop(&postgresql);
    return status;
}
