#include "service/change.h"

static void give_rows(struct db_rows *got, struct db_rows **rows)
{
    if (rows != NULL) {
        *rows = got;
    } else {
        db_rows_free(&got);
    }
}

enum result change_call(const struct service *service, const struct http_request *request,
                        const struct cache_account *account, const struct db_function *function,
                        const char *const *params, struct db_rows **rows, struct error *error)
{
    struct db_rows *got = NULL;
    enum result result = change_quietly(service, request, function, params, &got, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (db_rows_count(got) != 1) {
        db_rows_free(&got);
        return error_set(error, RESULT_INTERNAL, "change", "%s() gave not one row",
                         function->name);
    }
    const struct cache_versions versions = {.epoch = db_rows_int(got, 0, 0),
                                            .live = db_rows_int(got, 0, 1),
                                            .past = db_rows_int(got, 0, 2),
                                            .auth = db_rows_int(got, 0, 3)};
    cache_apply(service->cache, &account->subject, &versions);
    give_rows(got, rows);
    return RESULT_OK;
}

enum result change_quietly(const struct service *service, const struct http_request *request,
                           const struct db_function *function, const char *const *params,
                           struct db_rows **rows, struct error *error)
{
    struct db_rows *got = NULL;
    enum result result =
        db_call(service->db, function, params, request->deadline_us, &got, error);
    if (result == RESULT_OK) {
        give_rows(got, rows);
    }
    /* The token was valid a moment ago: the account has been deleted meanwhile. */
    return result == RESULT_NOT_FOUND
               ? error_set(error, RESULT_UNAUTHORIZED, "change", "Invalid authorization token.")
               : result;
}

void change_answer(struct http_response *response)
{
    http_cache_control(response, "no-store");
    buffer_append_text(&response->body, "{\"status\":\"ok\"}\n");
}
