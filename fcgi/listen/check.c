#include "listen/check.h"

#include "base/text.h"
#include "listen/coerce.h"

enum { quoted_max_bytes = 160 }; /* of a value that an error text repeats */

enum result check_refuse(struct check *check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum result result = error_set_list(check->error, RESULT_INVALID, "listen", format, args);
    va_end(args);
    return result;
}

/* As much of a long text as an error may repeat, whole characters only. */
static struct slice quotable(struct slice text)
{
    return text_start(text, quoted_max_bytes);
}

enum result check_storable(struct check *check, struct slice value)
{
    struct jtext_cursor cursor = {0};
    struct slice scalar;
    while (jtext_next_scalar(value, &cursor, &scalar)) {
        if (scalar.data[0] == '"' && jtext_has_nul(jtext_inside(scalar))) {
            return check_refuse(check, "%.*s contains a unicode null",
                                SLICE_ARGS(quotable(jtext_inside(scalar))));
        }
        if (jtext_kind(scalar) == JSON_NUMBER && !coerce_fits_numeric(scalar)) {
            return check_refuse(check,
                                "The number %.*s is out of range, numbers may have at most 1000"
                                " digits before and after the point.",
                                SLICE_ARGS(quotable(scalar)));
        }
    }
    return RESULT_OK;
}

/* ── the top level of a listen ── */

static enum result check_time(struct check *check, struct slice value, struct listen *listen)
{
    enum result result = coerce_int(value, check->arena, &listen->listened_at_s);
    if (result == RESULT_INVALID) {
        return check_refuse(check, "JSON document must contain an int value for listened_at.");
    }
    if (result != RESULT_OK) {
        return result;
    }
    if (listen->listened_at_s >= check->now_s + LISTEN_FUTURE_MAX_S) {
        return check_refuse(check, "Value for key listened_at is too high.");
    }
    if (listen->listened_at_s < LISTEN_TIME_MIN_S) {
        /* The number in the text is a slip of ListenBrainz; clients compare the text. */
        return check_refuse(check, "Value for key listened_at is too low. listened_at timestamp"
                                   " should be greater than 1033410600 (2002-10-01 00:00:00 UTC).");
    }
    return RESULT_OK;
}

