/*
 * ListenBrainz' own exports: a zip of listens/YYYY/M.jsonl, such a file alone, or (until 2025) one
 * JSON array. A listen there is a listen as it was submitted, with what the server knows besides:
 * of that, the MBIDs which it has found are taken over. Love and hate are lines of their own, in
 * feedback.jsonl of the zip, and at the end of what Refrain exports.
 */
#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"
#include "import/format.h"

/* The next member of an object that is being written; `between` is { at first. */
static void append_key(struct buffer *to, char *between, struct slice key)
{
    buffer_append_char(to, *between);
    *between = ',';
    jwrite_string(to, key);
    buffer_append_char(to, ':');
}

static void append_end(struct buffer *to, char between)
{
    buffer_append_text(to, between == '{' ? "{}" : "}");
}

static enum result append_info(struct buffer *to, struct slice info, struct arena *arena)
{
    struct jmembers members;
    enum result result = jmembers_read(info, arena, &members);
    char between = '{';
    for (size_t i = 0; result == RESULT_OK && i < members.count; i++) {
        if (!slice_is(members.items[i].key, "recording_msid")) {
            append_key(to, &between, members.items[i].key);
            buffer_append_slice(to, members.items[i].value);
        }
    }
    append_end(to, between);
    return result;
}

/* A release that is unknown is null in answers of the API, which no submission may have. */
static bool is_ours(const struct jmember *member)
{
    return !slice_is(member->key, "mbid_mapping") && !slice_is(member->key, "recording_msid")
           && !(slice_is(member->key, "release_name")
                && jtext_kind(member->value) == JSON_NULL);
}

static enum result append_metadata(struct buffer *to, struct slice metadata, struct arena *arena)
{
    if (jtext_kind(metadata) != JSON_OBJECT) {
        buffer_append_slice(to, metadata);
        return RESULT_OK;
    }
    struct jmembers members;
    enum result result = jmembers_read(metadata, arena, &members);
    char between = '{';
    for (size_t i = 0; result == RESULT_OK && i < members.count; i++) {
        const struct jmember *member = &members.items[i];
        if (!is_ours(member)) {
            continue;
        }
        append_key(to, &between, member->key);
        if (slice_is(member->key, "additional_info")
            && jtext_kind(member->value) == JSON_OBJECT) {
            result = append_info(to, member->value, arena);
        } else {
            buffer_append_slice(to, member->value);
        }
    }
    append_end(to, between);
    return result;
}

