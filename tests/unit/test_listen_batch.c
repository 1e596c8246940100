/* Batches against a database that only writes down what it is asked. */
#include "unit.h"

#include "base/text.h"
#include "listen/batch.h"

#include <stdio.h>
#include <stdlib.h>

/* ── the fake ── */

enum { catalogue_params = 19, listen_params = 12 };

struct db {
    enum result take_result;
    enum result call_result;
    size_t rows_count;
    int taken;
    int given;
    int calls;
    int steps;     /* of all calls */
    int conflicts; /* calls that are still to end so, before the others */
    int64_t deadline_us;
    char *catalogue[catalogue_params];
    char *listens[listen_params];
};

struct db_conn {
    struct db *db;
};

struct db_rows {
    size_t count;
};

static struct db fake;
static struct db_conn only_conn = {&fake};

enum result db_take(struct db *db, int64_t deadline_us, struct db_conn **conn, struct error *error)
{
    db->deadline_us = deadline_us;
    if (db->take_result != RESULT_OK) {
        return error_set(error, db->take_result, "fake", "no connection");
    }
    db->taken++;
    *conn = &only_conn;
    return RESULT_OK;
}

void db_give(struct db_conn **conn)
{
    if (*conn != NULL) {
        (*conn)->db->given++;
        *conn = NULL;
    }
}

