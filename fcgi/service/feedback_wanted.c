#include "service/feedback_wanted.h"

#include "base/text.h"
#include "service/answer.h"
#include "service/body.h"

/* The ids of both kinds, as arrays of PostgreSQL's. */
struct wanted {
    struct buffer msids;
    struct buffer mbids;
    size_t count;
};

static enum result add_uuid(struct wanted *wanted, struct buffer *ids, const char *key,
                            struct slice text, struct error *error)
{
    unsigned char uuid[16];
    char formatted[UUID_TEXT_SIZE];
    if (!text_parse_uuid(text, uuid)) {
        return body_wrong_uuid(key, text, error);
    }
    text_format_uuid(uuid, formatted);
    db_array_add_text(ids, slice_text(formatted));
    wanted->count++;
    return RESULT_OK;
}

/* A list of the query, parted by commas; what is empty between them does not count. */
static enum result add_texts(struct wanted *wanted, struct buffer *ids, const char *key,
                             struct slice list, struct error *error)
{
    enum result result = RESULT_OK;
    while (list.size_bytes > 0 && result == RESULT_OK) {
        const char *comma = memchr(list.data, ',', list.size_bytes);
        size_t size = comma == NULL ? list.size_bytes : (size_t)(comma - list.data);
        struct slice text = text_trim(slice_of(list.data, size));
        if (text.size_bytes > 0) {
            result = add_uuid(wanted, ids, key, text, error);
        }
        size_t passed = comma == NULL ? size : size + 1;
        list = slice_of(list.data + passed, list.size_bytes - passed);
    }
    return result;
}

static enum result read_query(const struct http_request *request, struct wanted *wanted,
                              struct error *error)
{
    struct slice list;
    enum result result = RESULT_OK;
    if (http_query(request, "recording_msids", &list)
        || http_query(request, "recordings", &list)) {
        list = http_shown(request, list);
        result = add_texts(wanted, &wanted->msids, "recording_msids", list, error);
    }
    if (result == RESULT_OK && http_query(request, "recording_mbids", &list)) {
        list = http_shown(request, list);
        result = add_texts(wanted, &wanted->mbids, "recording_mbids", list, error);
    }
    return result;
}

static enum result add_items(struct wanted *wanted, struct buffer *ids, const char *key,
                             const struct jvalue *list, struct error *error)
{
    enum result result = RESULT_OK;
    if (list == NULL) {
        return RESULT_OK;
    }
    if (jvalue_kind(list) != JSON_ARRAY) {
        return error_set(error, RESULT_INVALID, "feedback",
                         "Invalid JSON document submitted: %s must be a list of UUIDs.", key);
    }
    for (size_t i = 0; i < jvalue_count(list) && result == RESULT_OK; i++) {
        const struct jvalue *item = jvalue_item(list, i);
        result = jvalue_kind(item) == JSON_STRING
                     ? add_uuid(wanted, ids, key, jvalue_text(item), error)
                     : body_wrong_uuid(key, body_shown(item), error);
    }
    return result;
}

static enum result read_body(const struct http_request *request, struct wanted *wanted,
                             struct error *error)
{
    struct jvalue *object = NULL;
    enum result result = body_parse(request, &object, error);
    if (result == RESULT_OK) {
        result = add_items(wanted, &wanted->msids, "recording_msids",
                           jvalue_member(object, "recording_msids"), error);
    }
    if (result == RESULT_OK) {
        result = add_items(wanted, &wanted->mbids, "recording_mbids",
                           jvalue_member(object, "recording_mbids"), error);
    }
    jvalue_free(&object);
    return result;
}

static enum result read_wanted(const struct http_request *request, struct wanted *wanted,
                               struct error *error)
{
    db_array_open(&wanted->msids);
    db_array_open(&wanted->mbids);
    enum result result = request->method == HTTP_POST ? read_body(request, wanted, error)
                                                      : read_query(request, wanted, error);
    db_array_close(&wanted->msids);
    db_array_close(&wanted->mbids);
    if (result == RESULT_OK && wanted->count == 0) {
        result = error_set(error, RESULT_INVALID, "feedback",
                           "No valid recording msid or recording mbid found.");
    }
    if (result == RESULT_OK
        && (buffer_result(&wanted->msids) != RESULT_OK
            || buffer_result(&wanted->mbids) != RESULT_OK)) {
        result = error_set(error, RESULT_NO_MEMORY, "feedback", "out of memory");
    }
    return result;
}

static enum result ask_for_wanted(const struct service *service,
                                  const struct http_request *request, int64_t user_id,
                                  const struct wanted *wanted, struct buffer *body,
                                  struct error *error)
{
    static const struct db_function fn_for = {"feedback_for", 4};
    struct db_rows *rows = NULL;
    char user[DB_INT_TEXT_SIZE];
    db_format_int(user_id, user);
    const char *name = arena_copy(request->arena, request->captures[0]);
    if (name == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "feedback", "out of memory");
    }
    const char *const params[] = {user, name, wanted->msids.data, wanted->mbids.data};
    enum result result =
        db_call(service->db, &fn_for, params, request->deadline_us, &rows, error);
    if (result == RESULT_OK) {
        buffer_append_text(body, "{\"feedback\":[");
        buffer_append_slice(body, db_rows_text(rows, 0, 0));
        buffer_append_text(body, "]}\n");
    }
    db_rows_free(&rows);
    return result;
}

static enum result write_for_recordings(const struct service *service,
                                        const struct http_request *request,
                                        const struct cache_profile *profile,
                                        struct http_response *response, struct error *error)
{
    struct wanted wanted = {.msids = BUFFER_EMPTY, .mbids = BUFFER_EMPTY};
    enum result result = read_wanted(request, &wanted, error);
    if (result == RESULT_OK) {
        result = ask_for_wanted(service, request, profile->user_id, &wanted, &response->body,
                                error);
    }
    buffer_free(&wanted.msids);
    buffer_free(&wanted.mbids);
    return result;
}

void feedback_get_for_recordings(void *context, const struct http_request *request,
                                 struct http_response *response)
{
    static const struct answer_direct direct = {.write = write_for_recordings};
    answer_direct(context, request, &direct, response);
}
