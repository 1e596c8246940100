#include "base/clock.h"
#include "base/fold.h"
#include "command/account.h"
#include "command/command.h"
#include "command/progress.h"
#include "command/tell.h"

#include <inttypes.h>
#include <stdio.h>

enum { DIFFERENCES_SHOWN = 20 };
static const int64_t call_max_us = 300000000; /* as long as a statement may take */

static const struct db_function fn_verify = {"verify_user_some", 2};
static const struct db_function fn_verify_site = {"verify_site_some", 2};
static const struct db_function fn_repair = {"user_repair", 1};

enum { DIFFERENCES, WHAT, DETAIL };

/* The user that stands for all, and in how many statements he is compared: all that users have is
 * too much for one. */
enum { SITE_ID = 0, SITE_PARTS = 6 };

struct check {
    struct command_context *context;
    bool repairs;
    bool has_failed;
    struct progress progress;
    int64_t listens_total;
    int64_t users, listens, differences, wrong, repaired;
};

/* ── one ── */

static enum result call(const struct check *check, const struct db_function *function,
                        int64_t id, struct db_rows **rows, struct error *error)
{
    char of[DB_INT_TEXT_SIZE];
    char shown[DB_INT_TEXT_SIZE];
    const char *const params[] = {of, shown};
    db_format_int(id, of);
    db_format_int(DIFFERENCES_SHOWN, shown);
    return db_call(check->context->db, function, params, clock_mono_us() + call_max_us, rows,
                   error);
}

static int64_t count_differences(const struct db_rows *rows)
{
    return db_rows_count(rows) == 0 ? 0 : db_rows_int(rows, 0, DIFFERENCES);
}

static void print_differences(struct check *check, const char *name, const struct db_rows *rows)
{
    size_t shown = db_rows_count(rows);
    int64_t more = count_differences(rows) - (int64_t)shown;
    progress_end(&check->progress);
    for (size_t i = 0; i < shown; i++) {
        printf("%s: %.*s: %.*s\n", name, SLICE_ARGS(db_rows_text(rows, i, WHAT)),
               SLICE_ARGS(db_rows_text(rows, i, DETAIL)));
    }
    if (more > 0) {
        printf("%s: and %" PRId64 " more\n", name, more);
    }
    fflush(stdout);
}

/* Shows and counts what differs. */
static enum result compare(struct check *check, int64_t user_id, const char *name,
                           int64_t *differences, struct error *error)
{
    bool is_site = user_id == SITE_ID;
    enum result result = RESULT_OK;
    *differences = 0;
    for (int64_t part = 1; result == RESULT_OK && part <= (is_site ? SITE_PARTS : 1); part++) {
        struct db_rows *rows = NULL;
        result = is_site ? call(check, &fn_verify_site, part, &rows, error)
                         : call(check, &fn_verify, user_id, &rows, error);
        if (result == RESULT_OK && count_differences(rows) > 0) {
            *differences += count_differences(rows);
            print_differences(check, name, rows);
        }
        db_rows_free(&rows);
    }
    return result;
}

static void tell(const struct check *check, int64_t user_id, const char *name)
{
    if (user_id != SITE_ID) {
        command_tell_cache(check->context, name);
    }
}

static enum result repair(struct check *check, int64_t user_id, const char *name,
                          struct error *error)
{
    struct db_rows *rows = NULL;
    int64_t differences = 0;
    enum result result = call(check, &fn_repair, user_id, &rows, error);
    db_rows_free(&rows);
    if (result == RESULT_OK) {
        result = compare(check, user_id, name, &differences, error);
    }
    if (result == RESULT_OK && differences > 0) {
        result = error_set(error, RESULT_INTERNAL, "verify",
                           "%s: differs again after the repair: the triggers of the table of "
                           "listens are not what they should be; run `refrain migrate`",
                           name);
    }
    if (result == RESULT_OK) {
        check->repaired++;
        printf("%s: repaired\n", name);
        tell(check, user_id, name);
    }
    return result;
}