/* Which members a listen has; gives its track_metadata. */
static enum result check_keys(struct check *check, const struct jmembers *members,
                              struct listen *listen, struct slice *metadata)
{
    bool now = check->kind == SUBMISSION_PLAYING_NOW;
    const struct jmember *time = jmembers_find(members, "listened_at");
    const struct jmember *track = jmembers_find(members, "track_metadata");
    if (now && time != NULL) {
        return check_refuse(check, "JSON document must not contain listened_at while submitting"
                                   " playing_now.");
    }
    if (!now && time == NULL) {
        return check_refuse(check, "JSON document must contain the key listened_at at the top"
                                   " level.");
    }
    if (!now) {
        enum result result = check_time(check, time->value, listen);
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (track == NULL) {
        return check_refuse(check, "JSON document must contain the key track_metadata at the top"
                                   " level.");
    }
    if (members->count > (now ? 1 : 2)) {
        return check_refuse(check, now ? "JSON document may only contain track_metadata as top"
                                         " level key when submitting playing_now."
                                       : "JSON document may only contain listened_at and"
                                         " track_metadata top level keys");
    }
    *metadata = track->value;
    return RESULT_OK;
}

/* ── track_metadata ── */

/* The trimmed text of a name that must be there. */
static enum result check_name(struct check *check, const struct jmembers *members,
                              const char *key, struct slice *name)
{
    const struct jmember *member = jmembers_find(members, key);
    if (member == NULL) {
        return check_refuse(check, "JSON document does not contain required field"
                                   " track_metadata.%s.", key);
    }
    if (jtext_kind(member->value) != JSON_STRING) {
        return check_refuse(check, "track_metadata.%s must be a single string.", key);
    }
    enum result result = jtext_unescape(jtext_inside(member->value), check->arena, name);
    if (result != RESULT_OK) {
        return result;
    }
    *name = text_trim(*name);
    if (name->size_bytes == 0) {
        return check_refuse(check, "field track_metadata.%s is empty.", key);
    }
    return RESULT_OK;
}

static enum result check_release(struct check *check, const struct jmembers *members,
                                 struct slice *name)
{
    const struct jmember *member = jmembers_find(members, "release_name");
    if (member == NULL) {
        return RESULT_OK;
    }
    if (jtext_kind(member->value) != JSON_STRING) {
        return check_refuse(check, "track_metadata.release_name must be a single string.");
    }
    enum result result = jtext_unescape(jtext_inside(member->value), check->arena, name);
    *name = text_trim(*name);
    return result;
}

static enum result check_additional_info(struct check *check, const struct jmembers *members,
                                         struct listen *listen)
{
    const struct jmember *member = jmembers_find(members, "additional_info");
    if (member == NULL) {
        return RESULT_OK;
    }
    enum json_kind kind = jtext_kind(member->value);
    /* Some clients send null or an empty list where they have nothing to tell. */
    if (kind == JSON_NULL || (kind == JSON_ARRAY && coerce_is_falsy(member->value))) {
        return RESULT_OK;
    }
    if (kind != JSON_OBJECT) {
        return check_refuse(check, "track_metadata.additional_info must be an object.");
    }
    return check_info(check, member->value, listen);
}

/* Everything that the listen has no field of its own for, as it was sent. */
static enum result keep_metadata(struct check *check, const struct jmembers *members,
                                 struct listen *listen)
{
    static const char *const own[] = {"track_name", "artist_name", "release_name",
                                      "additional_info"};
    struct buffer *json = &check->scratch;
    buffer_clear(json);
    for (size_t i = 0; i < members->count; i++) {
        const struct jmember *member = &members->items[i];
        bool known = false;
        for (size_t j = 0; j < sizeof own / sizeof *own; j++) {
            known = known || slice_is(member->key, own[j]);
        }
        if (!known) {
            buffer_append_char(json, json->size_bytes == 0 ? '{' : ',');
            jwrite_string(json, member->key);
            buffer_append_char(json, ':');
            buffer_append_slice(json, member->value);
        }
    }
    if (json->size_bytes == 0) {
        return buffer_result(json);
    }
    buffer_append_char(json, '}');
    listen->metadata = slice_of(arena_copy(check->arena, buffer_slice(json)), json->size_bytes);
    return listen->metadata.data == NULL ? RESULT_NO_MEMORY : buffer_result(json);
}

static enum result check_metadata(struct check *check, struct slice value, struct listen *listen)
{
    if (jtext_kind(value) == JSON_NULL) {
        return check_refuse(check, "JSON document may not have track_metadata with null value.");
    }
    struct jmembers members = {0};
    enum result result = RESULT_OK;
    if (jtext_kind(value) == JSON_OBJECT) { /* nothing else has members: names will be missing */
        result = jmembers_read(value, check->arena, &members);
    }
    if (result == RESULT_OK) {
        result = check_name(check, &members, "track_name", &listen->track_name);
    }
    if (result == RESULT_OK) {
        result = check_name(check, &members, "artist_name", &listen->artist_name);
    }
    if (result == RESULT_OK) {
        result = check_release(check, &members, &listen->release_name);
    }
    if (result == RESULT_OK) {
        result = check_additional_info(check, &members, listen);
    }
    return result == RESULT_OK ? keep_metadata(check, &members, listen) : result;
}

enum result check_listen(struct check *check, struct slice value, struct listen *listen)
{
    *listen = (struct listen){0};
    enum json_kind kind = jtext_kind(value);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        return check_refuse(check, "Listen is empty and cannot be validated.");
    }
    struct jmembers members = {0};
    enum result result = RESULT_OK;
    if (kind == JSON_OBJECT) { /* a list has no members: keys will be missing */
        result = jmembers_read(value, check->arena, &members);
    }
    struct slice metadata;
    if (result == RESULT_OK) {
        result = check_keys(check, &members, listen, &metadata);
    }
    if (result == RESULT_OK) {
        result = check_metadata(check, metadata, listen);
    }
    return result == RESULT_OK ? check_storable(check, value) : result;
}
