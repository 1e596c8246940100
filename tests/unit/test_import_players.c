/* Histories of players and of other servers: Audioscrobbler logs, Maloja, Koito. */
#include "unit.h"

#include "import_fixture.h"

#include <stdio.h>

#define A_MBID "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
#define B_MBID "21edd09a-5e80-41c9-b2d5-5cf28e847112"
#define T_MBID "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"

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

struct bad {
    const char *row;
    const char *text;
};

/* A bad row between two good ones, in a file that begins, goes on and ends like this. */
static void check_bad(const struct bad *bad, const char *const around[3], const char *good,
                      int64_t line, const char *format)
{
    char text[4000];
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", around[0], good, around[1], bad->row, around[1],
             good, around[2]);
    check(text, 2, 0, 1, format);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, bad->text);
    CU_ASSERT_EQUAL(outcome.line, line);
}

/* ── Audioscrobbler ── */

#define LOG "Audioscrobbler log (.scrobbler.log)"
#define HEAD \
    "#AUDIOSCROBBLER/1.1\n#TZ/UNKNOWN\n#CLIENT/Rockbox sansa $Revision$\n" \
    "#ARTIST\t#ALBUM\t#TITLE\t#TRACKNUM\t#LENGTH\t#RATING\t#TIMESTAMP\t#MUSICBRAINZ_TRACKID\n"
#define HEARD "A\tB\tC\t7\t245\tL\t1241478537\t" T_MBID

static void log_1_1(void)
{
    check(HEAD HEARD "\nA\tB\tC\t7\t245\tS\t1241478537\t\n" HEARD "\r\n", 2, 1, 0, LOG);
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "skipped by the listener");
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1241478537);
    CU_ASSERT(slice_is(listen->artist_name, "A"));
    CU_ASSERT(slice_is(listen->release_name, "B"));
    CU_ASSERT(slice_is(listen->track_name, "C"));
    CU_ASSERT_EQUAL(listen->duration_ms, 245000);
    CU_ASSERT(slice_is(listen->recording_mbid, T_MBID));
    CU_ASSERT(slice_is(listen->info,
                       "{\"original_submission_client\":\"Rockbox sansa\",\"duration\":245,"
                       "\"tracknumber\":7,\"recording_mbid\":\"" T_MBID "\"}"));
}

static void log_1_0(void)
{
    check("#AUDIOSCROBBLER/1.0\r\n#TZ/UTC\r\n#CLIENT/\r\n#1 Dads\t\tC\t\t0\tL\t1241478537\r\n", 1, 0,
          0, LOG);
    CU_ASSERT(slice_is(outcome.last.artist_name, "#1 Dads"));
    CU_ASSERT_EQUAL(outcome.last.info.size_bytes, 0);
}

static void logs_put_together(void)
{
    check(HEAD HEARD "\n#AUDIOSCROBBLER/1.0\n#TZ/UTC\n#CLIENT/Other\n" HEARD "\n", 2, 3, 0, LOG);
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "a note of the player");
    CU_ASSERT(memmem(outcome.last.info.data, outcome.last.info.size_bytes, "\"Other\"", 7) != NULL);
}

