#include "command/account.h"

#include "base/clock.h"
#include "base/fold.h"
#include "base/secret.h"

static const int64_t call_max_us = 60000000;

static const struct db_function fn_user_add = {"user_add", 6};
static const struct db_function fn_user_list = {"user_list", 0};
static const struct db_function fn_user_token_set = {"user_token_set", 2};
static const struct db_function fn_user_set = {"user_set", 3};
static const struct db_function fn_user_delete = {"user_delete", 1};
static const struct db_function fn_user_find = {"user_find", 1};

static bool has_control_bytes(struct slice name)
{
    for (size_t i = 0; i < name.size_bytes; i++) {
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static enum result fold_name(const char *name, struct buffer *folded, struct error *error)
{
    struct slice text = slice_text(name);
    const char *wrong = NULL;
    if (!text_is_utf8(text)) {
        wrong = "is not UTF-8";
    } else if (text_trim(text).size_bytes != text.size_bytes || text.size_bytes == 0) {
        wrong = "is empty, or begins or ends with a blank";
    } else if (text_count_chars(text) > USER_NAME_CHARS_MAX) {
        wrong = "has more than 64 characters";
    } else if (has_control_bytes(text)) {
        wrong = "holds control characters";
    } else if (text.data[0] == '/' || text.data[text.size_bytes - 1] == '/') {
        wrong = "begins or ends with a slash";
    }
    if (wrong != NULL) {
        return error_set(error, RESULT_INVALID, "account", "the name '%s' %s", name, wrong);
    }
    enum result result = fold_append(folded, text);
    if (result == RESULT_OK && folded->size_bytes == 0) {
        result = RESULT_INVALID;
    }
    return result == RESULT_OK
               ? RESULT_OK
               : error_set(error, result, "account", "the name '%s' cannot be used", name);
}

/* A new token, and its hash as PostgreSQL reads it. */
static void make_token(char token[UUID_TEXT_SIZE],
                       char hash_text[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)])
{
    unsigned char hash[SECRET_HASH_SIZE];
    secret_make_token(token);
    secret_hash_token(slice_text(token), hash);
    db_format_bytes(hash, sizeof hash, hash_text);
}

static enum result call(struct db *db, const struct db_function *function,
                        const char *const *params, struct db_rows **rows, struct error *error)
{
    return db_call(db, function, params, clock_mono_us() + call_max_us, rows, error);
}

enum result account_add(struct db *db, const struct account_fields *fields, int64_t *user_id,
                     char token[UUID_TEXT_SIZE], struct error *error)
{
    struct buffer folded = BUFFER_EMPTY;
    struct db_rows *rows = NULL;
    char hash[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)];
    make_token(token, hash);
    enum result result = fold_name(fields->name, &folded, error);
    if (result == RESULT_OK) {
        const char *const params[] = {
            fields->name,
            folded.data,
            fields->is_public ? "true" : "false",
            fields->is_admin ? "true" : "false",
            fields->password_hash,
            hash,
        };
        result = call(db, &fn_user_add, params, &rows, error);
    }
    if (result == RESULT_CONFLICT) {
        error_set(error, result, "account", "there is a user '%s' already", fields->name);
    }
    if (result == RESULT_OK) {
        *user_id = db_rows_int(rows, 0, 0);
    }
    db_rows_free(&rows);
    buffer_free(&folded);
    return result;
}

/* A call whose first parameter is a folded name, and that gives no row for an unknown user. */
static enum result call_named(struct db *db, const struct db_function *function, const char *name,
                              const char *second, const char *third, struct db_rows **rows,
                              struct error *error)
{
    struct buffer folded = BUFFER_EMPTY;
    *rows = NULL;
    enum result result = fold_name(name, &folded, error);
    if (result == RESULT_OK) {
        const char *const params[] = {folded.data, second, third};
        result = call(db, function, params, rows, error);
    }
    if (result == RESULT_OK && (db_rows_count(*rows) == 0 || db_rows_is_null(*rows, 0, 0))) {
        db_rows_free(rows);
        result = error_set(error, RESULT_NOT_FOUND, "account", "there is no user '%s'", name);
    }
    buffer_free(&folded);
    return result;
}

enum result account_find(struct db *db, const char *name, int64_t *user_id, struct error *error)
{
    struct db_rows *rows;
    enum result result = call_named(db, &fn_user_find, name, NULL, NULL, &rows, error);
    if (result == RESULT_OK) {
        *user_id = db_rows_int(rows, 0, 0);
    }
    db_rows_free(&rows);
    return result;
}

enum result account_list(struct db *db, struct db_rows **rows, struct error *error)
{
    return call(db, &fn_user_list, NULL, rows, error);
}

enum result account_replace_token(struct db *db, const char *name, char token[UUID_TEXT_SIZE],
                                  struct error *error)
{
    struct db_rows *rows;
    char hash[DB_BYTES_TEXT_SIZE(SECRET_HASH_SIZE)];
    make_token(token, hash);
    enum result result = call_named(db, &fn_user_token_set, name, hash, NULL, &rows, error);
    db_rows_free(&rows);
    return result;
}

enum result account_set(struct db *db, const char *name, const struct account_settings *settings,
                        struct db_rows **rows, struct error *error)
{
    return call_named(db, &fn_user_set, name, settings->time_zone, settings->is_public, rows,
                      error);
}

enum result account_delete(struct db *db, const char *name, struct error *error)
{
    struct db_rows *rows;
    enum result result = call_named(db, &fn_user_delete, name, NULL, NULL, &rows, error);
    db_rows_free(&rows);
    return result;
}
