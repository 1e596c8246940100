/* What the formats make of good and bad rows. */
#include "unit.h"

#include "import_fixture.h"

#include <stdio.h>

static struct fixture_outcome outcome;

static void read_text(const char *text)
{
    const struct import_options options = {.source_user = "user_1", .play_min_ms = 30000};
    outcome = fixture_read(fixture_text("history", text), &options);
}

static bool counts(int listens, int skipped, int refused)
{
    bool right = outcome.result == RESULT_OK && outcome.listens == listens
                 && outcome.skipped == skipped && outcome.refused == refused;
    if (!right) {
        printf("# %s: %d listens, %d skipped, %d refused: %s\n", result_name(outcome.result),
               outcome.listens, outcome.skipped, outcome.refused, outcome.error.text);
    }
    return right;
}

static bool told(const char *text)
{
    if (strcmp(outcome.error.text, text) != 0) {
        printf("# %s\n", outcome.error.text);
    }
    return strcmp(outcome.error.text, text) == 0;
}

/* ── ListenBrainz ── */

#define EXPORTED \
    "{\"inserted_at\": 1749780613.9, \"listened_at\": 1749780612, \"user_name\": \"x\", " \
    "\"recording_msid\": \"7ae12054-b489-41c7-9367-f53893a1990d\", \"track_metadata\": {" \
    "\"track_name\": \"Nocturne\", \"artist_name\": \"Maria Szymanowska\", \"mbid_mapping\": " \
    "{\"caa_id\": 1, \"artists\": []}, \"release_name\": \"Nocturnes\", \"recording_msid\": " \
    "\"7ae12054-b489-41c7-9367-f53893a1990d\", \"extra\": [1.0], \"additional_info\": {" \
    "\"duration_ms\": 245000, \"a\": {\"b\": 1.50}, \"recording_msid\": \"x\", " \
    "\"tags\": [\"piano\"], \"submission_client\": \"web\", " \
    "\"recording_mbid\": \"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\"}}}"

#define LOVED \
    "{\"recording_msid\":\"7AE12054-b489-41c7-9367-f53893a1990d\",\"recording_mbid\":null," \
    "\"score\":1,\"created\":1749780612}"

