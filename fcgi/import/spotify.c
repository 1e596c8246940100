/*
 * Spotify's extended streaming history: JSON arrays of plays, in Streaming_History_Audio_….json, or
 * endsong_….json in older ones. `ts` is when a play ended.
 */
#include "base/text.h"
#include "json/json.h"
#include "import/format.h"

/* The member's value unless it is absent or null. */
static bool find(const struct jmembers *play, const char *key, struct slice *value)
{
    const struct jmember *member = jmembers_find(play, key);
    if (member == NULL || jtext_kind(member->value) == JSON_NULL) {
        return false;
    }
    *value = member->value;
    return true;
}

static void append_name(struct buffer *to, const struct jmembers *play, const char *from,
                        const char *key)
{
    struct slice value;
    if (find(play, from, &value)) {
        buffer_append_format(to, "\"%s\":", key);
        buffer_append_slice(to, value);
        buffer_append_char(to, ',');
    }
}

/* The id within "spotify:track:…"; files that the listener added himself have none. */
static bool find_track_id(const struct jmembers *play, struct slice *id)
{
    static const char before[] = "\"spotify:track:";
    struct slice uri;
    if (!find(play, "spotify_track_uri", &uri) || uri.size_bytes < sizeof before
        || memcmp(uri.data, before, sizeof before - 1) != 0) {
        return false;
    }
    *id = slice_of(uri.data + sizeof before - 1, uri.size_bytes - sizeof before);
    for (size_t i = 0; i < id->size_bytes; i++) {
        char c = id->data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
            return false;
        }
    }
    return id->size_bytes > 0;
}

static void append_info(struct buffer *to, const struct jmembers *play, int64_t played_ms)
{
    static const char page[] = "https://open.spotify.com/track/";
    struct slice value;
    buffer_append_format(to,
                         "\"additional_info\":{\"submission_client\":\"%s\","
                         "\"music_service\":\"spotify.com\",\"ms_played\":%lld",
                         IMPORT_CLIENT, (long long)played_ms);
    if (find(play, "skipped", &value) && slice_is(value, "true")) {
        buffer_append_text(to, ",\"skipped\":true");
    }
    if (find_track_id(play, &value)) {
        buffer_append_format(to, ",\"spotify_id\":\"%s%.*s\",\"origin_url\":\"%s%.*s\"", page,
                             SLICE_ARGS(value), page, SLICE_ARGS(value));
    }
    buffer_append_char(to, '}');
}

/* What a play without a track's name is. */
static const char *find_kind(const struct jmembers *play)
{
    static const char *const kinds[][2] = {
        {"episode_name", "a podcast"},
        {"spotify_episode_uri", "a podcast"},
        {"audiobook_title", "an audiobook"},
        {"audiobook_uri", "an audiobook"},
    };
    struct slice value;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (find(play, kinds[i][0], &value)) {
            return kinds[i][1];
        }
    }
    return "no track's name is known";
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct error cause;
    if (jtext_check(record, &cause) != RESULT_OK) {
        return import_refuse(row, error, "the JSON is broken: %s", cause.text);
    }
    if (jtext_kind(record) != JSON_OBJECT) {
        return import_refuse(row, error, "a play must be a JSON object");
    }
    struct jmembers play;
    enum result result = jmembers_read(record, context->row_arena, &play);
    if (result != RESULT_OK) {
        return result;
    }
    struct slice value;
    int64_t ended_s;
    int64_t played_ms;
    if (!find(&play, "ts", &value) || jtext_kind(value) != JSON_STRING
        || !text_parse_time(jtext_inside(value), &ended_s)) {
        return import_refuse(row, error, "ts must be a time such as 2009-05-04T23:08:57Z");
    }
    if (!find(&play, "ms_played", &value) || !text_parse_int(value, &played_ms)
        || played_ms < 0) {
        return import_refuse(row, error, "ms_played must be a number of milliseconds");
    }
    if (!find(&play, "master_metadata_track_name", &value)) {
        return import_skip(row, error, "%s", find_kind(&play));
    }
    if (played_ms < context->options->play_min_ms) {
        return import_skip(row, error, "shorter than %lld s",
                           (long long)context->options->play_min_ms / 1000);
    }
    buffer_append_format(listen, "{\"listened_at\":%lld,\"track_metadata\":{",
                         (long long)(ended_s - played_ms / 1000));
    append_name(listen, &play, "master_metadata_track_name", "track_name");
    append_name(listen, &play, "master_metadata_album_artist_name", "artist_name");
    append_name(listen, &play, "master_metadata_album_album_name", "release_name");
    append_info(listen, &play, played_ms);
    buffer_append_text(listen, "}}");
    return RESULT_OK;
}

static bool knows(struct slice head)
{
    return import_begins(head, '[') && import_has_key(head, 2, "master_metadata_track_name");
}

static const char *const path[] = {"[]", NULL};

const struct import_format import_spotify = {
    .name = "Spotify extended streaming history",
    .path = path,
    .knows = knows,
    .translate = translate,
};
