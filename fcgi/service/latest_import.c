#include "service/latest_import.h"

#include "base/clock.h"
#include "json/json.h"
#include "listen/listen.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/body.h"
#include "service/change.h"

#include <strings.h>

static const struct db_function latest_read = {"latest_import_get", 2};
static const struct db_function latest_raise = {"latest_import_raise", 3};

/* What ListenBrainz knows; case does not matter. */
static const char *const services[] = {
    "apple",           "critiquebrainz",   "funkwhale",        "lastfm",
    "librefm",         "musicbrainz",      "musicbrainz_beta", "musicbrainz_prod",
    "musicbrainz_test", "navidrome",       "soundcloud",       "spotify",
};

/* NULL for an unknown one. */
static const char *find_service(struct slice name)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (name.size_bytes == strlen(services[i])
            && strncasecmp(name.data, services[i], name.size_bytes) == 0) {
            return services[i];
        }
    }
    return NULL;
}

/* ── reading ── */

static struct slice service_of_query(const struct http_request *request)
{
    struct slice name;
    return http_query(request, "service", &name) ? name : slice_text("lastfm");
}

static enum result write_latest(const struct service *service,
                                const struct http_request *request,
                                const struct cache_profile *profile,
                                struct http_response *response, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    db_format_int(profile->user_id, user);
    const char *const params[] = {user, find_service(service_of_query(request))};
    struct db_rows *rows;
    enum result result =
        db_call(service->db, &latest_read, params, request->deadline_us, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct buffer *body = &response->body;
    buffer_append_text(body, "{\"musicbrainz_id\":");
    jwrite_string(body, profile->user_name);
    buffer_append_text(body, ",\"latest_import\":");
    buffer_append_int(body, db_rows_int(rows, 0, 0));
    buffer_append_text(body, ",\"status\":null,\"error\":null}\n");
    db_rows_free(&rows);
    return RESULT_OK;
}

void latest_import_get(void *context, const struct http_request *request,
                       struct http_response *response)
{
    static const struct answer_direct direct = {.write = write_latest};
    struct slice name = service_of_query(request);
    if (find_service(name) == NULL) {
        name = http_shown(request, name);
        http_error(response, 404, "Service does not exist: %.*s", SLICE_ARGS(name));
        return;
    }
    /* The name stands in the query where other paths have it in themselves. */
    struct http_request of_user = *request;
    if (!http_query(request, "user_name", &of_user.captures[0])) {
        of_user.captures[0] = slice_text("");
    }
    answer_direct(context, &of_user, &direct, response);
}

/* ── writing ── */

static enum result read_body(const struct jvalue *body, struct arena *arena, int64_t *ts,
                             const char **service)
{
    const struct jvalue *time = jvalue_member(body, "ts");
    const struct jvalue *name = jvalue_member(body, "service");
    *ts = 0;
    *service = "lastfm";
    if (time != NULL && !body_int(time, arena, ts)) {
        return RESULT_INVALID;
    }
    if (*ts >= clock_wall_s() + LISTEN_FUTURE_MAX_S) { /* it would never go down again */
        return RESULT_INVALID;
    }
    if (name != NULL) {
        *service =
            jvalue_kind(name) == JSON_STRING ? find_service(jvalue_text(name)) : NULL;
    }
    return *service == NULL ? RESULT_INVALID : RESULT_OK;
}

static enum result parse(const struct http_request *request, int64_t *ts, const char **service,
                         struct error *error)
{
    struct jvalue *body = NULL;
    enum result result = body_parse(request, &body, error);
    if (result == RESULT_OK) {
        result = read_body(body, request->arena, ts, service);
    }
    jvalue_free(&body);
    return result == RESULT_INVALID
               ? error_set(error, result, "latest-import", "Invalid data sent")
               : result;
}

static enum result raise_latest(const struct service *service,
                                const struct http_request *request, struct error *error)
{
    struct cache_account account;
    int64_t ts = 0;
    const char *source = NULL;
    enum result result = account_authorize(service, request, SCOPE_SUBMIT, &account, error);
    if (result == RESULT_OK) {
        result = parse(request, &ts, &source, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    char user[DB_INT_TEXT_SIZE];
    char time[DB_INT_TEXT_SIZE];
    db_format_int(account.user_id, user);
    db_format_int(ts, time);
    const char *const params[] = {user, source, time};
    return change_quietly(service, request, &latest_raise, params, NULL, error);
}

void latest_import_post(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct error error;
    enum result result = raise_latest(context, request, &error);
    if (result != RESULT_OK) {
        http_error_or(response, result, &error, "Could not update latest_import, try again");
        return;
    }
    change_answer(response);
}