static void listenbrainz_feedback(void)
{
    read_text(EXPORTED "\n" LOVED "\n"
              "{\"recording_mbid\":\"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\",\"score\":-1,"
              "\"created\":\"2025-06-13T02:10:12Z\"}\n");
    CU_ASSERT(counts(1, 0, 0));
    CU_ASSERT_EQUAL(outcome.feedback, 2);
    CU_ASSERT_STRING_EQUAL(outcome.last_feedback.msid, "");
    CU_ASSERT_STRING_EQUAL(outcome.last_feedback.mbid, "08e8f55b-f1a4-46b8-b2d1-fab4c592165c");
    CU_ASSERT_EQUAL(outcome.last_feedback.score, -1);
    CU_ASSERT_EQUAL(outcome.last_feedback.created_s, 1749780612);
    static const struct {
        const char *text;
        const char *reason;
    } bad[] = {
        {"{\"recording_msid\":\"x\",\"score\":1,\"created\":1}",
         "feedback must have a recording_msid or a recording_mbid, a UUID"},
        {"{\"recording_msid\":\"7ae12054-b489-41c7-9367-f53893a1990d\",\"score\":2}",
         "the score of a recording must be 1 or -1"},
        {"{\"recording_msid\":\"7ae12054-b489-41c7-9367-f53893a1990d\",\"score\":1,"
         "\"created\":99999999999}",
         "created must be a time in seconds, from 2002-10-01 to now"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read_text(bad[i].text);
        CU_ASSERT(counts(0, 0, 1));
        CU_ASSERT(told(bad[i].reason));
    }
}

/* What the server has found counts where nothing was sent, and is not kept as if it had been. */
static void listenbrainz_mapping(void)
{
    read_text("{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"t\","
              "\"artist_name\":\"a\",\"mbid_mapping\":{\"recording_mbid\":"
              "\"08E8F55B-f1a4-46b8-b2d1-fab4c592165c\",\"release_mbid\":\"no\",\"artist_mbids\":["
              "\"7ae12054-b489-41c7-9367-f53893a1990d\",\"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\"]},"
              "\"additional_info\":{\"x\":1}}}");
    CU_ASSERT(counts(1, 0, 0));
    const struct listen *listen = &outcome.last;
    CU_ASSERT(slice_is(listen->recording_mbid, "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"));
    CU_ASSERT(slice_is(listen->artist_mbids, "{7ae12054-b489-41c7-9367-f53893a1990d,"
                                             "08e8f55b-f1a4-46b8-b2d1-fab4c592165c}"));
    CU_ASSERT_EQUAL(listen->release_mbid.size_bytes, 0);
    CU_ASSERT(slice_is(listen->info, "{\"x\":1}"));
    read_text("{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"t\","
              "\"artist_name\":\"a\",\"mbid_mapping\":{\"recording_mbid\":"
              "\"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\"},\"additional_info\":{\"recording_mbid\":"
              "\"7ae12054-b489-41c7-9367-f53893a1990d\"}}}");
    CU_ASSERT(slice_is(outcome.last.recording_mbid, "7ae12054-b489-41c7-9367-f53893a1990d"));
}

static void listenbrainz_lines(void)
{
    read_text(EXPORTED "\n\n  \r\n" EXPORTED "\r\n" EXPORTED);
    CU_ASSERT(counts(3, 0, 0));
    CU_ASSERT_STRING_EQUAL(outcome.format, "ListenBrainz export (JSON lines)");
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1749780612);
    CU_ASSERT(slice_is(listen->track_name, "Nocturne"));
    CU_ASSERT(slice_is(listen->artist_name, "Maria Szymanowska"));
    CU_ASSERT(slice_is(listen->release_name, "Nocturnes"));
    CU_ASSERT(slice_is(listen->client, "web"));
    CU_ASSERT_EQUAL(listen->duration_ms, 245000);
    CU_ASSERT(slice_is(listen->recording_mbid, "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"));
    CU_ASSERT(slice_is(listen->info,
                       "{\"duration_ms\":245000,\"a.b\":1.50,\"tags\":[\"piano\"],"
                       "\"recording_mbid\":\"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\"}"));
    CU_ASSERT(slice_is(listen->metadata, "{\"extra\":[1.0]}"));
}

static void listenbrainz_array(void)
{
    read_text("[" EXPORTED ",\n" EXPORTED "\n]\n");
    CU_ASSERT(counts(2, 0, 0));
    CU_ASSERT_STRING_EQUAL(outcome.format, "ListenBrainz export (JSON array)");
    read_text("[\n" EXPORTED ",\n5,\n" EXPORTED "\n]\n");
    CU_ASSERT(counts(2, 0, 1));
    CU_ASSERT_EQUAL(outcome.line, 2);
}

static void listenbrainz_zip(void)
{
    const struct fixture_member members[] = {
        {"listens/", slice_text("")},
        {"user.json", slice_text("{\"user_id\":1,\"username\":\"x\"}")},
        {"feedback.jsonl", slice_text(LOVED "\n")},
        {"listens/2024/12.jsonl", slice_text(EXPORTED "\n" EXPORTED "\n")},
        {"listens/2025/1.jsonl", slice_text("\xef\xbb\xbf" EXPORTED "\nnonsense\n" EXPORTED)},
        {"listens/2025/2.jsonl", slice_text("")},
    };
    outcome = fixture_read(fixture_zip("export.zip", members, 6), NULL);
    CU_ASSERT(counts(4, 2, 1)); /* user.json and the empty file hold no listens */
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "a file of the zip that holds no listens");
    CU_ASSERT_EQUAL(outcome.feedback, 1);
    CU_ASSERT_STRING_EQUAL(outcome.file, "listens/2025/1.jsonl");
    CU_ASSERT_EQUAL(outcome.line, 2);
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "the JSON is broken: byte 1: expected a value");
    const struct fixture_member nested[] = {
        {"somebody_export/listens/2024/12.jsonl", slice_text(EXPORTED)},
    };
    outcome = fixture_read(fixture_zip("nested.zip", nested, 1), NULL);
    CU_ASSERT(counts(1, 0, 0));
}

