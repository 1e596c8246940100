#include "cache/state.h"

#include "base/secret.h"
#include "cache/cache.h"

#include <stdlib.h>

static const struct db_function fn_cache_state = {"cache_state", 2};
static const struct db_function fn_token_state = {"token_state", 1};

/* The columns of both. */
enum {
    USER_ID,
    USER_NAME,
    IS_PUBLIC,
    TIME_ZONE,
    VERSIONS,
    VIEWER_ID = VERSIONS + CACHE_VERSION_COLUMNS,
    VIEWER_SCOPES,
    VIEWER_ADMIN,
    NAME_KEY,
};

struct cache_versions cache_versions_of(const struct db_rows *rows, size_t first)
{
    return (struct cache_versions){
        .epoch = db_rows_int(rows, 0, first),
        .live = db_rows_int(rows, 0, first + 1),
        .past = db_rows_int(rows, 0, first + 2),
        .auth = db_rows_int(rows, 0, first + 3),
        .people = db_rows_int(rows, 0, first + 4),
        .catalogue = db_rows_int(rows, 0, first + 5),
        .model = db_rows_int(rows, 0, first + 6),
        .as_of_us = db_rows_int(rows, 0, first + 7),
    };
}

static void read_columns(const struct db_rows *rows, struct cache_state *state)
{
    state->profile = (struct cache_profile){
        .user_id = db_rows_int(rows, 0, USER_ID),
        .is_public = db_rows_bool(rows, 0, IS_PUBLIC),
        .viewer_id = db_rows_int(rows, 0, VIEWER_ID),
        .viewer_scopes = db_rows_int(rows, 0, VIEWER_SCOPES),
        .viewer_is_admin = db_rows_bool(rows, 0, VIEWER_ADMIN),
    };
    state->versions = cache_versions_of(rows, VERSIONS);
    cache_subject_of(db_rows_text(rows, 0, NAME_KEY), &state->subject);
}

static enum result read_state(const struct db_rows *rows, struct cache_state **state,
                              struct error *error)
{
    if (db_rows_count(rows) == 0) {
        return error_set(error, RESULT_NOT_FOUND, "cache", "no such user");
    }
    struct slice name = db_rows_text(rows, 0, USER_NAME);
    *state = malloc(sizeof **state + name.size_bytes);
    if (*state == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
    }
    read_columns(rows, *state);
    memcpy((*state)->name, name.data, name.size_bytes);
    (*state)->profile.user_name = slice_of((*state)->name, name.size_bytes);
    return RESULT_OK;
}

enum result cache_state_read(struct db *db, struct slice folded_name,
                             const unsigned char *token_hash, int64_t deadline_us,
                             struct cache_state **state, struct error *error)
{
    char token[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)];
    bool by_token = folded_name.size_bytes == 0;
    *state = NULL;
    if (token_hash != NULL) {
        db_format_bytes(token_hash, SECRET_HASH_SIZE, token);
    }
    const char *by_name_params[] = {folded_name.data, token_hash == NULL ? NULL : token};
    const char *by_token_params[] = {token};
    struct db_rows *rows;
    enum result result =
        db_call(db, by_token ? &fn_token_state : &fn_cache_state,
                by_token ? by_token_params : by_name_params, deadline_us, &rows, error);
    if (result == RESULT_OK) {
        result = read_state(rows, state, error);
        db_rows_free(&rows);
    }
    return result;
}