static void note(char **kept, const struct db_step *step, const char *name, int count)
{
    CU_ASSERT_STRING_EQUAL(step->function->name, name);
    CU_ASSERT_EQUAL(step->function->params_count, count);
    for (int i = 0; i < count; i++) {
        free(kept[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(step->params[i]);
        kept[i] = strdup(step->params[i]);
    }
}

enum result db_call_steps(struct db_conn *conn, const struct db_step *steps, size_t steps_count,
                          int64_t deadline_us, struct db_rows **rows, struct error *error)
{
    struct db *db = conn->db;
    db->calls++;
    CU_ASSERT_EQUAL(deadline_us, db->deadline_us);
    CU_ASSERT_FATAL(steps_count == 1 || steps_count == 2);
    db->steps += (int)steps_count;
    if (steps_count == 2) {
        note(db->catalogue, &steps[0], "catalogue_add", catalogue_params);
    }
    note(db->listens, &steps[steps_count - 1], "listen_add", listen_params);
    enum result result = db->call_result;
    if (db->conflicts > 0) {
        db->conflicts--;
        result = RESULT_CONFLICT;
    }
    if (result != RESULT_OK) {
        return error_set(error, result, "fake", "refused");
    }
    *rows = calloc(1, sizeof **rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*rows);
    (*rows)->count = db->rows_count;
    return RESULT_OK;
}

size_t db_rows_count(const struct db_rows *rows)
{
    return rows->count;
}

int64_t db_rows_int(const struct db_rows *rows, size_t row, size_t column)
{
    CU_ASSERT(row < rows->count && column < 5);
    return 100 + (int64_t)column;
}

void db_rows_free(struct db_rows **rows)
{
    free(*rows);
    *rows = NULL;
}

static void reset(void)
{
    for (int i = 0; i < catalogue_params; i++) {
        free(fake.catalogue[i]);
    }
    for (int i = 0; i < listen_params; i++) {
        free(fake.listens[i]);
    }
    fake = (struct db){.rows_count = 1};
}

/* ── helpers ── */

static struct listen make(const char *artist, const char *track, const char *release, int64_t at_s)
{
    return (struct listen){.listened_at_s = at_s,
                           .artist_name = slice_text(artist),
                           .track_name = slice_text(track),
                           .release_name = slice_text(release)};
}

static struct batch *create_with(struct known *known)
{
    reset();
    struct batch *batch = batch_create(known);
    CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
    return batch;
}

static struct batch *create(void)
{
    return create_with(NULL);
}

static void add(struct batch *batch, struct listen listen)
{
    CU_ASSERT_EQUAL(batch_add(batch, &listen), RESULT_OK);
}

static enum result store(struct batch *batch)
{
    struct batch_outcome outcome;
    struct error error;
    return batch_store(batch, &fake, 42, 1, &outcome, &error);
}

static size_t count_items(const char *array)
{
    size_t count = array[1] != '}';
    for (const char *p = array; *p != '\0'; p++) {
        count += *p == ',';
    }
    return count;
}

/* ── tests ── */

static void one_listen_is_sent_whole(void)
{
    struct batch *batch = create();
    struct listen listen = make("Clara Schumann", "Andante \"molto\"", "Op. 22", 1600000000);
    listen.duration_ms = 241000;
    listen.client = slice_text("navi");
    listen.info = slice_text("{\"a\":1}");
    listen.metadata = slice_text("{\"m\":\"\\\\\"}");
    listen.artist_mbids = slice_text("{f1b1cf71-bd35-4e99-8624-24a6e15f1301}");
    listen.recording_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1302");
    listen.release_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1303");
    listen.release_group_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1304");
    add(batch, listen);
    CU_ASSERT_EQUAL(batch_count(batch), 1);
    struct batch_outcome outcome;
    CU_ASSERT_EQUAL(batch_store(batch, &fake, 42, 1, &outcome, NULL), RESULT_OK);
    CU_ASSERT_EQUAL(outcome.accepted, 100);
    CU_ASSERT_EQUAL(outcome.epoch, 101);
    CU_ASSERT_EQUAL(outcome.live, 102);
    CU_ASSERT_EQUAL(outcome.past, 103);
    CU_ASSERT_EQUAL(outcome.auth, 104);
    CU_ASSERT_EQUAL(batch_count(batch), 0);

    static const char artist[] = "7260059191952359644";
    char **c = fake.catalogue;
    char expected[100];
    snprintf(expected, sizeof expected, "{%s}", artist);
    CU_ASSERT_STRING_EQUAL(c[0], expected);
    CU_ASSERT_STRING_EQUAL(c[1], "{\"c981d2bd-4142-81b8-bdbc-9e5d19d1470e\"}");
    CU_ASSERT_STRING_EQUAL(c[2], "{\"Clara Schumann\"}");
    CU_ASSERT_STRING_EQUAL(c[3], "{\"clara schumann\"}");
    CU_ASSERT_STRING_EQUAL(c[4], "{\"{f1b1cf71-bd35-4e99-8624-24a6e15f1301}\"}");
    CU_ASSERT_STRING_EQUAL(c[7], expected);
    CU_ASSERT_STRING_EQUAL(c[8], "{\"Op. 22\"}");
    CU_ASSERT_STRING_EQUAL(c[9], "{\"op. 22\"}");
    CU_ASSERT_STRING_EQUAL(c[10], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1303\"}");
    CU_ASSERT_STRING_EQUAL(c[11], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1304\"}");
    CU_ASSERT_STRING_EQUAL(c[14], expected);
    CU_ASSERT_STRING_EQUAL(c[15], c[5]);
    CU_ASSERT_STRING_EQUAL(c[16], "{\"Andante \\\"molto\\\"\"}");
    CU_ASSERT_STRING_EQUAL(c[17], "{\"andante \\\"molto\\\"\"}");
    CU_ASSERT_STRING_EQUAL(c[18], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1302\"}");

    char **l = fake.listens;
    CU_ASSERT_STRING_EQUAL(l[0], "42");
    CU_ASSERT_STRING_EQUAL(l[1], "{1600000000}");
    CU_ASSERT_STRING_EQUAL(l[2], c[12]);
    CU_ASSERT_STRING_EQUAL(l[3], expected);
    CU_ASSERT_STRING_EQUAL(l[4], c[5]);
    CU_ASSERT_STRING_EQUAL(l[5], "{\"Clara Schumann\"}");
    CU_ASSERT_STRING_EQUAL(l[6], "{\"Andante \\\"molto\\\"\"}");
    CU_ASSERT_STRING_EQUAL(l[7], "{\"Op. 22\"}");
    CU_ASSERT_STRING_EQUAL(l[8], "{241000}");
    CU_ASSERT_STRING_EQUAL(l[9], "{\"navi\"}");
    CU_ASSERT_STRING_EQUAL(l[10], "{\"{\\\"a\\\":1}\"}");
    CU_ASSERT_STRING_EQUAL(l[11], "{\"{\\\"m\\\":\\\"\\\\\\\\\\\"}\"}");
    CU_ASSERT_EQUAL(fake.taken, 1);
    CU_ASSERT_EQUAL(fake.given, 1);
    CU_ASSERT_EQUAL(fake.calls, 1);
    batch_destroy(&batch);
    CU_ASSERT_PTR_NULL(batch);
}

static void what_is_unknown_is_null(void)
{
    struct batch *batch = create();
    add(batch, make("a", "t", "", 1600000000));
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(fake.catalogue[4], "{NULL}");
    for (int i = 5; i < 12; i++) {
        CU_ASSERT_STRING_EQUAL(fake.catalogue[i], "{}");
    }
    CU_ASSERT_STRING_EQUAL(fake.catalogue[15], "{NULL}");
    CU_ASSERT_STRING_EQUAL(fake.catalogue[18], "{NULL}");
    CU_ASSERT_STRING_EQUAL(fake.listens[4], "{NULL}");
    for (int i = 7; i < listen_params; i++) {
        CU_ASSERT_STRING_EQUAL(fake.listens[i], "{NULL}");
    }
    batch_destroy(&batch);
}

static void each_entity_is_sent_once(void)
{
    struct batch *batch = create();
    for (int i = 0; i < 3000; i++) {
        char artist[32];
        char track[32];
        char release[32];
        snprintf(artist, sizeof artist, "%s %d", i % 2 == 0 ? "Artist" : "ARTIST", i % 10);
        snprintf(track, sizeof track, "Track %d", i % 100);
        snprintf(release, sizeof release, "Release %d", i % 20);
        add(batch, make(artist, track, release, 1600000000 + i));
    }
    CU_ASSERT_EQUAL(batch_count(batch), 3000);
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    for (int i = 0; i < catalogue_params; i++) {
        CU_ASSERT_EQUAL(count_items(fake.catalogue[i]), i < 5 ? 10 : i < 12 ? 20 : 100);
    }
    for (int i = 1; i < listen_params; i++) {
        CU_ASSERT_EQUAL(count_items(fake.listens[i]), 3000);
    }
    /* Each listen keeps its spelling, the catalogue the first that it met. */
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.catalogue[2], "\"ARTIST 1\""));
    CU_ASSERT_PTR_NULL(strstr(fake.catalogue[2], "\"Artist 1\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.listens[5], "\"ARTIST 1\""));
    batch_destroy(&batch);
}