static void listenbrainz_rows_as_the_api_gives_them(void)
{
    read_text("{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"t\","
              "\"artist_name\":"
              "\"a\",\"release_name\":null,\"additional_info\":{\"recording_msid\":\"x\"}}}\n"
              "{\"playing_now\":true,\"track_metadata\":{\"track_name\":\"t\","
              "\"artist_name\":\"a\"}}\n"
              "{\"listened_at\":1749780613,\"track_metadata\":{\"track_name\":\"t\","
              "\"artist_name\":"
              "\"a\",\"additional_info\":null}}\n");
    CU_ASSERT(counts(2, 1, 0));
    CU_ASSERT_EQUAL(outcome.last.info.size_bytes, 0);
    CU_ASSERT_EQUAL(outcome.last.metadata.size_bytes, 0);
}

static void listenbrainz_refuses_by_the_shared_checks(void)
{
    static const struct {
        const char *row;
        const char *text;
    } rows[] = {
        {"[1]", "a listen must be a JSON object"},
        {"{}", "JSON document must contain the key listened_at at the top level."},
        {"{\"listened_at\":1749780612}",
         "JSON document must contain the key track_metadata at the top level."},
        {"{\"listened_at\":1749780612,\"track_metadata\":null}",
         "JSON document may not have track_metadata with null value."},
        {"{\"listened_at\":5,\"track_metadata\":{\"track_name\":\"t\",\"artist_name\":\"a\"}}",
         "Value for key listened_at is too low. listened_at timestamp should be greater than"
         " 1033410600 (2002-10-01 00:00:00 UTC)."},
        {"{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"\\u0000\","
         "\"artist_name\":"
         "\"a\"}}", "\\u0000 contains a unicode null"},
        {"{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"\xff\"}}",
         "the JSON is broken: byte 59: expected well-formed UTF-8"},
        {"{\"listened_at\":1749780612,\"track_metadata\":{\"tra",
         "the JSON is broken: the text ends after byte 48, where the end of a string was"
         " expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2000];
        snprintf(text, sizeof text, "%s\n%s\n%s\n", EXPORTED, rows[i].row, EXPORTED);
        read_text(text);
        CU_ASSERT(counts(2, 0, 1));
        CU_ASSERT(told(rows[i].text));
        CU_ASSERT_EQUAL(outcome.line, 2);
    }
}

/* ── Spotify ── */

#define PLAY(ts, ms, track, more) \
    "{\"ts\":\"" ts "\",\"ip_addr\":\"192.0.2.1\",\"ms_played\":" ms "," \
    "\"master_metadata_track_name\":" track "," \
    "\"master_metadata_album_artist_name\":\"Fr\\u00e9d\"," \
    "\"master_metadata_album_album_name\":\"Studies\"" more "}"

static void spotify_plays(void)
{
    read_text("[ " PLAY("2023-05-04T23:08:57Z", "61999", "\"Study\"",
                        ",\"spotify_track_uri\":\"spotify:track:3aJ2aJz5xL03hpaqdPS7Ah\","
                        "\"skipped\":true")
              "\n]");
    CU_ASSERT(counts(1, 0, 0));
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1683241737 - 61); /* ts is the end */
    CU_ASSERT(slice_is(listen->track_name, "Study"));
    CU_ASSERT(slice_is(listen->artist_name, "Fr\xc3\xa9" "d"));
    CU_ASSERT(slice_is(listen->release_name, "Studies"));
    CU_ASSERT(slice_is(listen->client, "Refrain importer"));
    CU_ASSERT_EQUAL(listen->duration_ms, 0);
    CU_ASSERT(slice_is(listen->info,
                       "{\"music_service\":\"spotify.com\",\"ms_played\":61999,\"skipped\":true,"
                       "\"spotify_id\":\"https://open.spotify.com/track/3aJ2aJz5xL03hpaqdPS7Ah\","
                       "\"origin_url\":"
                       "\"https://open.spotify.com/track/3aJ2aJz5xL03hpaqdPS7Ah\"}"));
}

