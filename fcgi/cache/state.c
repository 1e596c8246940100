#include "cache/state.h"

#include "base/secret.h"

static const struct db_function fn_cache_state = {"cache_state", 2};

/* The columns of refrain.cache_state(). */
enum {
    USER_ID,
    USER_NAME,
    IS_PUBLIC,
    TIME_ZONE,
    EPOCH,
    LIVE,
    PAST,
    AUTH,
    PEOPLE,
    CATALOGUE,
    AS_OF_US,
    VIEWER_ID,
    VIEWER_SCOPES,
    VIEWER_ADMIN,
};

static enum result read_row(const struct db_rows *rows, struct arena *arena,
                            struct cache_state *state)
{
    struct slice name = db_rows_text(rows, 0, USER_NAME);
    const char *copy = arena_copy(arena, name);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    state->profile = (struct cache_profile){
        .user_id = db_rows_int(rows, 0, USER_ID),
        .user_name = slice_of(copy, name.size_bytes),
        .is_public = db_rows_bool(rows, 0, IS_PUBLIC),
        .viewer_id = db_rows_int(rows, 0, VIEWER_ID),
        .viewer_scopes = db_rows_int(rows, 0, VIEWER_SCOPES),
        .viewer_is_admin = db_rows_bool(rows, 0, VIEWER_ADMIN),
    };
    state->versions = (struct cache_versions){
        .epoch = db_rows_int(rows, 0, EPOCH),
        .live = db_rows_int(rows, 0, LIVE),
        .past = db_rows_int(rows, 0, PAST),
        .people = db_rows_int(rows, 0, PEOPLE),
        .catalogue = db_rows_int(rows, 0, CATALOGUE),
        .as_of_us = db_rows_int(rows, 0, AS_OF_US),
    };
    return RESULT_OK;
}

enum result cache_state_begin(struct db *db, const struct cache_request *request,
                              struct db_conn **conn, struct error *error)
{
    char token[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)];
    *conn = NULL;
    const char *name = arena_copy(request->arena, request->folded_name);
    if (name == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
    }
    if (request->token_hash != NULL) {
        db_format_bytes(request->token_hash, SECRET_HASH_SIZE, token);
    }
    const char *const params[] = {name, request->token_hash == NULL ? NULL : token};
    enum result result = db_take(db, request->deadline_us, conn, error);
    if (result == RESULT_OK) {
        result = db_send(*conn, &fn_cache_state, params, error);
    }
    if (result != RESULT_OK) {
        db_give(conn);
    }
    return result;
}

enum result cache_state_finish(struct db_conn **conn, const struct cache_request *request,
                               struct cache_state *state, struct error *error)
{
    struct db_rows *rows;
    enum result result = db_receive(*conn, request->deadline_us, &rows, error);
    db_give(conn);
    if (result != RESULT_OK) {
        return result;
    }
    if (db_rows_count(rows) == 0) {
        result = error_set(error, RESULT_NOT_FOUND, "cache", "no such user");
    } else {
        result = read_row(rows, request->arena, state);
    }
    db_rows_free(&rows);
    return result;
}