static void mbids_are_filled_in_from_later_listens(void)
{
    struct batch *batch = create();
    struct listen listen = make("A", "T", "R", 1600000000);
    add(batch, listen);
    listen = make("a", "t", "r", 1600000001);
    listen.artist_mbids = slice_text("{f1b1cf71-bd35-4e99-8624-24a6e15f1301}");
    listen.release_group_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1304");
    add(batch, listen);
    listen = make("a", "t", "r", 1600000002);
    listen.artist_mbids = slice_text("{f1b1cf71-bd35-4e99-8624-24a6e15f1309}");
    listen.recording_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1302");
    add(batch, listen);
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(fake.catalogue[4], "{\"{f1b1cf71-bd35-4e99-8624-24a6e15f1301}\"}");
    CU_ASSERT_STRING_EQUAL(fake.catalogue[10], "{NULL}");
    CU_ASSERT_STRING_EQUAL(fake.catalogue[11], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1304\"}");
    CU_ASSERT_STRING_EQUAL(fake.catalogue[18], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1302\"}");
    CU_ASSERT_STRING_EQUAL(fake.listens[5], "{\"A\",\"a\",\"a\"}");
    batch_destroy(&batch);
}

static int steps_of_store(struct batch *batch, struct listen listen)
{
    add(batch, listen);
    fake.steps = 0;
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_EQUAL(fake.taken, fake.given);
    return fake.steps;
}

static void what_is_known_is_not_added_again(void)
{
    struct known *known = known_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(known);
    struct batch *batch = create_with(known);
    struct listen listen = make("a", "t", "r", 1600000000);
    fake.call_result = RESULT_UNAVAILABLE;
    add(batch, listen);
    CU_ASSERT_EQUAL(store(batch), RESULT_UNAVAILABLE);
    batch_clear(batch);
    fake.call_result = RESULT_OK;
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 2);
    listen.listened_at_s++;
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 1);
    CU_ASSERT_STRING_EQUAL(fake.listens[1], "{1600000001}");
    /* The catalogue has not been told of these. */
    listen.recording_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f1302");
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 2);
    CU_ASSERT_STRING_EQUAL(fake.catalogue[18], "{\"f1b1cf71-bd35-4e99-8624-24a6e15f1302\"}");
    CU_ASSERT_EQUAL(steps_of_store(batch, make("a", "t2", "r", 1600000000)), 2);
    batch_destroy(&batch);
    known_destroy(&known);
}

static void what_was_removed_is_added_again(void)
{
    struct known *known = known_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(known);
    struct batch *batch = create_with(known);
    struct listen listen = make("a", "t", "r", 1600000000);
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 2);
    fake.conflicts = 1;
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 1 + 2);
    CU_ASSERT_EQUAL(steps_of_store(batch, listen), 1);
    fake.conflicts = 2;
    add(batch, listen);
    CU_ASSERT_EQUAL(store(batch), RESULT_UNAVAILABLE);
    CU_ASSERT_EQUAL(batch_count(batch), 1);
    batch_destroy(&batch);
    known_destroy(&known);
}

