/* Scrobbles as CSV and TSV: headers, quotes, and what is made of bad rows. */
#include "unit.h"

#include "import_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define A_MBID "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
#define R_MBID "21edd09a-5e80-41c9-b2d5-5cf28e847112"
#define T_MBID "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"

#define GHAN "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
#define FOUR "artist,album,track,uts\n"
#define LAST "A,B,C,1241478537\n"

static struct fixture_outcome outcome;

static void check(const char *text, int listens, int skipped, int refused)
{
    const struct import_options options = {.source_user = "me"};
    outcome = fixture_read(fixture_text("history", text), &options);
    bool right = outcome.result == RESULT_OK && outcome.listens == listens
                 && outcome.skipped == skipped && outcome.refused == refused
                 && strcmp(outcome.format, "Last.fm scrobbles (CSV or TSV)") == 0;
    if (!right) {
        printf("# %s: %d listens, %d skipped, %d refused: %s\n", outcome.format, outcome.listens,
               outcome.skipped, outcome.refused, outcome.error.text);
    }
    CU_ASSERT(right);
}

static bool is(const char *artist, const char *release, const char *track)
{
    return slice_is(outcome.last.artist_name, artist)
           && slice_is(outcome.last.release_name, release)
           && slice_is(outcome.last.track_name, track);
}

static void known_columns(void)
{
    check("\xef\xbb\xbf" GHAN "1241478537,\"04 May 2009, 23:08\",Weill," A_MBID ",\"Disc, one\"," R_MBID
          ",\"The \"\"Song\"\"\"," T_MBID "\r\n", 1, 0, 0);
    CU_ASSERT(is("Weill", "Disc, one", "The \"Song\""));
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1241478537);
    CU_ASSERT(slice_is(outcome.last.info,
                       "{\"artist_mbids\":[\"" A_MBID "\"],\"track_mbid\":\"" T_MBID
                       "\",\"release_mbid\":\"" R_MBID "\"}"));
}

static void archive_of_tabs(void)
{
    check("album\talbum_mbid\tartist\tartist_mbid\tartist_url\tdatetime\tdatetime_unix\tid\tmbid\t"
          "name\turl\nB\t\"\"\tA\t\"\"\thttps://x/A\t2009-05-04 23:08:57Z\t1241478537\tq\t\"\"\t"
          "\"C - 12\"\" Mix\"\thttps://x/C\n", 1, 0, 0);
    CU_ASSERT(is("A", "B", "C - 12\" Mix"));
    CU_ASSERT(slice_is(outcome.last.info,
                       "{\"origin_url\":\"https://x/C\",\"artist_url\":\"https://x/A\"}"));
}

static void four_columns_without_header(void)
{
    check("A,B,C,\nA,B,C,04 May 2009 23:08\nD,,E,5 May 2009 23:08\n", 2, 1, 0);
    CU_ASSERT(is("D", "", "E"));
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1241478480 + 86400);
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "playing now, or without a time");
}

static void other_columns_in_any_order(void)
{
    check("# notes\nTrack Name;Duration MS;Listened At;Mood;Artist Name;Track Number;Loved;Player\n"
          "C;245000;2009-05-04T23:08:57.5+00:00;calm;A;7;1;p\n", 1, 0, 0);
    CU_ASSERT(is("A", "", "C"));
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1241478537);
    CU_ASSERT_EQUAL(outcome.last.duration_ms, 245000);
    CU_ASSERT(slice_is(outcome.last.info, "{\"duration_ms\":245000,\"tracknumber\":7,\"loved\":true,"
                                          "\"Mood\":\"calm\",\"Player\":\"p\"}"));
    check("Artist;Album;AlbumId;Track;Date#me\nA;B;;C;1241478537000\n", 1, 0, 0);
    CU_ASSERT(is("A", "B", "C"));
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1241478537);
}

static void one_persons_rows(void)
{
    static const char text[] = "user,artist,track,time\nme,A,C,1241478537\nyou,A,C,1241478537\n";
    check(text, 1, 1, 0);
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "another listener's");
    outcome = fixture_read(fixture_text("history", text), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_INVALID);
    CU_ASSERT_STRING_EQUAL(outcome.error.text,
                           "the file may hold listens of several people: say whose to import with "
                           "--source-user, or source_user over HTTP (the first is me)");
}

static void line_ends_within_quotes(void)
{
    check(FOUR "A,\"B\nb\",\"C\r\nc\",1241478537\n" LAST, 2, 0, 0);
    check(FOUR "A,\"B\nb\",\"C\r\nc\",1241478537", 1, 0, 0);
    CU_ASSERT(is("A", "B\nb", "C\r\nc"));
    check(FOUR "A,\"B\nb\",C,1241478537\nx\n", 1, 0, 1); /* lines count, not rows */
    CU_ASSERT_EQUAL(outcome.line, 4);
}

