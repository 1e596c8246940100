/*
 * additional_info is stored flat: {"a":{"b":1}} as "a.b": 1. A long key above many short ones would
 * be repeated for each of them, so what comes out may not be much longer than what went in.
 */
#include "listen/check.h"

enum {
    growth_max_factor = 2,
    growth_free_bytes = 10240,
};

struct flat {
    struct check *check;
    struct jmembers members;
    size_t left_bytes;
};

/* "prefix.key", or the key alone at the top. */
static enum result join_key(struct flat *flat, struct slice prefix, struct slice key,
                            struct slice *joined)
{
    *joined = key;
    size_t size = prefix.size_bytes + 1 + key.size_bytes;
    if (prefix.data == NULL) {
        return RESULT_OK;
    }
    if (size > flat->left_bytes) {
        return check_refuse(flat->check, "track_metadata.additional_info grows too large when its"
                                         " nested objects are flattened.");
    }
    flat->left_bytes -= size;
    char *data = arena_alloc(flat->check->arena, size);
    if (data == NULL) {
        return RESULT_NO_MEMORY;
    }
    memcpy(data, prefix.data, prefix.size_bytes);
    data[prefix.size_bytes] = '.';
    memcpy(data + prefix.size_bytes + 1, key.data, key.size_bytes);
    *joined = slice_of(data, size);
    return RESULT_OK;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static enum result flatten(struct flat *flat, struct slice prefix, const struct jmembers *members)
{
    enum result result = RESULT_OK;
    for (size_t i = 0; i < members->count && result == RESULT_OK; i++) {
        const struct jmember *member = &members->items[i];
        struct slice key;
        if (member->value.data == NULL) {
            continue;
        }
        result = join_key(flat, prefix, member->key, &key);
        if (result != RESULT_OK) {
            break;
        }
        if (jtext_kind(member->value) != JSON_OBJECT) {
            result = jmembers_add(&flat->members, flat->check->arena, key, member->value);
            continue;
        }
        struct jmembers inner;
        result = jmembers_read(member->value, flat->check->arena, &inner);
        if (result == RESULT_OK) {
            result = flatten(flat, key, &inner);
        }
    }
    return result;
}

static enum result write_info(struct check *check, const struct jmembers *members,
                              struct slice *info)
{
    struct buffer *json = &check->scratch;
    buffer_clear(json);
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].value.data != NULL) {
            buffer_append_char(json, json->size_bytes == 0 ? '{' : ',');
            jwrite_string(json, members->items[i].key);
            buffer_append_char(json, ':');
            buffer_append_slice(json, members->items[i].value);
        }
    }
    if (json->size_bytes == 0) {
        return buffer_result(json);
    }
    buffer_append_char(json, '}');
    *info = slice_of(arena_copy(check->arena, buffer_slice(json)), json->size_bytes);
    return info->data == NULL ? RESULT_NO_MEMORY : buffer_result(json);
}

/* A client's name that is no text, or is empty, stays with the rest. */
static enum result take_client(struct check *check, struct jmembers *members,
                               struct listen *listen)
{
    struct jmember *client = jmembers_find(members, "submission_client");
    if (client == NULL || jtext_kind(client->value) != JSON_STRING
        || client->value.size_bytes == 2) {
        return RESULT_OK;
    }
    enum result result =
        jtext_unescape(jtext_inside(client->value), check->arena, &listen->client);
    client->value = slice_of(NULL, 0);
    return result;
}

/* Replaces the members by the flat form, each key once. */
static enum result make_flat(struct check *check, size_t sent_bytes, struct jmembers *members)
{
    bool nested = false;
    for (size_t i = 0; i < members->count; i++) {
        struct slice value = members->items[i].value;
        nested = nested || (value.data != NULL && jtext_kind(value) == JSON_OBJECT);
    }
    if (!nested) {
        return RESULT_OK;
    }
    struct flat flat = {
        .check = check,
        .left_bytes = growth_max_factor * sent_bytes + growth_free_bytes,
    };
    enum result result = flatten(&flat, slice_of(NULL, 0), members);
    if (result == RESULT_OK) {
        result = jmembers_unite(&flat.members, check->arena);
    }
    *members = flat.members;
    return result;
}

enum result check_info(struct check *check, struct slice object, struct listen *listen)
{
    struct jmembers members;
    enum result result = jmembers_read(object, check->arena, &members);
    if (result == RESULT_OK) {
        result = check_fields(check, &members, listen);
    }
    if (result == RESULT_OK) {
        result = take_client(check, &members, listen);
    }
    if (result == RESULT_OK) {
        result = make_flat(check, object.size_bytes, &members);
    }
    return result == RESULT_OK ? write_info(check, &members, &listen->info) : result;
}