static enum result check_one(struct check *check, int64_t user_id, const char *name,
                             int64_t listens, struct error *error)
{
    int64_t differences;
    enum result result = compare(check, user_id, name, &differences, error);
    check->wrong += differences > 0;
    check->differences += differences;
    if (result == RESULT_OK && differences > 0 && check->repairs) {
        result = repair(check, user_id, name, error);
    }
    check->users += user_id != SITE_ID;
    check->listens += listens;
    progress_show(&check->progress, check->listens, check->listens, check->listens_total);
    return result;
}

/* ── all of them ── */

/* What is wrong with one does not keep the others from being looked at. */
static bool goes_on_after(struct check *check, enum result result, const struct error *error)
{
    if (result == RESULT_OK) {
        return true;
    }
    progress_end(&check->progress);
    command_fail(error);
    check->has_failed = true;
    return result != RESULT_UNAVAILABLE;
}

/* Of the list all, or this one alone. */
static bool is_wanted(const struct db_rows *rows, size_t row, int64_t only_id)
{
    return only_id == SITE_ID || db_rows_int(rows, row, ACCOUNT_ID) == only_id;
}

static bool check_users(struct check *check, const struct db_rows *rows, int64_t only_id)
{
    bool goes_on = true;
    for (size_t i = 0; i < db_rows_count(rows) && goes_on; i++) {
        char name[4 * USER_NAME_CHARS_MAX + 1];
        struct error error;
        if (is_wanted(rows, i, only_id)) {
            snprintf(name, sizeof name, "%.*s", SLICE_ARGS(db_rows_text(rows, i, ACCOUNT_NAME)));
            enum result result = check_one(check, db_rows_int(rows, i, ACCOUNT_ID), name,
                                           db_rows_int(rows, i, ACCOUNT_LISTENS), &error);
            goes_on = goes_on_after(check, result, &error);
        }
    }
    return goes_on;
}

static void print_summary(const struct check *check)
{
    double seconds = progress_seconds(&check->progress);
    printf("users=%" PRId64 " listens=%" PRId64 " wrong=%" PRId64 " differences=%" PRId64
           " repaired=%" PRId64 " seconds=%.1f rate=%.0f\n",
           check->users, check->listens, check->wrong, check->differences, check->repaired,
           seconds, seconds > 0 ? (double)check->listens / seconds : 0.0);
}

static enum result check_all(struct check *check, int64_t only_id, struct error *error)
{
    struct db_rows *rows;
    enum result result = account_list(check->context->db, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    for (size_t i = 0; i < db_rows_count(rows); i++) {
        if (is_wanted(rows, i, only_id)) {
            check->listens_total += db_rows_int(rows, i, ACCOUNT_LISTENS);
        }
    }
    progress_begin(&check->progress, "listens");
    if (check_users(check, rows, only_id) && only_id == SITE_ID) {
        struct error of_site;
        goes_on_after(check, check_one(check, SITE_ID, "the site", 0, &of_site), &of_site);
    }
    progress_end(&check->progress);
    print_summary(check);
    db_rows_free(&rows);
    return RESULT_OK;
}

int command_verify(struct command_context *context, int argc, char **argv)
{
    const char *user = NULL;
    struct check check = {.context = context};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--repair") == 0) {
            check.repairs = true;
        } else if (!command_option("--user", argc, argv, &i, &user)) {
            return command_misuse(context, "what is '%s'?", argv[i]);
        } else if (user == NULL) {
            return command_misuse(context, "--user needs a name");
        }
    }
    int64_t only_id = SITE_ID;
    struct error error;
    enum result result =
        user == NULL ? RESULT_OK : account_find(context->db, user, &only_id, &error);
    if (result == RESULT_OK) {
        result = check_all(&check, only_id, &error);
    }
    if (result != RESULT_OK) {
        return command_fail(&error);
    }
    return check.has_failed || check.repaired < check.wrong ? COMMAND_FAILED : COMMAND_OK;
}
