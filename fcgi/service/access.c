#include "service/access.h"

#include "base/fold.h"
#include "base/secret.h"

static const struct db_function fn_token_user = {"token_user", 1};

static enum result read_account(const struct db_rows *rows, struct arena *arena,
                                struct account *account, struct error *error)
{
    if (db_rows_count(rows) == 0) {
        return error_set(error, RESULT_UNAUTHORIZED, "access", "Invalid authorization token.");
    }
    struct slice name = db_rows_text(rows, 0, 1);
    const char *copy = arena_copy(arena, name);
    if (copy == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "access", "out of memory");
    }
    *account = (struct account){
        .user_id = db_rows_int(rows, 0, 0),
        .user_name = slice_of(copy, name.size_bytes),
        .scopes = db_rows_int(rows, 0, 3),
        .is_admin = db_rows_bool(rows, 0, 4),
    };
    return RESULT_OK;
}

enum result account_of_token(const struct service *service, const struct http_request *request,
                             struct slice token, struct account *account, struct error *error)
{
    unsigned char hash[SECRET_HASH_SIZE];
    char hash_text[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)];
    secret_hash_token(token, hash);
    db_format_bytes(hash, sizeof hash, hash_text);
    const char *const params[] = {hash_text};
    struct db_rows *rows;
    enum result result =
        db_call(service->db, &fn_token_user, params, request->deadline_us, &rows, error);
    if (result == RESULT_OK) {
        result = read_account(rows, request->arena, account, error);
        db_rows_free(&rows);
    }
    return result;
}

enum result account_authorize(const struct service *service, const struct http_request *request,
                              enum scope scope, struct account *account, struct error *error)
{
    struct slice scheme;
    struct slice secret;
    if (request->authorization.size_bytes == 0) {
        return error_set(error, RESULT_UNAUTHORIZED, "access",
                         "You need to provide an Authorization header.");
    }
    if (!http_authorization(request, &scheme, &secret)) {
        return error_set(error, RESULT_UNAUTHORIZED, "access",
                         "Provided Authorization header is invalid.");
    }
    enum result result = account_of_token(service, request, secret, account, error);
    if (result == RESULT_OK && (account->scopes & (int64_t)scope) == 0) {
        result = error_set(error, RESULT_UNAUTHORIZED, "access", "Insufficient scope.");
    }
    return result;
}

static bool may_see(const struct cache_profile *profile)
{
    bool is_owner =
        profile->viewer_id == profile->user_id && (profile->viewer_scopes & SCOPE_READ) != 0;
    return profile->is_public || is_owner;
}

enum result access_open_reader(const struct service *service, const struct http_request *request,
                               struct cache_reader **reader, struct error *error)
{
    struct buffer folded = BUFFER_EMPTY;
    enum result result = fold_append(&folded, request->captures[0]);
    const char *name = result == RESULT_OK ? arena_copy(request->arena, buffer_slice(&folded))
                                           : NULL;
    size_t size = folded.size_bytes;
    buffer_free(&folded);
    if (name == NULL) {
        return error_set(error, result == RESULT_INVALID ? RESULT_NOT_FOUND : RESULT_NO_MEMORY,
                         "access", "the name cannot be folded");
    }
    struct slice scheme;
    struct slice secret;
    unsigned char *hash = NULL;
    if (http_authorization(request, &scheme, &secret)) {
        hash = arena_alloc(request->arena, SECRET_HASH_SIZE);
        if (hash != NULL) {
            secret_hash_token(secret, hash);
        }
    }
    const struct cache_request wanted = {
        .folded_name = slice_of(name, size),
        .token_hash = hash,
        .admit = may_see,
        .arena = request->arena,
        .deadline_us = request->deadline_us,
    };
    *reader = cache_reader_open(service->cache, &wanted);
    return *reader == NULL ? error_set(error, RESULT_NO_MEMORY, "access", "out of memory")
                           : RESULT_OK;
}
