#include "service/social.h"

#include "base/fold.h"
#include "base/text.h"
#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/change.h"

/* A user who is unknown, or whom nobody is to know of. */
static const char unknown_before[] = "User ";
static const char unknown_after[] = " not found";

static void fail_to_find(const struct http_request *request, struct http_response *response)
{
    http_error(response, 404, "%s%.*s%s", unknown_before, SLICE_ARGS(request->captures[0]),
               unknown_after);
}

/* ── following ── */

/* Calls a function of who asks and the folded name of the user whom the path names. RESULT_NOT_FOUND
 * where nobody can have that name. */
static enum result change_follow(const struct service *service, const struct http_request *request,
                                 const struct db_function *function, struct db_rows **rows,
                                 struct error *error)
{
    struct cache_account account;
    struct slice name_key;
    char user[DB_INT_TEXT_SIZE];
    enum result result = account_authorize(service, request, SCOPE_MANAGE, &account, error);
    if (result != RESULT_OK) {
        return result;
    }
    result = access_fold_name(request, &name_key, error);
    if (result != RESULT_OK) {
        return result;
    }
    db_format_int(account.user_id, user);
    const char *const params[] = {user, name_key.data};
    return change_quietly(service, request, function, params, rows, error);
}

static void answer_follow(const struct http_request *request, const struct db_rows *rows,
                          struct http_response *response)
{
    struct slice outcome = db_rows_text(rows, 0, 0);
    if (slice_is(outcome, "followed")) {
        change_answer(response);
    } else if (slice_is(outcome, "self")) {
        http_error(response, 400, "Whoops, cannot follow yourself.");
    } else if (slice_is(outcome, "twice")) {
        http_error(response, 400, "%.*s is already following user %.*s",
                   SLICE_ARGS(db_rows_text(rows, 0, 1)), SLICE_ARGS(db_rows_text(rows, 0, 2)));
    } else {
        fail_to_find(request, response);
    }
}

static void answer_unfollow(const struct http_request *request, const struct db_rows *rows,
                            struct http_response *response)
{
    if (db_rows_bool(rows, 0, 0)) {
        change_answer(response);
    } else {
        fail_to_find(request, response);
    }
}

static void change_and_answer(const struct service *service, const struct http_request *request,
                              const struct db_function *function,
                              void (*answer)(const struct http_request *request,
                                             const struct db_rows *rows,
                                             struct http_response *response),
                              struct http_response *response)
{
    struct error error;
    struct db_rows *rows = NULL;
    enum result result = change_follow(service, request, function, &rows, &error);
    if (result == RESULT_OK) {
        answer(request, rows, response);
    } else if (result == RESULT_NOT_FOUND) {
        fail_to_find(request, response);
    } else {
        http_error_of(response, result, &error);
    }
    db_rows_free(&rows);
}

void social_follow(void *context, const struct http_request *request,
                   struct http_response *response)
{
    static const struct db_function fn_add = {"follow_add", 2};
    change_and_answer(context, request, &fn_add, answer_follow, response);
}

void social_unfollow(void *context, const struct http_request *request,
                     struct http_response *response)
{
    static const struct db_function fn_remove = {"follow_remove", 2};
    change_and_answer(context, request, &fn_remove, answer_unfollow, response);
}

/* ── lists ── */

static enum result write_names(const struct service *service, const struct http_request *request,
                               const struct cache_profile *profile, const char *key,
                               const struct db_function *function, struct buffer *body,
                               struct error *error)
{
    struct db_rows *rows = NULL;
    char user[DB_INT_TEXT_SIZE];
    db_format_int(profile->user_id, user);
    const char *const params[] = {user};
    enum result result =
        db_call(service->db, function, params, request->deadline_us, &rows, error);
    if (result == RESULT_OK) {
        buffer_append_format(body, "{\"%s\":", key);
        buffer_append_slice(body, db_rows_text(rows, 0, 0));
        buffer_append_text(body, ",\"user\":");
        jwrite_string(body, profile->user_name);
        buffer_append_text(body, "}\n");
    }
    db_rows_free(&rows);
    return result;
}

static enum result write_followers(const struct service *service,
                                   const struct http_request *request,
                                   const struct cache_profile *profile,
                                   struct http_response *response, struct error *error)
{
    static const struct db_function fn_followers = {"follow_followers", 1};
    return write_names(service, request, profile, "followers", &fn_followers, &response->body,
                       error);
}

