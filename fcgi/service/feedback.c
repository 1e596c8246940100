#include "service/feedback.h"

#include "base/text.h"
#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/body.h"
#include "service/change.h"

#include <inttypes.h>
#include <strings.h>

const char feedback_by_msid[] = "msid";
const char feedback_by_mbid[] = "mbid";

/* ── telling it ── */

/* One of the two ids that a recording may be told by. */
struct id {
    bool is_there;
    char text[UUID_TEXT_SIZE];
};

struct feedback {
    struct id msid;
    struct id mbid;
    int64_t score;
};

static enum result check_keys(const struct http_request *request, struct error *error)
{
    struct jmembers members = {0};
    enum result result = jmembers_read(request->body, request->arena, &members);
    if (result != RESULT_OK) {
        return error_set(error, result, "feedback", "out of memory");
    }
    size_t ids = (jmembers_find(&members, "recording_msid") != NULL ? 1U : 0U)
                 + (jmembers_find(&members, "recording_mbid") != NULL ? 1U : 0U);
    if (ids == 0 || jmembers_find(&members, "score") == NULL) {
        return error_set(error, RESULT_INVALID, "feedback",
                         "JSON document must contain either recording_msid or recording_mbid, and "
                         "score top level keys");
    }
    if (members.count > ids + 1) {
        return error_set(error, RESULT_INVALID, "feedback",
                         "JSON document may only contain recording_msid, recording_mbid and score "
                         "top level keys");
    }
    return RESULT_OK;
}

static enum result read_id(const struct jvalue *object, const char *key, struct id *id,
                           struct error *error)
{
    const struct jvalue *value = jvalue_member(object, key);
    unsigned char uuid[16];
    if (value == NULL || jvalue_kind(value) == JSON_NULL) {
        return RESULT_OK;
    }
    if (!body_uuid(value, uuid)) {
        return body_wrong_uuid(key, body_shown(value), error);
    }
    id->is_there = true;
    text_format_uuid(uuid, id->text);
    return RESULT_OK;
}

static enum result read_feedback(const struct http_request *request, const struct jvalue *object,
                                 struct feedback *feedback, struct error *error)
{
    enum result result = check_keys(request, error);
    if (result == RESULT_OK) {
        result = read_id(object, "recording_msid", &feedback->msid, error);
    }
    if (result == RESULT_OK) {
        result = read_id(object, "recording_mbid", &feedback->mbid, error);
    }
    if (result == RESULT_OK && !feedback->msid.is_there && !feedback->mbid.is_there) {
        result = error_set(error, RESULT_INVALID, "feedback",
                           "Invalid JSON document submitted: at least one of recording_msid or "
                           "recording_mbid should be specified");
    }
    if (result == RESULT_OK
        && (!body_int(jvalue_member(object, "score"), request->arena, &feedback->score)
            || feedback->score < -1 || feedback->score > 1)) {
        result = error_set(error, RESULT_INVALID, "feedback",
                           "Invalid JSON document submitted: Score can have a value of 1, 0 or "
                           "-1.");
    }
    return result;
}

static enum result parse_feedback(const struct http_request *request, struct feedback *feedback,
                                  struct error *error)
{
    struct jvalue *object = NULL;
    enum result result = body_parse(request, &object, error);
    if (result == RESULT_OK) {
        result = read_feedback(request, object, feedback, error);
    }
    jvalue_free(&object);
    return result;
}

static enum result store(const struct service *service, const struct http_request *request,
                         const struct cache_account *account, const struct feedback *feedback,
                         struct error *error)
{
    static const struct db_function fn_set = {"feedback_set", 4};
    char user[DB_INT_TEXT_SIZE];
    char score[DB_INT_TEXT_SIZE];
    db_format_int(account->user_id, user);
    db_format_int(feedback->score, score);
    const char *const params[] = {user, feedback->msid.is_there ? feedback->msid.text : NULL,
                                  feedback->mbid.is_there ? feedback->mbid.text : NULL, score};
    return change_call(service, request, account, &fn_set, params, NULL, error);
}

void feedback_post(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct error error;
    struct cache_account account;
    struct feedback feedback = {0};
    enum result result = account_authorize(context, request, SCOPE_SUBMIT, &account, &error);
    if (result == RESULT_OK) {
        result = parse_feedback(request, &feedback, &error);
    }
    if (result == RESULT_OK) {
        result = store(context, request, &account, &feedback, &error);
    }
    if (result == RESULT_OK) {
        change_answer(response);
    } else {
        http_error_of(response, result, &error);
    }
}

/* ── lists ── */

/* What part of a list is wanted, as parameters of a function. */
struct page {
    bool has_score;
    int64_t offset;
    char score[DB_INT_TEXT_SIZE];
    char skip[DB_INT_TEXT_SIZE];
    char count[DB_INT_TEXT_SIZE];
    const char *with_metadata;
};

