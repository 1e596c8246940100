#include "base/text.h"
#include "listen/check.h"
#include "listen/coerce.h"

enum {
    tags_max = 50,
    tag_max_chars = 64,
    credit_max = 100, /* artists that one recording may bring into the catalogue everybody shares */
};

static const int64_t duration_max_s = 2073600; /* 24 days */

/* ── tags ── */

static enum result check_tag(struct check *check, struct slice value)
{
    if (jtext_kind(value) != JSON_STRING) {
        return check_refuse(check,
                            "track_metadata.additional_info.tags must be a list of strings.");
    }
    struct slice tag;
    enum result result = jtext_unescape(jtext_inside(value), check->arena, &tag);
    if (result == RESULT_OK && text_count_chars(tag) > tag_max_chars) {
        return check_refuse(check, "JSON document may not contain track_metadata.additional_info"
                                   ".tags longer than %d characters.", tag_max_chars);
    }
    return result;
}

/* "[value]" in the arena. */
static enum result make_list(struct check *check, struct slice value, struct slice *list)
{
    buffer_clear(&check->scratch);
    buffer_append_char(&check->scratch, '[');
    buffer_append_slice(&check->scratch, value);
    buffer_append_char(&check->scratch, ']');
    *list = slice_of(arena_copy(check->arena, buffer_slice(&check->scratch)),
                     check->scratch.size_bytes);
    return list->data == NULL ? RESULT_NO_MEMORY : buffer_result(&check->scratch);
}

static enum result check_tags(struct check *check, struct jmember *tags)
{
    enum json_kind kind = jtext_kind(tags->value);
    if (kind == JSON_NULL || slice_is(tags->value, "\"\"")) {
        tags->value = slice_of(NULL, 0);
        return RESULT_OK;
    }
    if (kind != JSON_ARRAY) { /* one tag without its list */
        enum result result = check_tag(check, tags->value);
        return result == RESULT_OK ? make_list(check, tags->value, &tags->value) : result;
    }
    struct jtext_cursor cursor = {0};
    struct slice tag;
    size_t count = 0;
    while (jtext_next_item(tags->value, &cursor, &tag)) {
        count++;
    }
    if (count > tags_max) {
        return check_refuse(check, "JSON document may not contain more than %d items in"
                                   " track_metadata.additional_info.tags.", tags_max);
    }
    cursor = (struct jtext_cursor){0};
    enum result result = RESULT_OK;
    while (result == RESULT_OK && jtext_next_item(tags->value, &cursor, &tag)) {
        result = check_tag(check, tag);
    }
    return result;
}

/* ── durations ── */

static enum result check_duration(struct check *check, struct jmember *member, const char *key,
                                  int64_t max, int64_t *duration)
{
    enum result result = coerce_float(member->value, check->arena, duration);
    if (result == RESULT_INVALID || (result == RESULT_OK && *duration <= 0)) {
        return check_refuse(check, "Value for %s is invalid, should be a positive integer.", key);
    }
    if (result != RESULT_OK) {
        return result;
    }
    if (*duration > max) {
        return check_refuse(check, "Value for %s is too large, max permitted value is %lld", key,
                            (long long)max);
    }
    buffer_clear(&check->scratch);
    buffer_append_int(&check->scratch, *duration);
    member->value = slice_of(arena_copy(check->arena, buffer_slice(&check->scratch)),
                             check->scratch.size_bytes);
    return member->value.data == NULL ? RESULT_NO_MEMORY : buffer_result(&check->scratch);
}

static enum result check_durations(struct check *check, struct jmembers *members,
                                   struct listen *listen)
{
    struct jmember *seconds = jmembers_find(members, "duration");
    struct jmember *milliseconds = jmembers_find(members, "duration_ms");
    if (seconds != NULL && milliseconds != NULL) {
        return check_refuse(check,
                            "JSON document should not contain both duration and duration_ms.");
    }
    if (milliseconds != NULL) {
        return check_duration(check, milliseconds, "duration_ms", 1000 * duration_max_s,
                              &listen->duration_ms);
    }
    if (seconds == NULL) {
        return RESULT_OK;
    }
    int64_t duration_s;
    enum result result = check_duration(check, seconds, "duration", duration_max_s, &duration_s);
    if (result == RESULT_OK) {
        listen->duration_ms = 1000 * duration_s;
    }
    return result;
}

/* ── MBIDs ── */

/* The canonical text of one MBID. */
static enum result check_mbid(struct check *check, const char *key, struct slice value,
                              char text[UUID_TEXT_SIZE])
{
    struct slice mbid = slice_of(NULL, 0);
    if (jtext_kind(value) == JSON_STRING
        && jtext_unescape(jtext_inside(value), check->arena, &mbid) != RESULT_OK) {
        return RESULT_NO_MEMORY;
    }
    unsigned char uuid[16];
    if (!text_parse_uuid(mbid, uuid)) {
        return check_refuse(check, "%s MBID format invalid.", key);
    }
    text_format_uuid(uuid, text);
    return RESULT_OK;
}