static enum result write_following(const struct service *service,
                                   const struct http_request *request,
                                   const struct cache_profile *profile,
                                   struct http_response *response, struct error *error)
{
    static const struct db_function fn_following = {"follow_following", 1};
    return write_names(service, request, profile, "following", &fn_following, &response->body,
                       error);
}

/* Nobody has been compared with anybody. */
static enum result write_similar(const struct service *service, const struct http_request *request,
                                 const struct cache_profile *profile,
                                 struct http_response *response, struct error *error)
{
    (void)service;
    (void)request;
    (void)profile;
    (void)error;
    buffer_append_text(&response->body, "{\"payload\":[]}\n");
    return RESULT_OK;
}

static void answer_list(const struct service *service, const struct http_request *request,
                        answer_direct_writer *write, struct http_response *response)
{
    const struct answer_direct direct = {
        .write = write, .unknown_before = unknown_before, .unknown_after = unknown_after};
    answer_direct(service, request, &direct, response);
}

void social_get_followers(void *context, const struct http_request *request,
                          struct http_response *response)
{
    answer_list(context, request, write_followers, response);
}

void social_get_following(void *context, const struct http_request *request,
                          struct http_response *response)
{
    answer_list(context, request, write_following, response);
}

void social_get_similar(void *context, const struct http_request *request,
                        struct http_response *response)
{
    answer_list(context, request, write_similar, response);
}

/* ── search ── */

/* The folded text, empty where no name can be like it. PostgreSQL takes the longer the longer it
 * is: seconds for some thousand characters. */
static enum result parse_term(const struct http_request *request, struct slice *term,
                              struct error *error)
{
    struct slice text;
    *term = slice_of(NULL, 0);
    if (!http_query(request, "search_term", &text) || text.size_bytes == 0
        || memchr(text.data, '\0', text.size_bytes) != NULL) {
        return RESULT_OK;
    }
    struct slice folded;
    enum result result = fold_copy(request->arena, text, &folded);
    if (result == RESULT_NO_MEMORY) {
        return error_set(error, result, "social", "out of memory");
    }
    if (result == RESULT_OK && text_count_chars(text_trim(text)) <= USER_NAME_CHARS_MAX) {
        *term = folded;
    }
    return RESULT_OK;
}

static void write_users(const struct db_rows *rows, struct buffer *body)
{
    buffer_append_text(body, "{\"users\":[");
    for (size_t i = 0; i < db_rows_count(rows); i++) {
        buffer_append_text(body, i > 0 ? ",{\"user_name\":" : "{\"user_name\":");
        jwrite_string(body, db_rows_text(rows, i, 0));
        buffer_append_char(body, '}');
    }
    buffer_append_text(body, "]}\n");
}

static enum result write_search(const struct service *service, const struct http_request *request,
                                struct http_response *response, struct error *error)
{
    static const struct db_function fn_search = {"user_search", 1};
    struct db_rows *rows = NULL;
    struct slice term;
    enum result result = parse_term(request, &term, error);
    if (result == RESULT_OK && term.size_bytes == 0) {
        buffer_append_text(&response->body, "{\"users\":[]}\n");
    } else if (result == RESULT_OK) {
        const char *const params[] = {term.data};
        result = db_call(service->db, &fn_search, params, request->deadline_us, &rows, error);
    }
    if (result == RESULT_OK && rows != NULL) {
        write_users(rows, &response->body);
    }
    db_rows_free(&rows);
    return result;
}

void social_search(void *context, const struct http_request *request,
                   struct http_response *response)
{
    answer_open(context, request, write_search, response);
}

/* ── connections ── */

/* Whether the path names the account's own user. */
static bool is_own(const struct http_request *request, const struct cache_account *account)
{
    struct slice named;
    struct slice own;
    return access_fold_name(request, &named, NULL) == RESULT_OK
           && fold_copy(request->arena, account->user_name, &own) == RESULT_OK
           && slice_equal(named, own);
}

void social_get_services(void *context, const struct http_request *request,
                         struct http_response *response)
{
    struct error error;
    struct cache_account account;
    enum result result = account_authorize(context, request, SCOPE_READ, &account, &error);
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
        return;
    }
    if (!is_own(request, &account)) {
        http_error(response, 403,
                   "You don't have permissions to view this user's information.");
        return;
    }
    /* Accounts cannot be connected with any. */
    buffer_append_text(&response->body, "{\"services\":[],\"user_name\":");
    jwrite_string(&response->body, request->captures[0]);
    buffer_append_text(&response->body, "}\n");
}
