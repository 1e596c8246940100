/* What is made of Last.fm's answers. */
#include "unit.h"

#include "import_fixture.h"

#include <stdio.h>

#define A_MBID "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
#define R_MBID "21edd09a-5e80-41c9-b2d5-5cf28e847112"
#define T_MBID "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"

#define TRACK(artist, name, more) \
    "{\"artist\":{\"mbid\":\"\"," artist "},\"streamable\":\"0\",\"image\":[{\"size\":\"small\"," \
    "\"#text\":\"\"}],\"mbid\":\"\",\"album\":{\"mbid\":\"\",\"#text\":\"\"},\"name\":" name more "}"
#define DATED(uts) ",\"date\":{\"uts\":" uts ",\"#text\":\"04 May 2009, 23:08\"}"
#define GOOD TRACK("\"#text\":\"Weill\"", "\"Song\"", DATED("\"1241478537\""))
#define NOW TRACK("\"#text\":\"Weill\"", "\"Song\"", ",\"@attr\":{\"nowplaying\":\"true\"}")

static struct fixture_outcome outcome;

static void check(const char *text, int listens, int skipped, int refused, const char *format)
{
    outcome = fixture_read(fixture_text("history", text), NULL);
    bool right = outcome.result == RESULT_OK && outcome.listens == listens
                 && outcome.skipped == skipped && outcome.refused == refused
                 && strcmp(outcome.format, format) == 0;
    if (!right) {
        printf("# %s: %d listens, %d skipped, %d refused: %s\n", outcome.format, outcome.listens,
               outcome.skipped, outcome.refused, outcome.error.text);
    }
    CU_ASSERT(right);
}

static void shapes(void)
{
    check("[{\"track\":[" NOW "," GOOD "," GOOD "]},{\"track\":[" GOOD "],\"@attr\":{}}]", 3, 1, 0,
          "Last.fm export (JSON array of pages)");
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "playing now");
    check("{\"@attr\":{\"page\":\"1\"},\"track\":[" GOOD "]}", 1, 0, 0,
          "Last.fm export (one JSON page)");
    check("{\"recenttracks\":{\"@attr\":{},\"track\":[" NOW "," GOOD "]}}", 1, 1, 0,
          "Last.fm API answer (JSON)");
    check("[{\"recenttracks\":{\"track\":[" GOOD "]}},{\"recenttracks\":{\"track\":[]}}]", 1, 0, 0,
          "Last.fm API answers (JSON array)");
}

static void one_track_without_its_list(void)
{
    check("[{\"track\":[" GOOD "]},{\"track\":" GOOD "},{\"track\":[" GOOD "]}]", 3, 0, 0,
          "Last.fm export (JSON array of pages)");
    check("{\"recenttracks\":{\"track\":" GOOD ",\"@attr\":{}}}", 1, 0, 0,
          "Last.fm API answer (JSON)");
}

static void all_fields(void)
{
    check("[{\"track\":[{\"artist\":{\"url\":\"x\",\"name\":\"Fr\\u00e9d\",\"mbid\":\"" A_MBID "\"},"
          "\"date\":{\"uts\":\"1241478537\"},\"loved\":\"1\",\"duration\":\"245\",\"mbid\":\"" T_MBID
          "\",\"name\":\"Song\",\"url\":\"https://www.last.fm/x\",\"album\":{\"#text\":\"Disc\","
          "\"mbid\":\"" R_MBID "\"}}]}]", 1, 0, 0, "Last.fm export (JSON array of pages)");
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1241478537);
    CU_ASSERT(slice_is(listen->artist_name, "Fr\xc3\xa9" "d"));
    CU_ASSERT(slice_is(listen->track_name, "Song"));
    CU_ASSERT(slice_is(listen->release_name, "Disc"));
    CU_ASSERT(slice_is(listen->client, "Refrain importer"));
    CU_ASSERT(slice_is(listen->artist_mbids, "{" A_MBID "}"));
    CU_ASSERT(slice_is(listen->release_mbid, R_MBID));
    CU_ASSERT_EQUAL(listen->duration_ms, 245000);
    CU_ASSERT(slice_is(listen->info,
                       "{\"music_service\":\"last.fm\",\"duration\":245,\"artist_mbids\":[\"" A_MBID
                       "\"],\"track_mbid\":\"" T_MBID "\",\"release_mbid\":\"" R_MBID
                       "\",\"loved\":true,\"origin_url\":\"https://www.last.fm/x\"}"));
}

