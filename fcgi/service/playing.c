#include "service/playing.h"

#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/body.h"
#include "service/change.h"

static const struct db_function playing_set = {"playing_set", 9};
static const struct db_function playing_read = {"playing_get", 1};
static const struct db_function playing_clear = {"playing_clear", 2};

static const int64_t usual_lifetime_ms = 600000; /* of a track whose duration is unknown */

/* ── storing ── */

/* NULL for an empty text. */
static enum result make_param(struct arena *arena, struct slice text, const char **param)
{
    *param = text.size_bytes == 0 ? NULL : arena_copy(arena, text);
    return *param == NULL && text.size_bytes > 0 ? RESULT_NO_MEMORY : RESULT_OK;
}

static enum result make_msid(const struct listen *listen, struct arena *arena,
                             char msid[UUID_TEXT_SIZE], struct error *error)
{
    struct listen_ids ids;
    struct listen_keys keys;
    enum result result = listen_identify(listen, arena, &ids, &keys);
    if (result != RESULT_OK) {
        return error_set(error, result, "playing", "the names cannot be folded");
    }
    text_format_uuid(ids.recording.msid, msid);
    return RESULT_OK;
}

enum result playing_store(const struct service *service, const struct http_request *request,
                          const struct cache_account *account, const struct listen *listen,
                          char msid[UUID_TEXT_SIZE], struct error *error)
{
    enum result result = make_msid(listen, request->arena, msid, error);
    if (result != RESULT_OK) {
        return result;
    }
    const struct slice texts[] = {listen->client,       listen->artist_name, listen->track_name,
                                  listen->release_name, listen->info,        listen->metadata};
    enum { texts_count = sizeof texts / sizeof *texts };
    char user[DB_INT_TEXT_SIZE];
    char lifetime[DB_INT_TEXT_SIZE];
    db_format_int(account->user_id, user);
    db_format_int(listen->duration_ms > 0 ? listen->duration_ms : usual_lifetime_ms, lifetime);
    const char *params[3 + texts_count] = {user, msid, lifetime};
    for (size_t i = 0; i < texts_count; i++) {
        if (make_param(request->arena, texts[i], &params[3 + i]) != RESULT_OK) {
            return error_set(error, RESULT_NO_MEMORY, "playing", "out of memory");
        }
    }
    return change_quietly(service, request, &playing_set, params, NULL, error);
}

/* ── reading ── */

static void append_listen(struct buffer *body, struct slice metadata, struct slice user_name)
{
    buffer_append_text(body, "{\"playing_now\":true,\"user_name\":");
    jwrite_string(body, user_name);
    buffer_append_text(body, ",\"track_metadata\":");
    buffer_append_slice(body, metadata);
    buffer_append_char(body, '}');
}

static enum result fetch(const struct service *service, const struct http_request *request,
                         int64_t user_id, struct db_rows **rows, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    db_format_int(user_id, user);
    const char *const params[] = {user};
    return db_call(service->db, &playing_read, params, request->deadline_us, rows, error);
}

static enum result write_playing(const struct service *service,
                                 const struct http_request *request,
                                 const struct cache_profile *profile,
                                 struct http_response *response, struct error *error)
{
    struct db_rows *rows;
    enum result result = fetch(service, request, profile->user_id, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct buffer *body = &response->body;
    size_t count = db_rows_count(rows);
    buffer_append_text(body, "{\"payload\":{\"user_id\":");
    jwrite_string(body, request->captures[0]);
    buffer_append_format(body, ",\"playing_now\":true,\"count\":%zu,\"listens\":[", count);
    if (count > 0) {
        append_listen(body, db_rows_text(rows, 0, 0), profile->user_name);
    }
    buffer_append_text(body, "]}}\n");
    db_rows_free(&rows);
    return RESULT_OK;
}

void playing_get(void *context, const struct http_request *request,
                 struct http_response *response)
{
    static const struct answer_direct direct = {.write = write_playing};
    answer_direct(context, request, &direct, response);
}

/* ── clearing ── */

static enum result take_client(const struct jvalue *name, struct arena *arena,
                               const char **client, struct error *error)
{
    if (jvalue_kind(name) != JSON_STRING) {
        return error_set(error, RESULT_INVALID, "playing",
                         "The 'client' field must be a string.");
    }
    struct slice text = jvalue_text(name);
    if (text.size_bytes > 0 && memchr(text.data, '\0', text.size_bytes) != NULL) {
        return error_set(error, RESULT_INVALID, "playing",
                         "The 'client' field contains a unicode null.");
    }
    return make_param(arena, text, client) == RESULT_OK
               ? RESULT_OK
               : error_set(error, RESULT_NO_MEMORY, "playing", "out of memory");
}

/* The client of the body, NULL where it names none. */
static enum result parse_client(const struct http_request *request, const char **client,
                                struct error *error)
{
    *client = NULL;
    if (request->body.size_bytes == 0) {
        return RESULT_OK;
    }
    struct jvalue *body = NULL;
    enum result result = body_parse(request, &body, error);
    const struct jvalue *name = result == RESULT_OK ? jvalue_member(body, "client") : NULL;
    if (name != NULL && jvalue_kind(name) != JSON_NULL) {
        result = take_client(name, request->arena, client, error);
    }
    jvalue_free(&body);
    return result;
}

static enum result clear(const struct service *service, const struct http_request *request,
                         const struct cache_account *account, const char *client, bool *was_there,
                         struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    db_format_int(account->user_id, user);
    const char *const params[] = {user, client};
    struct db_rows *rows;
    enum result result = change_quietly(service, request, &playing_clear, params, &rows, error);
    if (result == RESULT_OK) {
        *was_there = db_rows_bool(rows, 0, 0);
        db_rows_free(&rows);
    }
    return result;
}

/* RESULT_NOT_FOUND where something else is playing than what the named client told. */
static enum result clear_playing(const struct service *service,
                                 const struct http_request *request, bool *was_there,
                                 struct error *error)
{
    struct cache_account account;
    struct db_rows *rows = NULL;
    const char *client;
    *was_there = false;
    enum result result = account_authorize(service, request, SCOPE_SUBMIT, &account, error);
    if (result == RESULT_OK) {
        result = fetch(service, request, account.user_id, &rows, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    bool is_there = db_rows_count(rows) > 0;
    db_rows_free(&rows);
    if (!is_there) { /* whatever the body says */
        return RESULT_OK;
    }
    result = parse_client(request, &client, error);
    if (result == RESULT_OK) {
        result = clear(service, request, &account, client, was_there, error);
    }
    if (result == RESULT_OK && !*was_there && client != NULL) {
        result = error_set(error, RESULT_NOT_FOUND, "playing",
                           "No playing now listen found for the specified client.");
    }
    return result;
}

void playing_clear_post(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct error error;
    bool was_there;
    enum result result = clear_playing(context, request, &was_there, &error);
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
        return;
    }
    http_cache_control(response, "no-store");
    buffer_append_format(&response->body, "{\"status\":\"ok\",\"message\":\"Playing now %s\"}\n",
                         was_there ? "cleared successfully" : "was already cleared");
}