static void log_refuses_bad_rows(void)
{
    static const char *const around[] = {HEAD, "\n", "\n"};
    static const struct bad rows[] = {
        {"A\tB\tC\t7\t245\tL", "7 or 8 columns parted by tabs are expected, there are 6"},
        {HEARD "\t", "7 or 8 columns parted by tabs are expected, there are 9"},
        {"A\tB\tC\t7\t245\tX\t1241478537\t",
         "the sixth column must be L (listened to) or S (skipped)"},
        {"A\tB\tC\t7\t245\tL\t\t",
         "the seventh column must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {"\tB\tC\t7\t245\tL\t1241478537\t",
         "the first column, the artist, must be a text that is not empty"},
        {"A\tB\t\t7\t245\tL\t1241478537\t",
         "the third column, the track, must be a text that is not empty"},
        {"<Untagged>\t\tC.mp3\t\t245\tL\t1241478537\t",
         "the player knew no artist, it wrote <Untagged>"},
        {"A\tB\xe9\tC\t7\t245\tL\t1241478537\t", "the line is not UTF-8"},
        {"A\tB\tC\t7\t-5\tL\t1241478537\t",
         "Value for duration is invalid, should be a positive integer."},
        {"A\tB\tC\t7\t245\tL\t946684800\t",
         "Value for key listened_at is too low. listened_at timestamp should be greater than"
         " 1033410600 (2002-10-01 00:00:00 UTC)."},
        {"A\tB\tC\t7\t245\tL\t1241478537\tx", "recording_mbid MBID format invalid."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_bad(&rows[i], around, HEARD, 6, LOG);
    }
}

/* ── Maloja ── */

#define MALOJA "Maloja export (JSON)"
#define SCROBBLES "{\"maloja\":{\"export_time\":1748738994},\"scrobbles\":["
#define SCROBBLE(time, track) \
    "{\"time\":" time ",\"track\":" track ",\"duration\":null,\"origin\":\"legacy\"}"
#define PLAIN SCROBBLE("1241478537", "{\"artists\":[\"A\"],\"title\":\"C\",\"length\":null}")

static void maloja_fields(void)
{
    check(SCROBBLES "{\"time\":1241478537,\"track\":{\"artists\":[\"A\",\"B\"],\"title\":\"C\",\"album\":"
          "{\"artists\":[\"A\"],\"albumtitle\":\"D\"},\"length\":245},\"duration\":200,"
          "\"origin\":\"client:turntable\"}]}", 1, 0, 0, MALOJA);
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1241478537);
    CU_ASSERT(slice_is(listen->artist_name, "A, B"));
    CU_ASSERT(slice_is(listen->track_name, "C"));
    CU_ASSERT(slice_is(listen->release_name, "D"));
    CU_ASSERT_EQUAL(listen->duration_ms, 245000);
    CU_ASSERT(slice_is(listen->info,
                       "{\"original_submission_client\":\"turntable\",\"duration\":245,"
                       "\"duration_played\":200,\"release_artist_name\":\"A\","
                       "\"artist_names\":[\"A\",\"B\"]}"));
}

static void maloja_older_shapes(void)
{
    check("{\"scrobbles\":[" PLAIN ",{\"time\":1241478537,\"track\":{\"artists\":\"A\",\"title\":"
          "\"C\",\"album\":null}}]}", 2, 0, 0, MALOJA);
    CU_ASSERT(slice_is(outcome.last.artist_name, "A"));
    CU_ASSERT_EQUAL(outcome.last.release_name.size_bytes, 0);
    CU_ASSERT_EQUAL(outcome.last.info.size_bytes, 0);
}