static void durations_in_either_unit(void)
{
    check("[{\"track\":[" TRACK("\"#text\":\"a\"", "\"t\"",
                                DATED("\"1241478537\"") ",\"duration\":245000") "]}]", 1, 0, 0,
          "Last.fm export (JSON array of pages)");
    CU_ASSERT_EQUAL(outcome.last.duration_ms, 245000);
    check("[{\"track\":[" TRACK("\"#text\":\"a\"", "\"t\"",
                                DATED("\"1241478537\"") ",\"duration\":\"0\"") "]}]", 1, 0, 0,
          "Last.fm export (JSON array of pages)");
    CU_ASSERT(slice_is(outcome.last.info, "{\"music_service\":\"last.fm\"}"));
}

static void spelt_time_where_there_is_no_other(void)
{
    check("[{\"track\":[" TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"\"")) "]}]", 1, 0, 0,
          "Last.fm export (JSON array of pages)");
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1241478480);
}

static void bad_rows(void)
{
    static const struct {
        const char *row;
        const char *text;
    } rows[] = {
        {"5", "a play must be a JSON object"},
        {"{}", "date.uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {TRACK("\"#text\":\"a\"", "\"t\"", ""),
         "date.uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"99999999999999999999\"")),
         "date.uts must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {TRACK("\"#text\":\"\"", "\"t\"", DATED("\"1241478537\"")),
         "artist.#text (or artist.name) must be a text that is not empty"},
        {TRACK("\"#text\":\"a\"", "null", DATED("\"1241478537\"")),
         "name must be a text that is not empty"},
        {TRACK("\"#text\":\"a\"", "\" \"", DATED("\"1241478537\"")),
         "field track_metadata.track_name is empty."},
        {TRACK("\"#text\":\"a\\u0000\"", "\"t\"", DATED("\"1241478537\"")),
         "a\\u0000 contains a unicode null"},
        {TRACK("\"#text\":\"B\xe9la\"", "\"t\"", DATED("\"1241478537\"")),
         "the JSON is broken: byte 32: expected well-formed UTF-8"},
        {TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"5\"")),
         "Value for key listened_at is too low. listened_at timestamp should be greater than"
         " 1033410600 (2002-10-01 00:00:00 UTC)."},
        {TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"4000000000\"")),
         "Value for key listened_at is too high."},
        {TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"1241478537\"") ",\"mbid\":\"x\""),
         "track_mbid MBID format invalid."},
        {TRACK("\"#text\":\"a\"", "\"t\"", DATED("\"1241478537\"") ",\"duration\":\"long\""),
         "Value for duration is invalid, should be a positive integer."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2000];
        snprintf(text, sizeof text, "[{\"track\":[" GOOD ",%s," GOOD "]}]", rows[i].row);
        check(text, 2, 0, 1, "Last.fm export (JSON array of pages)");
        CU_ASSERT_STRING_EQUAL(outcome.error.text, rows[i].text);
        CU_ASSERT_EQUAL(outcome.line, 2);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(shapes),
        UNIT_TEST(one_track_without_its_list),
        UNIT_TEST(all_fields),
        UNIT_TEST(durations_in_either_unit),
        UNIT_TEST(spelt_time_where_there_is_no_other),
        UNIT_TEST(bad_rows),
    };
    fixture_begin();
    int status = unit_run("lastfm", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
