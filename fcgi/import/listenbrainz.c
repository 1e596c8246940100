/*
 * ListenBrainz' own exports: a zip of listens/YYYY/M.jsonl, such a file alone, or (until 2025) one
 * JSON array. A listen there is a listen as it was submitted, with what the server knows besides;
 * that is left out.
 */
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

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    if (jtext_check(record, error) != RESULT_OK) {
        *row = IMPORT_REFUSED;
        return RESULT_OK;
    }
    if (jtext_kind(record) != JSON_OBJECT) {
        return import_refuse(row, error, "a listen must be a JSON object");
    }
    struct slice value;
    if (jtext_member(record, "playing_now", &value) && slice_is(value, "true")) {
        *row = IMPORT_SKIPPED;
        return RESULT_OK;
    }
    char between = '{';
    enum result result = RESULT_OK;
    if (jtext_member(record, "listened_at", &value)) {
        append_key(listen, &between, slice_text("listened_at"));
        buffer_append_slice(listen, value);
    }
    if (jtext_member(record, "track_metadata", &value)) {
        append_key(listen, &between, slice_text("track_metadata"));
        result = append_metadata(listen, value, context->row_arena);
    }
    append_end(listen, between);
    return result;
}

static bool knows_lines(struct slice head)
{
    struct slice line;
    while (import_take_line(&head, &line)) {
        if (import_begins(line, '{') && import_contains(line, "\"track_metadata\"")) {
            return true;
        }
    }
    return false;
}

static bool knows_list(struct slice head)
{
    return import_begins(head, '[') && import_contains(head, "\"track_metadata\"");
}

static const char *const members[] = {"listens/*.jsonl", "*/listens/*.jsonl", NULL};
static const char *const list_path[] = {"[]", NULL};

const struct import_format import_listenbrainz_list = {
    .name = "ListenBrainz export (JSON array)",
    .path = list_path,
    .knows = knows_list,
    .translate = translate,
};

const struct import_format import_listenbrainz_lines = {
    .name = "ListenBrainz export (zip or JSON lines)",
    .members = members,
    .knows = knows_lines,
    .translate = translate,
};
