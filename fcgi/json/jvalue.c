/*
 * The only file that knows json-c. Its null is the NULL pointer, and so would be an absent member,
 * so a null goes out as the address of `null_value`.
 */
#include "json/json.h"

#include <assert.h>
#include <json-c/json.h>
#include <limits.h>

static char null_value;

static struct jvalue *wrap(struct json_object *object)
{
    return object == NULL ? (struct jvalue *)&null_value : (struct jvalue *)object;
}

static struct json_object *unwrap(const struct jvalue *value)
{
    return (const char *)value == &null_value ? NULL : (struct json_object *)value;
}

/* Strings alone can be keys, and only a key has a colon behind it. */
static bool is_key(struct slice text, struct slice scalar)
{
    const char *p = scalar.data + scalar.size_bytes;
    const char *end = text.data + text.size_bytes;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
        p++;
    }
    return p < end && *p == ':';
}

static bool has_nul_key(struct slice text)
{
    static const char escape[] = "\\u0000";
    if (memmem(text.data, text.size_bytes, escape, sizeof escape - 1) == NULL) {
        return false;
    }
    struct jtext_cursor cursor = {0};
    struct slice scalar;
    while (jtext_next_scalar(text, &cursor, &scalar)) {
        if (scalar.data[0] == '"' && jtext_has_nul(jtext_inside(scalar))
            && is_key(text, scalar)) {
            return true;
        }
    }
    return false;
}

enum result jvalue_parse(struct slice text, struct jvalue **value, struct error *error)
{
    if (has_nul_key(text)) {
        return error_set(error, RESULT_INVALID, "json", "a key contains a unicode null");
    }
    if (text.size_bytes > INT_MAX) {
        return error_set(error, RESULT_TOO_LARGE, "json", "longer than %d bytes", INT_MAX);
    }
    /* json-c counts one level for the scalar inside the innermost container. */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    if (tokener == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "json", "out of memory");
    }
    struct json_object *object =
        json_tokener_parse_ex(tokener, text.data, (int)text.size_bytes);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        /* A number at the end of the text might go on; this says that it doesn't. */
        object = json_tokener_parse_ex(tokener, "", 1);
    }
    enum json_tokener_error failure = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (failure != json_tokener_success) {
        return error_set(error, RESULT_INTERNAL, "json", "json-c refuses checked text: %s",
                         json_tokener_error_desc(failure));
    }
    *value = wrap(object);
    return RESULT_OK;
}

void jvalue_free(struct jvalue **value)
{
    if (*value != NULL) {
        json_object_put(unwrap(*value));
        *value = NULL;
    }
}

enum json_kind jvalue_kind(const struct jvalue *value)
{
    switch (json_object_get_type(unwrap(value))) {
    case json_type_boolean:
        return JSON_BOOL;
    case json_type_int:
    case json_type_double:
        return JSON_NUMBER;
    case json_type_string:
        return JSON_STRING;
    case json_type_array:
        return JSON_ARRAY;
    case json_type_object:
        return JSON_OBJECT;
    case json_type_null:
        break;
    }
    return JSON_NULL;
}

const struct jvalue *jvalue_member(const struct jvalue *object, const char *key)
{
    assert(jvalue_kind(object) == JSON_OBJECT);
    struct json_object *member;
    return json_object_object_get_ex(unwrap(object), key, &member) ? wrap(member) : NULL;
}

size_t jvalue_count(const struct jvalue *array)
{
    assert(jvalue_kind(array) == JSON_ARRAY);
    return json_object_array_length(unwrap(array));
}

const struct jvalue *jvalue_item(const struct jvalue *array, size_t index)
{
    assert(index < jvalue_count(array));
    return wrap(json_object_array_get_idx(unwrap(array), index));
}

struct slice jvalue_text(const struct jvalue *string)
{
    assert(jvalue_kind(string) == JSON_STRING);
    struct json_object *object = unwrap(string);
    return slice_of(json_object_get_string(object),
                    (size_t)json_object_get_string_len(object));
}

bool jvalue_int(const struct jvalue *value, int64_t *number)
{
    struct json_object *object = unwrap(value);
    if (json_object_get_type(object) != json_type_int) {
        return false;
    }
    int64_t read = json_object_get_int64(object);
    /* What does not fit has been cut to the nearest that does: INT64_MIN, or more than INT64_MAX in
     * json-c's unsigned form. */
    if (read == INT64_MIN || (read == INT64_MAX && json_object_get_uint64(object) != INT64_MAX)) {
        return false;
    }
    *number = read;
    return true;
}

struct slice jvalue_json(const struct jvalue *value)
{
    const char *text = json_object_to_json_string_ext(unwrap(value), JSON_C_TO_STRING_PLAIN
                                                          | JSON_C_TO_STRING_NOSLASHESCAPE);
    return text == NULL ? slice_of(NULL, 0) : slice_text(text);
}
