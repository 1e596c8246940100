#include "import/play.h"

#include "base/text.h"

/* ── a listen ── */

enum kind { TEXT, NUMBER, ANY, LIST, FLAG };

static const struct {
    const char *key;
    enum kind kind;
} fields[PLAY_FIELDS] = {
    [PLAY_SERVICE] = {"music_service", TEXT},
    [PLAY_CLIENT] = {"original_submission_client", TEXT},
    [PLAY_PLAYER] = {"media_player", TEXT},
    [PLAY_DURATION_S] = {"duration", NUMBER},
    [PLAY_DURATION_MS] = {"duration_ms", NUMBER},
    [PLAY_PLAYED_S] = {"duration_played", NUMBER},
    [PLAY_TRACK_NUMBER] = {"tracknumber", NUMBER},
    [PLAY_DISC_NUMBER] = {"discnumber", NUMBER},
    [PLAY_RELEASE_ARTIST] = {"release_artist_name", TEXT},
    [PLAY_ARTIST_NAMES] = {"artist_names", LIST},
    [PLAY_ARTIST_MBIDS] = {"artist_mbids", LIST},
    [PLAY_RECORDING_MBID] = {"recording_mbid", TEXT},
    [PLAY_TRACK_MBID] = {"track_mbid", TEXT},
    [PLAY_RELEASE_MBID] = {"release_mbid", TEXT},
    [PLAY_RELEASE_GROUP_MBID] = {"release_group_mbid", TEXT},
    [PLAY_ISRC] = {"isrc", TEXT},
    [PLAY_LOVED] = {"loved", FLAG},
    [PLAY_URL] = {"origin_url", TEXT},
};

static bool is_true(struct slice text)
{
    return slice_is(text, "1") || slice_is(text, "true") || slice_is(text, "yes");
}

/* Whether the file tells something by it. */
static bool is_told(enum kind kind, struct slice text)
{
    int64_t number;
    if (kind == FLAG) {
        return is_true(text);
    }
    return text.size_bytes > 0
           && !(kind == NUMBER && text_parse_int(text, &number) && number == 0);
}

/* What should be a number and is none goes on as a text, for the checks to judge. */
static void append_value(struct buffer *to, enum kind kind, struct slice text)
{
    int64_t number;
    if (kind == FLAG) {
        buffer_append_text(to, "true");
    } else if (kind == NUMBER && text_parse_int(text, &number)) {
        buffer_append_int(to, number);
    } else if (kind == LIST && text.data[0] == '[') {
        buffer_append_slice(to, text);
    } else {
        jwrite_string(to, text);
    }
}

static void append_info(struct buffer *to, const struct play *play)
{
    buffer_append_text(to, "\"additional_info\":{\"submission_client\":\"" IMPORT_CLIENT "\"");
    for (size_t i = PLAY_SERVICE; i < PLAY_FIELDS; i++) {
        bool again = i == PLAY_DURATION_S && is_told(NUMBER, play->texts[PLAY_DURATION_MS]);
        if (!again && is_told(fields[i].kind, play->texts[i])) {
            buffer_append_format(to, ",\"%s\":", fields[i].key);
            append_value(to, fields[i].kind, play->texts[i]);
        }
    }
    for (size_t i = 0; i < play->others.count; i++) {
        buffer_append_char(to, ',');
        jwrite_string(to, play->others.items[i].key);
        buffer_append_char(to, ':');
        jwrite_string(to, play->others.items[i].value);
    }
    buffer_append_char(to, '}');
}

static void append_name(struct buffer *to, const char *key, struct slice name)
{
    buffer_append_format(to, "\"%s\":", key);
    jwrite_string(to, name);
    buffer_append_char(to, ',');
}

enum result play_write(const struct play *play, const struct play_names *names,
                       struct buffer *listen, enum import_row *row, struct error *error)
{
    const struct slice *texts = play->texts;
    struct slice time = texts[PLAY_TIME].size_bytes > 0 ? texts[PLAY_TIME] : texts[PLAY_TIME_SPELT];
    int64_t time_s;
    if (!play_parse_time(time, &time_s)) {
        return import_refuse(row, error,
                             "%s must be a time such as 1241478537 or 2009-05-04T23:08:57Z",
                             names->time);
    }
    if (texts[PLAY_ARTIST].size_bytes == 0 || texts[PLAY_TRACK].size_bytes == 0) {
        return import_refuse(row, error, "%s must be a text that is not empty",
                             texts[PLAY_ARTIST].size_bytes == 0 ? names->artist : names->track);
    }
    buffer_append_format(listen, "{\"listened_at\":%lld,\"track_metadata\":{", (long long)time_s);
    append_name(listen, "artist_name", texts[PLAY_ARTIST]);
    append_name(listen, "track_name", texts[PLAY_TRACK]);
    if (texts[PLAY_RELEASE].size_bytes > 0) {
        append_name(listen, "release_name", texts[PLAY_RELEASE]);
    }
    append_info(listen, play);
    buffer_append_text(listen, "}}");
    if (listen->size_bytes > LISTEN_AVERAGE_MAX_BYTES) {
        return import_refuse(row, error, "the listen would take %zu bytes, at most %d are allowed",
                             listen->size_bytes, LISTEN_AVERAGE_MAX_BYTES);
    }
    return RESULT_OK;
}

/* ── out of JSON ── */

bool play_find(struct slice object, const char *const *path, size_t steps_max, struct slice *value)
{
    *value = object;
    for (size_t i = 0; i < steps_max && path[i] != NULL; i++) {
        struct slice outer = *value;
        if (jtext_kind(outer) != JSON_OBJECT || !jtext_member(outer, path[i], value)) {
            return false;
        }
    }
    return true;
}

enum result play_text(struct slice value, struct arena *arena, struct slice *text)
{
    *text = slice_of("", 0);
    switch (jtext_kind(value)) {
    case JSON_STRING:
        return jtext_unescape(jtext_inside(value), arena, text);
    case JSON_NUMBER:
    case JSON_BOOL:
        *text = value;
        return RESULT_OK;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return RESULT_OK;
}

enum result play_read(struct import_context *context, struct slice record,
                      const struct play_member *members, size_t count, struct play *play,
                      enum import_row *row, struct error *error)
{
    *play = (struct play){0};
    struct error cause;
    if (jtext_check(record, &cause) != RESULT_OK) {
        return import_refuse(row, error, "the JSON is broken: %s", cause.text);
    }
    if (jtext_kind(record) != JSON_OBJECT) {
        return import_refuse(row, error, "a play must be a JSON object");
    }
    enum result result = RESULT_OK;
    for (size_t i = 0; i < count && result == RESULT_OK; i++) {
        struct slice *text = &play->texts[members[i].field];
        struct slice value;
        size_t steps_max = sizeof members[i].path / sizeof *members[i].path;
        if (text->size_bytes == 0 && play_find(record, members[i].path, steps_max, &value)) {
            result = play_text(value, context->row_arena, text);
        }
    }
    return result;
}
