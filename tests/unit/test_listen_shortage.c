/*
 * Every allocation on the way of a listen fails once: each failure is told as such, and nothing is
 * lost or leaked. The linker sends malloc and its like through here (see local.mk).
 */
#include "unit.h"

#include "import_fixture.h"
#include "listen/batch.h"
#include "listen/submission.h"

#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

static long until_failure = -1; /* allocations; negative: none fails */
static bool has_failed;

static bool fails_now(void)
{
    bool now = until_failure == 0;
    has_failed = has_failed || now;
    until_failure -= until_failure >= 0;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
    return fails_now() ? NULL : __real_realloc(data, size);
}

static const char *path;
static const char *body;

static enum result out_of_memory(struct error *error)
{
    return error_set(error, RESULT_NO_MEMORY, "test", "out of memory");
}

static enum result parse_submission(struct error *error)
{
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return out_of_memory(error);
    }
    struct submission submission;
    enum result result =
        submission_parse(slice_text(body), 1700000000, arena, &submission, error);
    arena_destroy(&arena);
    return result;
}

static enum result add_rows(struct import *import, struct batch *batch, struct error *error)
{
    for (;;) {
        enum import_row row;
        struct listen listen;
        enum result result = import_next(import, &row, &listen, error);
        if (result != RESULT_OK || row == IMPORT_END) {
            return result;
        }
        CU_ASSERT_EQUAL(row, IMPORT_LISTEN);
        if (batch_add(batch, &listen) != RESULT_OK) {
            return out_of_memory(error);
        }
    }
}

static enum result import_into_batch(struct error *error)
{
    const struct import_options options = {.source_user = "user_1"};
    struct import *import = NULL;
    enum result result = import_open(path, &options, &import, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct batch *batch = batch_create(NULL);
    result = batch == NULL ? out_of_memory(error) : add_rows(import, batch, error);
    batch_destroy(&batch);
    import_close(&import);
    return result;
}

static void fail_each(enum result (*run)(struct error *))
{
    for (long nth = 0; nth < 10000; nth++) {
        struct error error = {.text = ""};
        has_failed = false;
        until_failure = nth;
        enum result result = run(&error);
        until_failure = -1;
        if (!has_failed) {
            CU_ASSERT_EQUAL(result, RESULT_OK);
            CU_ASSERT(nth > 3);
            return;
        }
        CU_ASSERT_EQUAL(result, RESULT_NO_MEMORY);
        CU_ASSERT_STRING_EQUAL(error.text, "out of memory");
    }
    CU_FAIL("it never ends");
}

#define LISTEN \
    "{\"listened_at\":1600000000,\"track_metadata\":{\"track_name\":\"\\u0054\"," \
    "\"artist_name\":\"A\",\"release_name\":\"R\",\"x\":1,\"additional_info\":{" \
    "\"duration\":\"5\",\"tags\":\"t\",\"submission_client\":\"\\u0063\"," \
    "\"artist_mbids\":[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\"]," \
    "\"recording_mbid\":\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\"," \
    "\"a\":{\"b\":{\"c\":1}}}}}"

static void submissions(void)
{
    body = "{\"listen_type\":\"import\",\"payload\":[" LISTEN "," LISTEN "]}";
    fail_each(parse_submission);
}

static void listenbrainz(void)
{
    path = fixture_text("history", LISTEN "\n" LISTEN "\n");
    fail_each(import_into_batch);
}

static void spotify(void)
{
    path = fixture_text("history", "[{\"ts\":\"2023-05-04T23:08:57Z\",\"ms_played\":60000,"
                                   "\"master_metadata_track_name\":\"T\","
                                   "\"master_metadata_album_artist_name\":\"\xc3\x84\"}]");
    fail_each(import_into_batch);
}

static void lastfm1k(void)
{
    path = fixture_text("history", "user_1\t2009-05-04T23:08:57Z\t\tA\t\tT\n"
                                   "user_1\t2009-05-04T23:09:57Z\t\tB\t\tT\n");
    fail_each(import_into_batch);
}

static void zips(void)
{
    const struct fixture_member members[] = {{"listens/2020/9.jsonl", slice_text(LISTEN)}};
    path = fixture_zip("history.zip", members, 1);
    fail_each(import_into_batch);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(submissions),
        UNIT_TEST(listenbrainz),
        UNIT_TEST(spotify),
        UNIT_TEST(lastfm1k),
        UNIT_TEST(zips),
    };
    fixture_begin();
    int status = unit_run("shortage", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
