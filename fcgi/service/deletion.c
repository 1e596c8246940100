#include "service/deletion.h"

#include "base/text.h"
#include "service/access.h"
#include "service/body.h"
#include "service/change.h"

static const struct db_function listen_delete = {"listen_delete", 3};

struct deletion {
    int64_t listened_at_s;
    char msid[UUID_TEXT_SIZE];
};

static enum result read_time(const struct jvalue *body, struct arena *arena, int64_t *time_s,
                             struct error *error)
{
    const struct jvalue *value = jvalue_member(body, "listened_at");
    if (value == NULL) {
        return error_set(error, RESULT_INVALID, "deletion", "Listen timestamp missing.");
    }
    if (!body_int(value, arena, time_s)) {
        return error_set(error, RESULT_INVALID, "deletion",
                         "%.*s: Listen timestamp invalid.", SLICE_ARGS(body_shown(value)));
    }
    return RESULT_OK;
}

static enum result read_msid(const struct jvalue *body, char msid[UUID_TEXT_SIZE],
                             struct error *error)
{
    unsigned char uuid[16];
    const struct jvalue *value = jvalue_member(body, "recording_msid");
    if (value == NULL) {
        return error_set(error, RESULT_INVALID, "deletion", "Recording MSID missing.");
    }
    if (!body_uuid(value, uuid)) {
        return error_set(error, RESULT_INVALID, "deletion",
                         "%.*s: Recording MSID format invalid.", SLICE_ARGS(body_shown(value)));
    }
    text_format_uuid(uuid, msid);
    return RESULT_OK;
}

static enum result parse(const struct http_request *request, struct deletion *deletion,
                         struct error *error)
{
    struct jvalue *body = NULL;
    enum result result = body_parse(request, &body, error);
    if (result == RESULT_OK) {
        result = read_time(body, request->arena, &deletion->listened_at_s, error);
    }
    if (result == RESULT_OK) {
        result = read_msid(body, deletion->msid, error);
    }
    jvalue_free(&body);
    return result;
}

static enum result delete_listen(const struct service *service,
                                 const struct http_request *request, struct error *error)
{
    struct cache_account account;
    struct deletion deletion;
    enum result result = account_authorize(service, request, SCOPE_MANAGE, &account, error);
    if (result == RESULT_OK) {
        result = parse(request, &deletion, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    char user[DB_INT_TEXT_SIZE];
    char time[DB_INT_TEXT_SIZE];
    db_format_int(account.user_id, user);
    db_format_int(deletion.listened_at_s, time);
    const char *const params[] = {user, time, deletion.msid};
    return change_call(service, request, &account, &listen_delete, params, NULL, error);
}

void deletion_post(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct error error;
    enum result result = delete_listen(context, request, &error);
    if (result != RESULT_OK) {
        http_error_or(response, result, &error,
                      "We couldn't delete the listen. Please try again later.");
        return;
    }
    change_answer(response);
}