static void an_empty_batch_asks_nobody(void)
{
    struct batch *batch = create();
    struct batch_outcome outcome = {.accepted = 7};
    fake.take_result = RESULT_UNAVAILABLE;
    CU_ASSERT_EQUAL(batch_store(batch, &fake, 42, 1, &outcome, NULL), RESULT_OK);
    CU_ASSERT_EQUAL(outcome.accepted, 0);
    CU_ASSERT_EQUAL(fake.calls, 0);
    batch_destroy(&batch);
    batch_destroy(&batch);
}

static void a_failure_keeps_the_listens(void)
{
    static const enum result failures[] = {RESULT_NOT_FOUND, RESULT_TIMEOUT, RESULT_UNAVAILABLE,
                                           RESULT_INTERNAL};
    struct batch *batch = create();
    add(batch, make("a", "t", "r", 1600000000));
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        fake.call_result = failures[i];
        CU_ASSERT_EQUAL(store(batch), failures[i]);
        CU_ASSERT_EQUAL(batch_count(batch), 1);
    }
    fake.call_result = RESULT_OK;
    fake.take_result = RESULT_UNAVAILABLE;
    CU_ASSERT_EQUAL(store(batch), RESULT_UNAVAILABLE);
    CU_ASSERT_EQUAL(fake.taken, fake.given);
    fake.take_result = RESULT_OK;
    fake.rows_count = 0;
    CU_ASSERT_EQUAL(store(batch), RESULT_INTERNAL);
    fake.rows_count = 1;
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(fake.listens[1], "{1600000000}");
    CU_ASSERT_EQUAL(fake.taken, fake.given);
    batch_destroy(&batch);
}

static void texts_are_copied(void)
{
    struct batch *batch = create();
    char artist[] = "artist";
    char info[] = "{\"k\":1}";
    struct listen listen = make(artist, "t", "r", 1600000000);
    listen.info = slice_text(info);
    add(batch, listen);
    memset(artist, 'x', sizeof artist - 1);
    memset(info, 'x', sizeof info - 1);
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(fake.listens[5], "{\"artist\"}");
    CU_ASSERT_STRING_EQUAL(fake.listens[10], "{\"{\\\"k\\\":1}\"}");
    batch_destroy(&batch);
}

static void a_batch_is_used_again(void)
{
    struct batch *batch = create();
    for (int round = 0; round < 3; round++) {
        add(batch, make("a", "t", "r", 1600000000 + round));
        add(batch, make("b", "t", "r", 1600000000 + round));
        CU_ASSERT_EQUAL(store(batch), RESULT_OK);
        CU_ASSERT_EQUAL(count_items(fake.catalogue[0]), 2);
        CU_ASSERT_EQUAL(count_items(fake.listens[1]), 2);
    }
    add(batch, make("a", "t", "r", 1600000000));
    batch_clear(batch);
    CU_ASSERT_EQUAL(batch_count(batch), 0);
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_EQUAL(fake.calls, 3);
    batch_destroy(&batch);
}

static void a_bad_listen_leaves_the_batch_as_it_was(void)
{
    struct batch *batch = create();
    add(batch, make("a", "t", "r", 1600000000));
    struct listen bad = make("\xff", "t", "r", 1600000000);
    CU_ASSERT_EQUAL(batch_add(batch, &bad), RESULT_INVALID);
    CU_ASSERT_EQUAL(batch_count(batch), 1);
    CU_ASSERT_EQUAL(store(batch), RESULT_OK);
    CU_ASSERT_EQUAL(count_items(fake.catalogue[0]), 1);
    batch_destroy(&batch);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(one_listen_is_sent_whole),
        UNIT_TEST(what_is_unknown_is_null),
        UNIT_TEST(each_entity_is_sent_once),
        UNIT_TEST(mbids_are_filled_in_from_later_listens),
        UNIT_TEST(what_is_known_is_not_added_again),
        UNIT_TEST(what_was_removed_is_added_again),
        UNIT_TEST(an_empty_batch_asks_nobody),
        UNIT_TEST(a_failure_keeps_the_listens),
        UNIT_TEST(texts_are_copied),
        UNIT_TEST(a_batch_is_used_again),
        UNIT_TEST(a_bad_listen_leaves_the_batch_as_it_was),
    };
    int status = unit_run("batch", tests, sizeof tests / sizeof *tests);
    reset();
    return status;
}