static void stray_quotes_swallow_nothing(void)
{
    check(FOUR "A,\"Heroes\" (live),C,1241478537\n", 1, 0, 0);
    CU_ASSERT(is("A", "\"Heroes\" (live)", "C"));
    check(FOUR "A,\"B,C,1241478537\n", 1, 0, 0);
    CU_ASSERT(is("A", "\"B", "C"));
    check(FOUR "A,\"B,C,1241478537\n" LAST "A,\"B\",C,1241478537\n" LAST, 4, 0, 0);
    check(FOUR "\"A,B,C,1241478537\nA,B,\"C\",1241478537\n" LAST, 3, 0, 0);
    check(FOUR "A,B,\"C\n" LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST, 10, 0, 1);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "4 columns are expected, there are 3");
    CU_ASSERT_EQUAL(outcome.line, 2);
}

static void bad_rows(void)
{
    static const struct {
        const char *row;
        const char *text;
    } rows[] = {
        {"A,B,C", "4 columns are expected, there are 3"},
        {"A,B,C,1241478537,", "4 columns are expected, there are 5"},
        {"A,B,C,noon", "uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {"A,B,C,31 Feb 2009 10:00",
         "uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {"A,B,C,99999999999999999999",
         "uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {",B,C,1241478537", "artist must be a text that is not empty"},
        {"A,B,\"\",1241478537", "track must be a text that is not empty"},
        {"A,B\xe9,C,1241478537", "the line is not UTF-8"},
        {"A,B,C,5", "Value for key listened_at is too low. listened_at timestamp should be greater"
                    " than 1033410600 (2002-10-01 00:00:00 UTC)."},
        {"A,B,C,4000000000", "Value for key listened_at is too high."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        snprintf(text, sizeof text, FOUR LAST "%s\n" LAST, rows[i].row);
        check(text, 2, 0, 1);
        CU_ASSERT_STRING_EQUAL(outcome.error.text, rows[i].text);
        CU_ASSERT_EQUAL(outcome.line, 3);
    }
    check(GHAN "1241478537,,A,x,B,,C,\n", 0, 0, 1);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "artist_mbids MBID format invalid.");
    check("artist,track,time,duration\nA,C,1241478537,9223372036854775807\n", 0, 0, 1);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "Value for duration is too large, max permitted"
                                               " value is 2073600");
}

static void zero_bytes(void)
{
    static const char text[] = FOUR "A,B,C\0c,1241478537\n" LAST;
    outcome = fixture_read(fixture_file("history", slice_of(text, sizeof text - 1)), NULL);
    CU_ASSERT_EQUAL(outcome.listens, 1);
    CU_ASSERT_EQUAL(outcome.refused, 1);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "C\\u0000c contains a unicode null");
}

static void long_names(void)
{
    static char text[1000100];
    int start = snprintf(text, sizeof text, FOUR LAST "A,B,");
    memset(text + start, 'x', 1000000);
    snprintf(text + start + 1000000, sizeof text - (size_t)start - 1000000, ",1241478537\n" LAST);
    check(text, 2, 0, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.error.text, "bytes, at most 10240 are allowed"));
    CU_ASSERT_EQUAL(outcome.line, 3);
}

/* Quotes that open and never close, on every line: each is read for itself, and in good time. */
static void a_quote_on_every_line(void)
{
    static const char line[] = "\"A,B,C,1241478537\n";
    enum { lines = 20000 };
    size_t size = sizeof FOUR - 1;
    char *text = malloc(size + lines * sizeof line);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(text, FOUR, size);
    for (int i = 0; i < lines; i++) {
        memcpy(text + size, line, sizeof line - 1);
        size += sizeof line - 1;
    }
    outcome = fixture_read(fixture_file("history", slice_of(text, size)), NULL);
    CU_ASSERT_EQUAL(outcome.listens, lines);
    CU_ASSERT(is("\"A", "B", "C"));
    free(text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(known_columns),
        UNIT_TEST(archive_of_tabs),
        UNIT_TEST(four_columns_without_header),
        UNIT_TEST(other_columns_in_any_order),
        UNIT_TEST(one_persons_rows),
        UNIT_TEST(line_ends_within_quotes),
        UNIT_TEST(stray_quotes_swallow_nothing),
        UNIT_TEST(bad_rows),
        UNIT_TEST(zero_bytes),
        UNIT_TEST(long_names),
        UNIT_TEST(a_quote_on_every_line),
    };
    fixture_begin();
    int status = unit_run("tables", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