static void maloja_refuses_bad_rows(void)
{
    static const char *const around[] = {SCROBBLES, ",", "]}"};
    static const struct bad rows[] = {
        {"[]", "a play must be a JSON object"},
        {"{\"time\":1241478537}", "track.artists[0] must be a text that is not empty"},
        {SCROBBLE("\"x\"", "{\"artists\":[\"A\"],\"title\":\"C\"}"),
         "time must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {SCROBBLE("1241478537", "{\"artists\":[],\"title\":\"C\"}"),
         "track.artists[0] must be a text that is not empty"},
        {SCROBBLE("1241478537", "{\"artists\":[\"A\"],\"title\":{}}"),
         "track.title must be a text that is not empty"},
        {SCROBBLE("1241478537", "{\"artists\":[\"A\\u0000\"],\"title\":\"C\"}"),
         "A\\u0000 contains a unicode null"},
        {SCROBBLE("1241478537", "{\"artists\":[\"A\"],\"title\":\"C\",\"length\":1e400}"),
         "Value for duration is invalid, should be a positive integer."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_bad(&rows[i], around, PLAIN, 2, MALOJA);
    }
}

/* ── Koito ── */

#define KOITO "Koito export (JSON)"
#define ALIAS(name, primary) "{\"alias\":\"" name "\",\"source\":\"x\",\"is_primary\":" primary "}"
#define LISTEN(time, track, album, artists) \
    "{\"listened_at\":\"" time "\",\"client\":\"\",\"track\":" track ",\"album\":" album \
    ",\"artists\":" artists "}"
#define NAMED(name) "{\"mbid\":null,\"duration\":0,\"aliases\":[" ALIAS(name, "true") "]}"
#define HEARD_THERE \
    LISTEN("2009-05-04T23:08:57Z", NAMED("C"), NAMED("D"), "[" NAMED("A") "]")
#define LISTENS "{\"version\":\"1\",\"exported_at\":\"2025-06-18T12:56:53Z\",\"listens\":["

static void koito_fields(void)
{
    check(LISTENS "{\"listened_at\":\"2009-05-04T23:08:57Z\",\"client\":\"player\",\"track\":{\"mbid\":"
          "\"" T_MBID "\",\"duration\":245,\"aliases\":[" ALIAS("c", "false") "," ALIAS("C", "true")
          "]},\"album\":{\"image_url\":\"x\",\"mbid\":\"" B_MBID "\",\"aliases\":["
          ALIAS("D", "false") "],\"various_artists\":true},\"artists\":[{\"mbid\":\"" A_MBID
          "\",\"is_primary\":true,\"aliases\":[" ALIAS("A", "true") "]}," NAMED("B") "]}]}",
          1, 0, 0, KOITO);
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1241478537);
    CU_ASSERT(slice_is(listen->artist_name, "A, B"));
    CU_ASSERT(slice_is(listen->track_name, "C"));
    CU_ASSERT(slice_is(listen->release_name, "D"));
    CU_ASSERT_EQUAL(listen->duration_ms, 245000);
    CU_ASSERT(slice_is(listen->recording_mbid, T_MBID));
    CU_ASSERT(slice_is(listen->release_mbid, B_MBID));
    CU_ASSERT(slice_is(listen->info,
                       "{\"original_submission_client\":\"player\",\"duration\":245,"
                       "\"release_artist_name\":\"Various Artists\",\"artist_names\":[\"A\",\"B\"],"
                       "\"artist_mbids\":[\"" A_MBID "\"],\"recording_mbid\":\"" T_MBID
                       "\",\"release_mbid\":\"" B_MBID "\"}"));
}

static void koito_without_client(void)
{
    check(LISTENS HEARD_THERE "]}", 1, 0, 0, KOITO);
    CU_ASSERT(slice_is(outcome.last.artist_name, "A"));
    CU_ASSERT_EQUAL(outcome.last.info.size_bytes, 0);
}

static void koito_refuses_bad_rows(void)
{
    static const char *const around[] = {LISTENS, ",", "]}"};
    static const struct bad rows[] = {
        {"null", "a play must be a JSON object"},
        {LISTEN("today", NAMED("C"), NAMED("D"), "[" NAMED("A") "]"),
         "listened_at must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {LISTEN("2009-05-04T23:08:57Z", NAMED("C"), NAMED("D"), "[]"),
         "artists[0].aliases[0].alias must be a text that is not empty"},
        {LISTEN("2009-05-04T23:08:57Z", "{\"aliases\":[]}", NAMED("D"), "[" NAMED("A") "]"),
         "track.aliases[0].alias must be a text that is not empty"},
        {LISTEN("2009-05-04T23:08:57Z", "{\"mbid\":\"x\",\"aliases\":[{\"alias\":\"C\"}]}",
                NAMED("D"), "[" NAMED("A") "]"), "recording_mbid MBID format invalid."},
        {LISTEN("2999-05-04T23:08:57Z", NAMED("C"), NAMED("D"), "[" NAMED("A") "]"),
         "Value for key listened_at is too high."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_bad(&rows[i], around, HEARD_THERE, 2, KOITO);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(log_1_1),
        UNIT_TEST(log_1_0),
        UNIT_TEST(logs_put_together),
        UNIT_TEST(log_refuses_bad_rows),
        UNIT_TEST(maloja_fields),
        UNIT_TEST(maloja_older_shapes),
        UNIT_TEST(maloja_refuses_bad_rows),
        UNIT_TEST(koito_fields),
        UNIT_TEST(koito_without_client),
        UNIT_TEST(koito_refuses_bad_rows),
    };
    fixture_begin();
    int status = unit_run("players", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