static enum result check_single_mbid(struct check *check, struct jmembers *members,
                                     const char *key, struct slice *canonical)
{
    struct jmember *member = jmembers_find(members, key);
    if (member == NULL) {
        return RESULT_OK;
    }
    if (coerce_is_falsy(member->value)) {
        member->value = slice_of(NULL, 0);
        return RESULT_OK;
    }
    char text[UUID_TEXT_SIZE];
    enum result result = check_mbid(check, key, member->value, text);
    if (result == RESULT_OK && canonical != NULL) {
        *canonical = slice_of(arena_copy(check->arena, slice_text(text)), strlen(text));
        result = canonical->data == NULL ? RESULT_NO_MEMORY : RESULT_OK;
    }
    return result;
}

/* Rewrites a list of MBIDs without its empty members; `canonical` is "{uuid,uuid}". */
static enum result filter_mbids(struct check *check, struct jmember *member, const char *key,
                                struct buffer *canonical)
{
    struct buffer *kept = &check->scratch;
    buffer_clear(kept);
    struct jtext_cursor cursor = {0};
    struct slice item;
    while (jtext_next_item(member->value, &cursor, &item)) {
        if (coerce_is_falsy(item)) {
            continue;
        }
        char text[UUID_TEXT_SIZE];
        enum result result = check_mbid(check, key, item, text);
        if (result != RESULT_OK) {
            return result;
        }
        buffer_append_char(kept, kept->size_bytes == 0 ? '[' : ',');
        buffer_append_slice(kept, item);
        buffer_append_char(canonical, canonical->size_bytes == 0 ? '{' : ',');
        buffer_append_text(canonical, text);
    }
    member->value = slice_of(NULL, 0);
    if (kept->size_bytes > 0) {
        buffer_append_char(kept, ']');
        buffer_append_char(canonical, '}');
        member->value = slice_of(arena_copy(check->arena, buffer_slice(kept)), kept->size_bytes);
        if (member->value.data == NULL || buffer_result(canonical) != RESULT_OK) {
            return RESULT_NO_MEMORY;
        }
    }
    return buffer_result(kept);
}

static enum result check_mbid_list(struct check *check, struct jmembers *members,
                                   const char *key, struct slice *canonical)
{
    struct jmember *member = jmembers_find(members, key);
    if (member == NULL) {
        return RESULT_OK;
    }
    if (coerce_is_falsy(member->value)) {
        member->value = slice_of(NULL, 0);
        return RESULT_OK;
    }
    enum result result = RESULT_OK;
    if (jtext_kind(member->value) != JSON_ARRAY) { /* one MBID without its list */
        result = make_list(check, member->value, &member->value);
    }
    struct buffer list = BUFFER_EMPTY;
    if (result == RESULT_OK) {
        result = filter_mbids(check, member, key, &list);
    }
    size_t count = list.size_bytes / UUID_TEXT_SIZE;
    if (result == RESULT_OK && canonical != NULL && count > 0 && count <= credit_max) {
        *canonical = slice_of(arena_copy(check->arena, buffer_slice(&list)), list.size_bytes);
        result = canonical->data == NULL ? RESULT_NO_MEMORY : RESULT_OK;
    }
    buffer_free(&list);
    return result;
}

static enum result check_mbids(struct check *check, struct jmembers *members,
                               struct listen *listen)
{
    const struct {
        const char *key;
        enum result (*run)(struct check *, struct jmembers *, const char *, struct slice *);
        struct slice *canonical;
    } fields[] = {
        {"release_mbid", check_single_mbid, &listen->release_mbid},
        {"recording_mbid", check_single_mbid, &listen->recording_mbid},
        {"release_group_mbid", check_single_mbid, &listen->release_group_mbid},
        {"track_mbid", check_single_mbid, NULL},
        {"artist_mbids", check_mbid_list, &listen->artist_mbids},
        {"work_mbids", check_mbid_list, NULL},
    };
    enum result result = RESULT_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && result == RESULT_OK; i++) {
        result = fields[i].run(check, members, fields[i].key, fields[i].canonical);
    }
    return result;
}

enum result check_fields(struct check *check, struct jmembers *members, struct listen *listen)
{
    enum result result = RESULT_OK;
    struct jmember *tags = jmembers_find(members, "tags");
    if (tags != NULL) {
        result = check_tags(check, tags);
    }
    if (result == RESULT_OK) {
        result = check_durations(check, members, listen);
    }
    return result == RESULT_OK ? check_mbids(check, members, listen) : result;
}
