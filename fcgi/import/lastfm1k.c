/*
 * The data set Last.fm-1K: one line a listen, of many people: user, time, artist MBID, artist,
 * track MBID, track, parted by tabs and never quoted. Its track MBIDs of 2009 are what MusicBrainz
 * calls recordings since 2011.
 */
#include "base/text.h"
#include "json/json.h"
#include "import/format.h"

enum column { USER, TIME, ARTIST_MBID, ARTIST, TRACK_MBID, TRACK, COLUMNS };

/* How many there are; only the first COLUMNS are kept. */
static size_t split(struct slice line, struct slice columns[COLUMNS])
{
    size_t count = 0;
    const char *at = line.data;
    const char *end = line.data + line.size_bytes;
    for (;;) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        const char *stop = tab == NULL ? end : tab;
        if (count < COLUMNS) {
            columns[count] = slice_of(at, (size_t)(stop - at));
        }
        count++;
        if (tab == NULL) {
            return count;
        }
        at = tab + 1;
    }
}

/* Whether the row is of the listener whose listens are wanted. Whether a file holds one person's
 * listens only is known at its end, and then it would be too late. */
static enum result choose_user(const struct import_context *context, struct slice user,
                               bool *wanted, struct error *error)
{
    if (context->options->source_user == NULL) {
        return error_set(error, RESULT_INVALID, "import",
                         "the file may hold listens of several people: say whose to import with "
                         "--source-user (the first is %.*s)",
                         SLICE_ARGS(user));
    }
    *wanted = slice_is(user, context->options->source_user);
    return RESULT_OK;
}

static void append_listen(struct buffer *to, int64_t time_s, const struct slice columns[COLUMNS])
{
    buffer_append_format(to, "{\"listened_at\":%lld,\"track_metadata\":{\"artist_name\":",
                         (long long)time_s);
    jwrite_string(to, columns[ARTIST]);
    buffer_append_text(to, ",\"track_name\":");
    jwrite_string(to, columns[TRACK]);
    buffer_append_format(to,
                         ",\"additional_info\":{\"submission_client\":\"%s\","
                         "\"music_service\":\"last.fm\",\"artist_mbids\":[",
                         IMPORT_CLIENT);
    jwrite_string(to, columns[ARTIST_MBID]);
    buffer_append_text(to, "],\"recording_mbid\":");
    jwrite_string(to, columns[TRACK_MBID]);
    buffer_append_text(to, "}}}");
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct slice columns[COLUMNS];
    size_t count = split(record, columns);
    int64_t time_s;
    if (count != COLUMNS) {
        return import_refuse(row, error, "%d columns parted by tabs are expected, there are %zu",
                             (int)COLUMNS, count);
    }
    if (!text_is_utf8(record)) {
        return import_refuse(row, error, "the line is not UTF-8");
    }
    bool wanted = false;
    enum result result = choose_user(context, columns[USER], &wanted, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (!wanted) {
        *row = IMPORT_SKIPPED;
        return RESULT_OK;
    }
    if (!text_parse_time(columns[TIME], &time_s)) {
        return import_refuse(row, error,
                             "the second column must be a time such as 2009-05-04T23:08:57Z");
    }
    append_listen(listen, time_s, columns);
    return RESULT_OK;
}

static bool knows(struct slice head)
{
    struct slice line;
    while (import_take_line(&head, &line)) {
        struct slice columns[COLUMNS];
        int64_t time_s;
        if (split(line, columns) == COLUMNS && text_parse_time(columns[TIME], &time_s)) {
            return true;
        }
    }
    return false;
}

const struct import_format import_lastfm1k = {
    .name = "Last.fm-1K (tab-separated)",
    .knows = knows,
    .translate = translate,
};