static enum result parse_metadata(const struct http_request *request, const char **with_metadata,
                                  struct error *error)
{
    struct slice text;
    *with_metadata = "false";
    if (!http_query(request, "metadata", &text) || text.size_bytes == 0) {
        return RESULT_OK;
    }
    if (text.size_bytes == 4 && strncasecmp(text.data, "true", 4) == 0) {
        *with_metadata = "true";
        return RESULT_OK;
    }
    if (text.size_bytes == 5 && strncasecmp(text.data, "false", 5) == 0) {
        return RESULT_OK;
    }
    text = http_shown(request, text);
    return error_set(error, RESULT_INVALID, "feedback",
                     "Invalid metadata argument: %.*s. Must be 'true' or 'false'",
                     SLICE_ARGS(text));
}

/* In the order in which ListenBrainz finds what is wrong. */
static enum result parse_page(const struct http_request *request, bool knows_metadata,
                              struct page *page, struct error *error)
{
    struct slice text = {0};
    int64_t score = 0;
    int64_t count;
    if (!answer_query_int(request, "score", &score, &text) && text.size_bytes > 0) {
        return error_set(error, RESULT_INVALID, "feedback", "Invalid score argument: %.*s",
                         SLICE_ARGS(text));
    }
    page->has_score = text.size_bytes > 0;
    enum result result =
        knows_metadata ? parse_metadata(request, &page->with_metadata, error) : RESULT_OK;
    if (result == RESULT_OK) {
        result = answer_query_span(request, ANSWER_COUNT_DEFAULT, &page->offset, &count, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    if (page->has_score && score != 1 && score != -1) {
        return error_set(error, RESULT_INVALID, "feedback",
                         "Score can have a value of 1 or -1.");
    }
    db_format_int(score, page->score);
    db_format_int(page->offset, page->skip);
    db_format_int(count, page->count);
    return RESULT_OK;
}

/* Calls a function that answers with one row: how many there are, how many are listed, the list. */
static enum result write_list(const struct service *service, const struct http_request *request,
                              const struct page *page, const struct db_function *function,
                              const char *const *params, struct buffer *body,
                              struct error *error)
{
    struct db_rows *rows = NULL;
    enum result result =
        db_call(service->db, function, params, request->deadline_us, &rows, error);
    if (result == RESULT_OK) {
        buffer_append_text(body, "{\"feedback\":[");
        buffer_append_slice(body, db_rows_text(rows, 0, 2));
        buffer_append_format(body,
                             "],\"count\":%" PRId64 ",\"total_count\":%" PRId64
                             ",\"offset\":%" PRId64 "}\n",
                             db_rows_int(rows, 0, 1), db_rows_int(rows, 0, 0), page->offset);
    }
    db_rows_free(&rows);
    return result;
}

static enum result write_of_user(const struct service *service,
                                 const struct http_request *request,
                                 const struct cache_profile *profile,
                                 struct http_response *response, struct error *error)
{
    static const struct db_function fn_list = {"feedback_list", 5};
    struct page page;
    char user[DB_INT_TEXT_SIZE];
    enum result result = parse_page(request, true, &page, error);
    if (result != RESULT_OK) {
        return result;
    }
    db_format_int(profile->user_id, user);
    const char *const params[] = {user, page.has_score ? page.score : NULL, page.skip, page.count,
                                  page.with_metadata};
    return write_list(service, request, &page, &fn_list, params, &response->body, error);
}

void feedback_get_of_user(void *context, const struct http_request *request,
                          struct http_response *response)
{
    static const struct answer_direct direct = {.write = write_of_user};
    answer_direct(context, request, &direct, response);
}

static enum result write_of_recording(const struct service *service,
                                      const struct http_request *request,
                                      struct http_response *response, struct error *error)
{
    static const struct db_function fn_about = {"feedback_about", 5};
    const char *kind = request->route->detail;
    struct page page;
    unsigned char uuid[16];
    char recording[UUID_TEXT_SIZE];
    if (!text_parse_uuid(request->captures[0], uuid)) {
        return error_set(error, RESULT_INVALID, "feedback", "%.*s %s format invalid.",
                         SLICE_ARGS(request->captures[0]), kind);
    }
    enum result result = parse_page(request, false, &page, error);
    if (result != RESULT_OK) {
        return result;
    }
    text_format_uuid(uuid, recording);
    const char *const params[] = {recording, kind == feedback_by_mbid ? "true" : "false",
                                  page.has_score ? page.score : NULL, page.skip, page.count};
    return write_list(service, request, &page, &fn_about, params, &response->body, error);
}

void feedback_get_of_recording(void *context, const struct http_request *request,
                               struct http_response *response)
{
    answer_open(context, request, write_of_recording, response);
}