static void spotify_skips_what_is_no_listen(void)
{
    read_text("[" PLAY("2023-05-04T23:08:57Z", "29999", "\"t\"", "") ","
              PLAY("2023-05-04T23:08:57Z", "30000", "\"t\"", "") ","
              PLAY("2023-05-04T23:18:57Z", "600000", "null", ",\"episode_name\":\"e\"") "]");
    CU_ASSERT(counts(1, 2, 0));
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "a podcast");
    CU_ASSERT_EQUAL(outcome.last.listened_at_s, 1683241737 - 30);
    const struct import_options all = {.play_min_ms = 0};
    outcome = fixture_read(fixture_path("history"), &all);
    CU_ASSERT(counts(2, 1, 0));
    read_text("[" PLAY("2023-05-04T23:08:57Z", "29999", "\"t\"", "") "]");
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "shorter than 30 s");
    read_text("[" PLAY("2023-05-04T23:08:57Z", "29999", "null", ",\"audiobook_uri\":\"e\"") "]");
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "an audiobook");
    read_text("[" PLAY("2023-05-04T23:08:57Z", "29999", "null", "") "]");
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "no track's name is known");
}

static void spotify_ids_are_taken_where_they_are_sound(void)
{
    static const char *const odd[] = {
        "null", "5", "\"\"", "\"spotify:local:a:b:c:200\"", "\"spotify:track:\"",
            "\"spotify:track:a/b\"",
        "\"spotify:track:a\\u0022b\"", "\"spotify:episode:3aJ2aJz5xL03hpaqdPS7Ah\"",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char text[1000];
        snprintf(text, sizeof text, "[%.*s,\"spotify_track_uri\":%s}]",
                 (int)strlen(PLAY("2023-05-04T23:08:57Z", "60000", "\"t\"", "")) - 1,
                 PLAY("2023-05-04T23:08:57Z", "60000", "\"t\"", ""), odd[i]);
        read_text(text);
        CU_ASSERT(counts(1, 0, 0));
        CU_ASSERT(slice_is(outcome.last.info,
                           "{\"music_service\":\"spotify.com\",\"ms_played\":60000}"));
    }
}

