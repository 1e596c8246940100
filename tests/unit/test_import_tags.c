/* Tables of tags: headers, how artists are named, weights, and what is made of bad lines. */
#include "unit.h"

#include "base/buffer.h"
#include "base/text.h"
#include "import/input.h"
#include "import/tags.h"
#include "import_fixture.h"
#include "listen/listen.h"

#include <stdio.h>

#define MBID "f1b1cf71-bd35-4e99-8624-24a6e15f133a"

/* What came of a table: a letter for each line, r(ow), s(kipped) or x (refused), and the last of
 * each. */
static struct {
    char lines[64];
    struct error error; /* of the last refused */
    int64_t line;
    char artist[UUID_TEXT_SIZE];
    char tag[80], weight[40];
} outcome;

static void keep_row(const struct tags_row *row)
{
    text_format_uuid(row->artist, outcome.artist);
    snprintf(outcome.tag, sizeof outcome.tag, "%.*s", SLICE_ARGS(row->tag));
    snprintf(outcome.weight, sizeof outcome.weight, "%.*s", SLICE_ARGS(row->weight));
}

static void read_table(struct slice content)
{
    static const char letters[] = {[TAGS_ROW] = 'r', [TAGS_SKIPPED] = 's', [TAGS_REFUSED] = 'x'};
    struct tags *tags;
    enum tags_line line = TAGS_END;
    memset(&outcome, 0, sizeof outcome);
    CU_ASSERT_EQUAL_FATAL(
        tags_open(fixture_file("tags", content), &tags, &outcome.error), RESULT_OK);
    for (size_t i = 0; i < sizeof outcome.lines - 1; i++) {
        struct tags_row row;
        struct error error;
        CU_ASSERT_EQUAL_FATAL(tags_next(tags, &line, &row, &error), RESULT_OK);
        if (line == TAGS_END) {
            break;
        }
        outcome.lines[i] = letters[line];
        if (line == TAGS_ROW) {
            keep_row(&row);
        }
        if (line == TAGS_REFUSED) {
            outcome.error = error;
            outcome.line = tags_line_number(tags);
        }
    }
    tags_close(&tags);
}

static void check(const char *content, const char *lines)
{
    read_table(slice_text(content));
    if (strcmp(outcome.lines, lines) != 0) {
        printf("# %s: %s\n", outcome.lines, outcome.error.text);
    }
    CU_ASSERT_STRING_EQUAL(outcome.lines, lines);
}

static void headers(void)
{
    check("Artist\tTag\tWeight\nA\tx\t2\n", "r");
    check("artist_mbid\tgenre\r\nA\tx\r\n", "r");
    CU_ASSERT_STRING_EQUAL(outcome.tag, "x");
    check("\xef\xbb\xbfmbid\ttag\tcount\n" MBID "\tx", "r");
    check("Tag Name\tArtist Name\nx\tA\nx\n", "rx");
    CU_ASSERT_STRING_EQUAL(outcome.tag, "x");
    check("TAG_COUNT\t Artist_Name \tGenre\n12\tA\tx\n12\tA\n", "rx");
    CU_ASSERT_STRING_EQUAL(outcome.tag, "x");
    CU_ASSERT_STRING_EQUAL(outcome.weight, "12");
    /* Tags may be called so. */
    check("artist\ttagged\t2\nA\tx\t2\n", "rr");
    check("A\tx\nartist\ttag\n", "rr");
}

/* Nothing of such a file is taken for what it may not be. */
static void wrong_headers(void)
{
    static const char *const heads[] = {
        "artist", "tag", "weight\ttag", "Artist Name\tcount", "artist\tartist_mbid\ttag",
        "tag\tartist\tgenre", "mbid\ttag\tcount\tmore", "artist\ttag\tcount\tweight",
        "artist\ttag\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\t13\t14\t15\t16",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char content[120];
        struct tags *tags;
        struct tags_row row;
        enum tags_line line;
        struct error error;
        snprintf(content, sizeof content, "%s\nA\tx\n", heads[i]);
        CU_ASSERT_EQUAL_FATAL(tags_open(fixture_file("tags", slice_text(content)), &tags, &error),
                              RESULT_OK);
        CU_ASSERT_EQUAL(tags_next(tags, &line, &row, &error), RESULT_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "should name the columns artist, tag"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, heads[i]));
        tags_close(&tags);
    }
}