/* The MBID's text in its usual form, empty where the value is none. */
static enum result read_mbid(struct slice value, struct arena *arena, struct slice *mbid)
{
    unsigned char uuid[16];
    char text[UUID_TEXT_SIZE];
    *mbid = slice_of(NULL, 0);
    if (jtext_kind(value) != JSON_STRING || !text_parse_uuid(jtext_inside(value), uuid)) {
        return RESULT_OK;
    }
    text_format_uuid(uuid, text);
    const char *copy = arena_copy(arena, slice_text(text));
    *mbid = slice_of(copy, sizeof text - 1);
    return copy == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

/* All of them as "{uuid,uuid}", or none. */
static enum result read_mbids(struct slice value, struct arena *arena, struct slice *mbids)
{
    enum { most = 100 };
    char text[2 + most * UUID_TEXT_SIZE];
    size_t size = 0;
    struct jtext_cursor cursor = {0};
    struct slice item;
    while (jtext_kind(value) == JSON_ARRAY && jtext_next_item(value, &cursor, &item)) {
        struct slice mbid;
        enum result result = read_mbid(item, arena, &mbid);
        if (result != RESULT_OK || mbid.size_bytes == 0
            || size + mbid.size_bytes + 3 > sizeof text) {
            return result;
        }
        text[size] = size == 0 ? '{' : ',';
        memcpy(text + size + 1, mbid.data, mbid.size_bytes);
        size += 1 + mbid.size_bytes;
    }
    if (size == 0) {
        return RESULT_OK;
    }
    text[size] = '}';
    const char *copy = arena_copy(arena, slice_of(text, size + 1));
    *mbids = slice_of(copy, size + 1);
    return copy == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static enum result read_mapping(struct import_context *context, struct slice metadata)
{
    struct slice found;
    struct slice value;
    struct import_mapping *mapping = &context->mapping;
    const struct {
        const char *key;
        struct slice *mbid;
    } fields[] = {
        {"recording_mbid", &mapping->recording_mbid},
        {"release_mbid", &mapping->release_mbid},
        {"release_group_mbid", &mapping->release_group_mbid},
    };
    if (jtext_kind(metadata) != JSON_OBJECT || !jtext_member(metadata, "mbid_mapping", &found)
        || jtext_kind(found) != JSON_OBJECT) {
        return RESULT_OK;
    }
    enum result result = RESULT_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && result == RESULT_OK; i++) {
        if (jtext_member(found, fields[i].key, &value)) {
            result = read_mbid(value, context->row_arena, fields[i].mbid);
        }
    }
    if (result == RESULT_OK && jtext_member(found, "artist_mbids", &value)) {
        result = read_mbids(value, context->row_arena, &mapping->artist_mbids);
    }
    return result;
}

/* A time in seconds or as a text; false where it is neither. */
static bool read_created(struct slice record, int64_t *time_s)
{
    struct slice value;
    return jtext_member(record, "created", &value)
           && (jtext_kind(value) == JSON_STRING ? text_parse_time(jtext_inside(value), time_s)
                                                : text_parse_int(value, time_s));
}

static void read_id(struct slice record, const char *key, char text[UUID_TEXT_SIZE])
{
    unsigned char uuid[16];
    struct slice value;
    text[0] = '\0';
    if (jtext_member(record, key, &value) && jtext_kind(value) == JSON_STRING
        && text_parse_uuid(jtext_inside(value), uuid)) {
        text_format_uuid(uuid, text);
    }
}

static enum result take_feedback(struct import_context *context, struct slice record,
                                 struct slice score, enum import_row *row, struct error *error)
{
    struct import_feedback *feedback = &context->feedback;
    read_id(record, "recording_msid", feedback->msid);
    read_id(record, "recording_mbid", feedback->mbid);
    feedback->score = slice_is(score, "1") - slice_is(score, "-1");
    if (feedback->score == 0) {
        return import_refuse(row, error, "the score of a recording must be 1 or -1");
    }
    if (feedback->msid[0] == '\0' && feedback->mbid[0] == '\0') {
        return import_refuse(row, error,
                             "feedback must have a recording_msid or a recording_mbid, a UUID");
    }
    if (!read_created(record, &feedback->created_s)
        || feedback->created_s < LISTEN_TIME_MIN_S
        || feedback->created_s >= clock_wall_s() + LISTEN_FUTURE_MAX_S) {
        return import_refuse(row, error,
                             "created must be a time in seconds, from 2002-10-01 to now");
    }
    *row = IMPORT_FEEDBACK;
    return RESULT_OK;
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct error cause;
    if (jtext_check(record, &cause) != RESULT_OK) {
        return import_refuse(row, error, "the JSON is broken: %s", cause.text);
    }
    if (jtext_kind(record) != JSON_OBJECT) {
        return import_refuse(row, error, "a listen must be a JSON object");
    }
    struct slice value;
    if (jtext_member(record, "playing_now", &value) && slice_is(value, "true")) {
        return import_skip(row, error, "playing now");
    }
    struct slice score;
    bool timed = jtext_member(record, "listened_at", &value);
    if (!timed && jtext_member(record, "score", &score)) {
        return take_feedback(context, record, score, row, error);
    }
    char between = '{';
    enum result result = RESULT_OK;
    if (timed) {
        append_key(listen, &between, slice_text("listened_at"));
        buffer_append_slice(listen, value);
    }
    if (jtext_member(record, "track_metadata", &value)) {
        append_key(listen, &between, slice_text("track_metadata"));
        result = append_metadata(listen, value, context->row_arena);
        result = result == RESULT_OK ? read_mapping(context, value) : result;
    }
    append_end(listen, between);
    return result;
}

static bool knows_lines(struct slice head)
{
    struct slice line;
    while (import_take_line(&head, &line)) {
        bool listen = import_contains(line, "\"track_metadata\"");
        bool feedback = import_contains(line, "\"score\"")
                        && import_contains(line, "\"recording_ms");
        if (import_begins(line, '{') && (listen || feedback)) {
            return true;
        }
    }
    return false;
}

static bool knows_list(struct slice head)
{
    return import_begins(head, '[') && import_contains(head, "\"track_metadata\"");
}

static const char *const list_path[] = {"[]", NULL};

const struct import_format import_listenbrainz_list = {
    .name = "ListenBrainz export (JSON array)",
    .path = list_path,
    .knows = knows_list,
    .translate = translate,
};

const struct import_format import_listenbrainz_lines = {
    .name = "ListenBrainz export (JSON lines)",
    .knows = knows_lines,
    .translate = translate,
};
