#include "service/body.h"

#include "base/text.h"
#include "listen/coerce.h"

enum { shown_max_bytes = 160 };

enum result body_parse(const struct http_request *request, struct jvalue **object,
                       struct error *error)
{
    if (request->body.size_bytes > BODY_MAX_BYTES) {
        return error_set(error, RESULT_TOO_LARGE, "body",
                         "The body has %zu bytes, allowed are %d.", request->body.size_bytes,
                         BODY_MAX_BYTES);
    }
    enum result result = jtext_check_object(request->body, error);
    return result == RESULT_OK ? jvalue_parse(request->body, object, error) : result;
}

bool body_int(const struct jvalue *value, struct arena *arena, int64_t *number)
{
    return coerce_int(jvalue_json(value), arena, number) == RESULT_OK;
}

bool body_uuid(const struct jvalue *value, unsigned char uuid[16])
{
    return jvalue_kind(value) == JSON_STRING && text_parse_uuid(jvalue_text(value), uuid);
}

struct slice body_shown(const struct jvalue *value)
{
    struct slice text =
        jvalue_kind(value) == JSON_STRING ? jvalue_text(value) : jvalue_json(value);
    return text_start(text, shown_max_bytes);
}

enum result body_wrong_uuid(const char *key, struct slice text, struct error *error)
{
    return error_set(error, RESULT_INVALID, "body",
                     "Invalid JSON document submitted: %s '%.*s' must be a valid UUID.", key,
                     SLICE_ARGS(text));
}