static void spotify_refuses_bad_plays(void)
{
    static const struct {
        const char *play;
        const char *text;
    } rows[] = {
        {"5", "a play must be a JSON object"},
        {"{}", "ts must be a time such as 2009-05-04T23:08:57Z"},
        {PLAY("yesterday", "60000", "\"t\"", ""), "ts must be a time such as 2009-05-04T23:08:57Z"},
        {PLAY("2023-05-04T23:08:57Z", "\"x\"", "\"t\"", ""),
         "ms_played must be a number of milliseconds"},
        {PLAY("2023-05-04T23:08:57Z", "-1", "\"t\"", ""),
         "ms_played must be a number of milliseconds"},
        {PLAY("2023-05-04T23:08:57Z", "60000", "\" \"", ""),
         "field track_metadata.track_name is empty."},
        {PLAY("2023-05-04T23:08:57Z", "60000", "7", ""),
         "track_metadata.track_name must be a single string."},
        {PLAY("2099-05-04T23:08:57Z", "60000", "\"t\"", ""),
         "Value for key listened_at is too high."},
        {PLAY("2023-05-04T23:08:57Z", "9223372036854775807", "\"t\"", ""),
         "Value for key listened_at is too low. listened_at timestamp should be greater than"
         " 1033410600 (2002-10-01 00:00:00 UTC)."},
        {"{\"ts\":'x'}", "the JSON is broken: byte 7: expected a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2000];
        snprintf(text, sizeof text, "[%s,%s,%s]",
                 PLAY("2023-05-04T23:08:57Z", "60000", "\"t\"", ""), rows[i].play,
                 PLAY("2023-05-04T23:09:57Z", "60000", "\"t\"", ""));
        read_text(text);
        CU_ASSERT(counts(2, 0, 1));
        CU_ASSERT(told(rows[i].text));
        CU_ASSERT_EQUAL(outcome.line, 2);
    }
    read_text("[{\"ts\":\"2023-05-04T23:08:57Z\",\"ms_played\":60000,"
              "\"master_metadata_track_name\":\"t\",\"master_metadata_album_artist_name\":null}]");
    CU_ASSERT(counts(0, 0, 1));
    CU_ASSERT_STRING_EQUAL(outcome.error.text, "JSON document does not contain required field"
                                               " track_metadata.artist_name.");
}

static void spotify_zip(void)
{
    const struct fixture_member members[] = {
        {"Spotify Extended Streaming History/ReadMeFirst.pdf", slice_text("%PDF")},
        {"Spotify Extended Streaming History/Streaming_History_Audio_2022_1.json",
         slice_text("[" PLAY("2023-05-04T23:08:57Z", "60000", "\"t\"", "") "]")},
        {"Spotify Extended Streaming "
         "History/Streaming_History_Video_2022_1.json", slice_text("[5]")},
        {"MyData/endsong_0.json",
         slice_text("[" PLAY("2023-05-04T23:09:57Z", "60000", "\"t\"", "") "]")},
    };
    outcome = fixture_read(fixture_zip("my_spotify_data.zip", members, 4), NULL);
    CU_ASSERT(counts(2, 2, 0));
    CU_ASSERT_STRING_EQUAL(outcome.format, "Spotify extended streaming history");
}

/* ── Last.fm-1K ── */

#define ONE \
    "user_1\t2009-05-04T23:08:57Z\tf1b1cf71-bd35-4e99-8624-24a6e15f133a\tBach & Sons\t\t" \
    "Fuge \"8\"\n"
#define TWO "user_1\t2009-05-04T23:18:57Z\t\tWeill\t08e8f55b-f1a4-46b8-b2d1-fab4c592165c\tSong\\\n"
#define OTHER "user_2\t2009-05-04T23:08:57Z\t\tWeill\t\tSong\n"

static void lastfm1k_rows(void)
{
    read_text(TWO ONE);
    CU_ASSERT(counts(2, 0, 0));
    CU_ASSERT_STRING_EQUAL(outcome.format, "Last.fm-1K (tab-separated)");
    const struct listen *listen = &outcome.last;
    CU_ASSERT_EQUAL(listen->listened_at_s, 1241478537);
    CU_ASSERT(slice_is(listen->artist_name, "Bach & Sons"));
    CU_ASSERT(slice_is(listen->track_name, "Fuge \"8\""));
    CU_ASSERT_EQUAL(listen->release_name.size_bytes, 0);
    CU_ASSERT(slice_is(listen->client, "Refrain importer"));
    CU_ASSERT(slice_is(listen->artist_mbids, "{f1b1cf71-bd35-4e99-8624-24a6e15f133a}"));
    CU_ASSERT_EQUAL(listen->recording_mbid.size_bytes, 0);
    CU_ASSERT(slice_is(listen->info, "{\"music_service\":\"last.fm\",\"artist_mbids\":"
                                     "[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\"]}"));
    read_text(TWO);
    CU_ASSERT(slice_is(outcome.last.track_name, "Song\\"));
    CU_ASSERT(slice_is(outcome.last.recording_mbid, "08e8f55b-f1a4-46b8-b2d1-fab4c592165c"));
    CU_ASSERT(slice_is(outcome.last.info, "{\"music_service\":\"last.fm\",\"recording_mbid\":"
                                          "\"08e8f55b-f1a4-46b8-b2d1-fab4c592165c\"}"));
}

static void lastfm1k_takes_one_persons_listens(void)
{
    outcome = fixture_read(fixture_text("history", ONE TWO OTHER ONE), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_INVALID);
    CU_ASSERT_EQUAL(outcome.listens, 0);
    CU_ASSERT_STRING_EQUAL(outcome.error.text,
                           "the file may hold listens of several people: say whose to import with "
                           "--source-user, or source_user over HTTP (the first is user_1)");
    const struct import_options first = {.source_user = "user_1"};
    outcome = fixture_read(fixture_path("history"), &first);
    CU_ASSERT(counts(3, 1, 0));
    CU_ASSERT_STRING_EQUAL(outcome.reason.text, "another listener's");
    const struct import_options second = {.source_user = "user_2"};
    outcome = fixture_read(fixture_path("history"), &second);
    CU_ASSERT(counts(1, 3, 0));
    const struct import_options nobody = {.source_user = "user"};
    outcome = fixture_read(fixture_path("history"), &nobody);
    CU_ASSERT(counts(0, 4, 0));
}

static void lastfm1k_refuses_bad_rows(void)
{
    static const struct {
        const char *row;
        const char *text;
    } rows[] = {
        {"user_1\t2009-05-04T23:08:57Z\tWeill",
         "6 columns parted by tabs are expected, there are 3"},
        {"user_1\t2009-05-04T23:08:57Z\t\tWeill\t\tSong\tmore",
         "6 columns parted by tabs are expected, there are 7"},
        {"no tabs", "6 columns parted by tabs are expected, there are 1"},
        {"user_1\tnoon\t\tWeill\t\tSong",
         "the second column must be a time such as 1241478537 or 2009-05-04T23:08:57Z"},
        {"user_1\t2009-05-04T23:08:57Z\t\tWeill\t\t ", "field track_metadata.track_name is empty."},
        {"user_1\t2009-05-04T23:08:57Z\t\tB\xe9la\t\tSong", "the line is not UTF-8"},
        {"user_1\t2009-05-04T23:08:57Z\tx\tWeill\t\tSong", "artist_mbids MBID format invalid."},
        {"user_1\t2009-05-04T23:08:57Z\t\tWeill\tx\tSong", "recording_mbid MBID format invalid."},
        {"user_1\t1999-05-04T23:08:57Z\t\tWeill\t\tSong",
         "Value for key listened_at is too low. listened_at timestamp should be greater than"
         " 1033410600 (2002-10-01 00:00:00 UTC)."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        snprintf(text, sizeof text, "%s%s\n%s", ONE, rows[i].row, TWO);
        read_text(text);
        CU_ASSERT(counts(2, 0, 1));
        CU_ASSERT(told(rows[i].text));
        CU_ASSERT_EQUAL(outcome.line, 2);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(listenbrainz_lines),
        UNIT_TEST(listenbrainz_feedback),
        UNIT_TEST(listenbrainz_mapping),
        UNIT_TEST(listenbrainz_array),
        UNIT_TEST(listenbrainz_zip),
        UNIT_TEST(listenbrainz_rows_as_the_api_gives_them),
        UNIT_TEST(listenbrainz_refuses_by_the_shared_checks),
        UNIT_TEST(spotify_plays),
        UNIT_TEST(spotify_skips_what_is_no_listen),
        UNIT_TEST(spotify_ids_are_taken_where_they_are_sound),
        UNIT_TEST(spotify_refuses_bad_plays),
        UNIT_TEST(spotify_zip),
        UNIT_TEST(lastfm1k_rows),
        UNIT_TEST(lastfm1k_takes_one_persons_listens),
        UNIT_TEST(lastfm1k_refuses_bad_rows),
    };
    fixture_begin();
    int status = unit_run("formats", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
