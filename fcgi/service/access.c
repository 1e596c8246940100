#include "service/access.h"

#include "base/fold.h"
#include "base/secret.h"

enum result account_of_token(const struct service *service, const struct http_request *request,
                             struct slice token, struct cache_account *account,
                             struct error *error)
{
    unsigned char hash[SECRET_HASH_SIZE];
    secret_hash_token(token, hash);
    enum result result = cache_identify(service->cache, hash, request->arena,
                                        request->deadline_us, account, error);
    return result == RESULT_NOT_FOUND
               ? error_set(error, RESULT_UNAUTHORIZED, "access", "Invalid authorization token.")
               : result;
}

enum result account_authorize(const struct service *service, const struct http_request *request,
                              enum scope scope, struct cache_account *account,
                              struct error *error)
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

enum result access_fold_name(const struct http_request *request, struct slice *name,
                             struct error *error)
{
    enum result result = fold_copy(request->arena, request->captures[0], name);
    if (result == RESULT_NO_MEMORY) {
        return error_set(error, result, "access", "out of memory");
    }
    bool is_name = result == RESULT_OK && name->size_bytes > 0
                   && memchr(name->data, '\0', name->size_bytes) == NULL;
    return is_name ? RESULT_OK
                   : error_set(error, RESULT_NOT_FOUND, "access", "this is no name");
}

static enum result open_reader(const struct service *service, const struct http_request *request,
                               struct slice folded_name, const unsigned char *token_hash,
                               struct cache_reader **reader, struct error *error)
{
    const struct cache_request wanted = {
        .folded_name = folded_name,
        .token_hash = token_hash,
        .admit = may_see,
        .arena = request->arena,
        .deadline_us = request->deadline_us,
    };
    *reader = cache_reader_open(service->cache, &wanted);
    return *reader == NULL ? error_set(error, RESULT_NO_MEMORY, "access", "out of memory")
                           : RESULT_OK;
}

enum result access_open_reader(const struct service *service, const struct http_request *request,
                               struct cache_reader **reader, struct error *error)
{
    struct slice name;
    enum result result = access_fold_name(request, &name, error);
    if (result != RESULT_OK) {
        return result;
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
    return open_reader(service, request, name, hash, reader, error);
}

enum result access_open_site_reader(const struct service *service,
                                    const struct http_request *request,
                                    struct cache_reader **reader, struct error *error)
{
    /* Folding leaves no name that is blank. */
    return open_reader(service, request, slice_text(" "), NULL, reader, error);
}
