/* Each kind of file is known by one format, whatever stands in its fields. */
#include "unit.h"

#include "import/format.h"

#include <stdio.h>

static const struct {
    const char *format; /* the beginning of its name; NULL: none knows it */
    const char *head;
} samples[] = {
    {"ListenBrainz export (JSON array)",
     "[{\"listened_at\":1,\"track_metadata\":{\"track_name\":\"scrobbles\",\"artist_name\":\"a\"}}]"},
    {"ListenBrainz export (JSON lines)",
     "{\"listened_at\":1,\"track_metadata\":{\"track_name\":\"recenttracks\",\"artist_name\":"
     "\"listens\"}}\n{\"listened"},
    {"Spotify", "[{\"ts\":\"2023-05-04T23:08:57Z\",\"ms_played\":1,"
                "\"master_metadata_track_name\":\"track\"}]"},
    {"Last.fm export (JSON array of pages)",
     "[{\"track\":[{\"artist\":{\"mbid\":\"\",\"#text\":\"master_metadata_track_name\"},"
     "\"name\":\"recenttracks\"}]}]"},
    {"Last.fm export (JSON array of pages)", "[{\"track\":{\"artist\":{\"#text\":\"a\"}}}]"},
    {"Last.fm export (one JSON page)",
     "{\"@attr\":{\"user\":\"u\"},\"track\":[{\"artist\":{\"name\":\"listens\"},\"name\":\"t"},
    {"Last.fm API answers (JSON array)",
     "[{\"recenttracks\":{\"track\":[{\"artist\":{\"#text\":\"a\"}}]}}]"},
    {"Last.fm API answer (JSON)", "{\"recenttracks\":{\"track\":[{\"artist\":{\"#text\":\"a\"}}]}}"},
    {"Last.fm scrobbles", "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"},
    {"Last.fm scrobbles", "Artist\tdatetime\ta\tb\tc\ttrack\nA\t2009-05-04T23:08:57Z\t\t\t\tT\n"},
    {"Last.fm scrobbles", "Artist;Album;AlbumId;Track;Date#somebody\n"},
    {"Last.fm scrobbles", "A,B,C,\nA,B,C,01 Jan 2023 12:00\n"},
    {"Last.fm-1K", "user_1\t2009-05-04T23:08:57Z\t\tWeill\t\tSong\n"},
    {"Audioscrobbler", "#AUDIOSCROBBLER/1.1\n#TZ/UTC\n"},
    {"Maloja", "{\"maloja\":{\"export_time\":1},\"scrobbles\":[{\"time\":1,\"track\":{\"artists\":"
               "[\"a\"],\"title\":\"t\"}}]}"},
    {"Koito", "{\"version\":\"1\",\"listens\":[{\"listened_at\":\"2022-01-08T22:32:08Z\","
              "\"track\":{\"aliases\":[]}}]}"},
    {NULL, "[{\"track\":\"t\",\"artist\":\"a\"}]"},
    {NULL, "{\"username\":\"u\",\"scrobbles\":[{\"track\":\"t\",\"artist\":\"a\",\"date\":1}]}"},
    {NULL, "artist,track,plays\nA,T,12\n"},
    {NULL, "# notes\nartist,track\n"},
    {NULL, "{\"a\\\"recenttracks\":1,\"b\":\"\\"},
    {NULL, "\""},
    {NULL, ""},
};
enum { samples_count = sizeof samples / sizeof *samples };

static void one_format_knows_a_file(void)
{
    for (size_t i = 0; i < samples_count; i++) {
        int count = 0;
        const struct import_format *format;
        for (size_t j = 0; (format = import_format_at(j)) != NULL; j++) {
            if (format->knows(slice_text(samples[i].head))) {
                const char *wanted = samples[i].format == NULL ? "nothing" : samples[i].format;
                bool right = strncmp(format->name, wanted, strlen(wanted)) == 0;
                printf(right ? "" : "# sample %zu: %s\n", i, format->name);
                CU_ASSERT(right);
                count++;
            }
        }
        CU_ASSERT_EQUAL(count, samples[i].format != NULL);
    }
}

static void each_format_has_a_sample(void)
{
    const struct import_format *format;
    for (size_t j = 0; (format = import_format_at(j)) != NULL; j++) {
        bool known = false;
        for (size_t i = 0; i < samples_count; i++) {
            known = known || format->knows(slice_text(samples[i].head));
        }
        CU_ASSERT(known);
    }
    CU_ASSERT(import_format_at(0) != NULL);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(one_format_knows_a_file),
        UNIT_TEST(each_format_has_a_sample),
    };
    return unit_run("knows", tests, sizeof tests / sizeof *tests);
}
