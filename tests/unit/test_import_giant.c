/* Records longer than any listen: refused, with what stands before and behind them read. */
#include "unit.h"

#include "base/buffer.h"
#include "import_fixture.h"
#include "import/input.h"

#include <stdio.h>

#define LISTEN "{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"t\","
#define ARTIST "\"artist_name\":\"a\"}}"

static struct fixture_outcome outcome;

/* A listen that so many bytes stand in. */
static void append_giant(struct buffer *text, char c, size_t length)
{
    buffer_append_text(text, LISTEN);
    char *room = buffer_reserve(text, length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    memset(room, c, length);
    buffer_grown(text, length);
    buffer_append_text(text, ARTIST);
}

/* Three listens, of which the second is a giant. */
static const char *make_file(bool is_array, char c, size_t length)
{
    struct buffer text = BUFFER_EMPTY;
    const char *between = is_array ? "," : "\n";
    buffer_append_text(&text, is_array ? "[" : "");
    buffer_append_format(&text, "%s%s", LISTEN ARTIST, between);
    append_giant(&text, c, length);
    buffer_append_format(&text, "%s%s%s", between, LISTEN ARTIST, is_array ? "]" : "");
    const char *path = fixture_file("giant", buffer_slice(&text));
    buffer_free(&text);
    return path;
}

static bool is_refused(int listens, int64_t line)
{
    bool right = outcome.result == RESULT_OK && outcome.listens == listens
                 && outcome.refused == 1 && outcome.line == line
                 && strcmp(outcome.error.text, "it is longer than 16 MiB, as no listen is") == 0;
    if (!right) {
        printf("# %s: %d listens, %d refused, line %d: %s\n", result_name(outcome.result),
               outcome.listens, outcome.refused, (int)outcome.line, outcome.error.text);
    }
    return right;
}

static void giants_are_refused(void)
{
    size_t over = INPUT_RECORD_MAX_BYTES;
    for (int is_array = 0; is_array < 2; is_array++) {
        outcome = fixture_read(make_file(is_array, ' ', over - 200), NULL);
        CU_ASSERT_EQUAL(outcome.listens, 3);
        CU_ASSERT_EQUAL(outcome.refused, 0);
        for (size_t more = 0; more < 3; more++) {
            outcome = fixture_read(make_file(is_array, ' ', over + more * over), NULL);
            CU_ASSERT(is_refused(2, 2));
        }
    }
}

/* Brackets and quotes count on, where nothing is kept. */
static void what_giants_hold_is_no_matter(void)
{
    struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, "[" LISTEN ARTIST ",{\"k\":\"");
    for (size_t at = 0; at < INPUT_RECORD_MAX_BYTES; at += 8) {
        buffer_append_text(&text, "\\\\,]}\\\"[");
    }
    buffer_append_text(&text, "\", \"]\": [1, {\"}\":2}]}," LISTEN ARTIST "]");
    outcome = fixture_read(fixture_file("giant", buffer_slice(&text)), NULL);
    CU_ASSERT(is_refused(2, 2));
    buffer_free(&text);
}

static void a_giant_at_the_end(void)
{
    struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, LISTEN ARTIST "\n");
    append_giant(&text, ' ', 2 * (size_t)INPUT_RECORD_MAX_BYTES);
    outcome = fixture_read(fixture_file("giant", buffer_slice(&text)), NULL);
    CU_ASSERT(is_refused(1, 2));
    buffer_clear(&text);
    buffer_append_text(&text, "[" LISTEN ARTIST ",");
    append_giant(&text, ' ', 2 * (size_t)INPUT_RECORD_MAX_BYTES);
    outcome = fixture_read(fixture_file("giant", buffer_slice(&text)), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.error.text, "the JSON ends too early"));
    buffer_free(&text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(giants_are_refused),
        UNIT_TEST(what_giants_hold_is_no_matter),
        UNIT_TEST(a_giant_at_the_end),
    };
    fixture_begin();
    int status = unit_run("giant", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