static void weights(void)
{
    static const struct {
        const char *weight;
        const char *line;
    } cases[] = {
        {"1", "r"}, {"0.5", "r"}, {"007", "r"}, {".5", "r"}, {"5.", "r"}, {"", "r"}, {" 3 ", "r"},
        {"0", "s"}, {"0.00", "s"}, {"-1", "s"}, {"-0.5", "s"},
        {"-", "x"}, {".", "x"}, {"1e5", "x"}, {"0x10", "x"}, {"nan", "x"}, {"1,5", "x"},
        {"1.2.3", "x"}, {"--1", "x"}, {"1-", "x"}, {"1234567890123456789012345678901", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[80];
        snprintf(content, sizeof content, "A\tx\t%s\n", cases[i].weight);
        check(content, cases[i].line);
    }
    check("A\tx\n", "r");
    CU_ASSERT_STRING_EQUAL(outcome.weight, "1");
    check("A\tx\t2.50\n", "r");
    CU_ASSERT_STRING_EQUAL(outcome.weight, "2.50");
}

/* As listens have them, so that nothing has to be looked up. */
static void artists_by_name(void)
{
    struct arena *arena = arena_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    const struct listen listen = {.artist_name = slice_text("Sigur  R\xc3\xb3s"),
                                  .track_name = slice_text("t")};
    struct listen_ids ids;
    struct listen_keys keys;
    char msid[UUID_TEXT_SIZE];
    CU_ASSERT_EQUAL_FATAL(listen_identify(&listen, arena, &ids, &keys), RESULT_OK);
    text_format_uuid(ids.artist.msid, msid);
    check(" SIGUR RO\xcc\x81S \tx\n", "r");
    CU_ASSERT_STRING_EQUAL(outcome.artist, msid);
    arena_destroy(&arena);
}

static void artists_by_mbid(void)
{
    check("F1B1CF71-BD35-4E99-8624-24A6E15F133A\tx\n", "r");
    CU_ASSERT_STRING_EQUAL(outcome.artist, MBID);
    /* Names may look like it. */
    check("f1b1cf71bd354e99862424a6e15f133a\tx\n", "r");
    CU_ASSERT_STRING_NOT_EQUAL(outcome.artist, MBID);
}

static void bad_lines(void)
{
    check("A\nA\tb\tc\td\n\tb\n \tb\nA\tx\n\n  \nA\t\"y\"\n", "xxxxrr");
    CU_ASSERT_STRING_EQUAL(outcome.tag, "\"y\"");
    CU_ASSERT_EQUAL(outcome.line, 4);
    check("A\tx\nA\t\xff\xfe\n", "rx");
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "the line is not UTF-8 text");
    static const char zero[] = "A\tx\nA\ty\0z\nA\tx\n";
    read_table(slice_of(zero, sizeof zero - 1));
    CU_ASSERT_STRING_EQUAL(outcome.lines, "rxr");
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "the line holds a zero byte");
}

static void long_lines(void)
{
    static const size_t sizes[] = {10237, 10238, 1 << 20, INPUT_RECORD_MAX_BYTES + 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer text = BUFFER_EMPTY;
        buffer_append_text(&text, "A\tx\nA\t");
        char *room = buffer_reserve(&text, sizes[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        memset(room, 'y', sizes[i]);
        buffer_grown(&text, sizes[i]);
        buffer_append_text(&text, "\t\nA\tx\n");
        read_table(buffer_slice(&text));
        CU_ASSERT_STRING_EQUAL(outcome.lines, i == 0 ? "rrr" : "rxr");
        CU_ASSERT_EQUAL(outcome.line, i == 0 ? 0 : 2);
        buffer_free(&text);
    }
}

static void files_of_a_zip(void)
{
    const struct fixture_member members[] = {
        {"a.tsv", slice_text("artist\ttag\nA\tx\n")},
        {"b.tsv", slice_text("artist\ttag\nA\n")},
    };
    struct tags *tags;
    struct tags_row row;
    enum tags_line line;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(tags_open(fixture_zip("tags.zip", members, 2), &tags, &error), RESULT_OK);
    CU_ASSERT_EQUAL(tags_next(tags, &line, &row, &error), RESULT_OK);
    CU_ASSERT_EQUAL(line, TAGS_ROW);
    CU_ASSERT_EQUAL(tags_next(tags, &line, &row, &error), RESULT_OK);
    CU_ASSERT_EQUAL(line, TAGS_REFUSED);
    CU_ASSERT_STRING_EQUAL(tags_file(tags), "b.tsv");
    CU_ASSERT_EQUAL(tags_line_number(tags), 2);
    CU_ASSERT_EQUAL(tags_next(tags, &line, &row, &error), RESULT_OK);
    CU_ASSERT_EQUAL(line, TAGS_END);
    tags_close(&tags);
    CU_ASSERT_PTR_NULL(tags);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(headers),
        UNIT_TEST(wrong_headers),
        UNIT_TEST(weights),
        UNIT_TEST(artists_by_name),
        UNIT_TEST(artists_by_mbid),
        UNIT_TEST(bad_lines),
        UNIT_TEST(long_lines),
        UNIT_TEST(files_of_a_zip),
    };
    fixture_begin();
    int status = unit_run("import/tags", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
