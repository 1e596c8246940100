/*
 * Users, for the commands that make, find and end them.
 */
#ifndef REFRAIN_COMMAND_ACCOUNT_H
#define REFRAIN_COMMAND_ACCOUNT_H

#include "base/text.h"
#include "db/db.h"

/* A name has 1 to 64 characters, no control bytes, no blank and no slash at either end; all that
 * follows gives RESULT_INVALID for another one, and RESULT_NOT_FOUND where there is no such user. */

struct account_fields {
    const char *name;
    bool is_public;
    bool is_admin;
    const char *password_hash; /* NULL: no password */
};

/* Adds a user with a new main token, which is not to be had again. RESULT_CONFLICT: the name is
 * taken. */
enum result account_add(struct db *db, const struct account_fields *fields, int64_t *user_id,
                        char token[UUID_TEXT_SIZE], struct error *error) MUST_CHECK;

enum result account_find(struct db *db, const char *name, int64_t *user_id,
                         struct error *error) MUST_CHECK;

/* All users, with the columns below; the caller frees the rows. */
enum account_column {
    ACCOUNT_ID,
    ACCOUNT_NAME,
    ACCOUNT_PUBLIC,
    ACCOUNT_ADMIN,
    ACCOUNT_CREATED_S,
    ACCOUNT_LISTENS,
};
enum result account_list(struct db *db, struct db_rows **rows, struct error *error) MUST_CHECK;

/* Replaces the main token. */
enum result account_replace_token(struct db *db, const char *name, char token[UUID_TEXT_SIZE],
                                  struct error *error) MUST_CHECK;

/* What is NULL stays. RESULT_INVALID for a time zone that there is not, too. */
struct account_settings {
    const char *time_zone;
    const char *is_public; /* "true" or "false" */
};

/* Changes them, and gives the row of what they are now, with the columns below; the caller frees
 * it. */
enum account_setting {
    ACCOUNT_SET_NAME, /* as spelt */
    ACCOUNT_SET_TIME_ZONE,
    ACCOUNT_SET_PUBLIC,
};
enum result account_set(struct db *db, const char *name, const struct account_settings *settings,
                        struct db_rows **rows, struct error *error) MUST_CHECK;

/* The account is gone with this call; its listens follow, by the worker. */
enum result account_delete(struct db *db, const char *name, struct error *error) MUST_CHECK;

#endif
