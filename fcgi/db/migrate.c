#include "db/migrate.h"

#include "base/clock.h"
#include "base/secret.h"
#include "db/conn.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t migrate_max_us = 3600LL * 1000000;

static const struct db_function fn_lock = {"migration_lock", 0};
static const struct db_function fn_checksum = {"migration_checksum", 1};
static const struct db_function fn_record = {"migration_record", 2};
static const struct db_function fn_state = {"schema_state", 0};

struct migration {
    struct db_conn *conn;
    const char *folder;
    migrate_report *report;
    void *context;
};

static enum result read_file(const char *folder, const char *name, struct buffer *text,
                             struct error *error)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    buffer_clear(text);
    FILE *file = fopen(path, "re");
    char *to = NULL;
    size_t size = 1;
    while (file != NULL && size > 0 && (to = buffer_reserve(text, 65536)) != NULL) {
        size = fread(to, 1, 65536, file);
        buffer_grown(text, size);
    }
    bool unread = file == NULL || ferror(file);
    if (unread) {
        error_set(error, RESULT_INVALID, "migrate", "%s cannot be read: %s", path,
                  strerror(errno));
    }
    if (file != NULL) {
        fclose(file);
    }
    if (unread) {
        return RESULT_INVALID;
    }
    return text->failed ? error_set(error, RESULT_NO_MEMORY, "migrate", "out of memory")
                        : RESULT_OK;
}

static enum result call(struct db_conn *conn, const struct db_function *function,
                        const char *const *params, struct db_rows **rows, struct error *error)
{
    const struct db_step step = {function, params};
    return db_call_steps(conn, &step, 1, clock_mono_us() + migrate_max_us, rows, error);
}

static enum result call_void(struct db_conn *conn, const struct db_function *function,
                             const char *const *params, struct error *error)
{
    struct db_rows *rows = NULL;
    enum result result = call(conn, function, params, &rows, error);
    db_rows_free(&rows);
    return result;
}

static void name_file(struct error *error, const char *name)
{
    struct error inner = *error;
    error_set(error, RESULT_INTERNAL, "migrate", "%s: %s", name, inner.text);
}

/* Runs one file, and `record` (unless NULL) in the same transaction. */
static enum result apply(struct migration *migration, const char *name, const char *sql,
                         const char *const *record, struct error *error)
{
    enum result result = conn_execute_script(migration->conn, "begin", error);
    if (result == RESULT_OK) {
        result = conn_execute_script(migration->conn, sql, error);
    }
    if (result == RESULT_OK && record != NULL) {
        result = call_void(migration->conn, &fn_record, record, error);
    }
    if (result == RESULT_OK) {
        result = conn_execute_script(migration->conn, "commit", error);
    }
    if (result != RESULT_OK) {
        name_file(error, name);
        return result;
    }
    migration->report(migration->context, name);
    return RESULT_OK;
}

static void checksum_text(struct slice text, char hex[2 * SHA256_SIZE + 1])
{
    unsigned char hash[SHA256_SIZE];
    secret_sha256(text, hash);
    text_format_hex(hash, sizeof hash, hex);
}

/* Applies one numbered file unless it has been. */
static enum result migrate_file(struct migration *migration, const char *name,
                                struct buffer *text, struct error *error)
{
    char checksum[2 * SHA256_SIZE + 1];
    checksum_text(buffer_slice(text), checksum);
    const char *const record[] = {name, checksum};
    struct db_rows *rows = NULL;
    enum result result = call(migration->conn, &fn_checksum, record, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    bool applied = !db_rows_is_null(rows, 0, 0);
    bool same = slice_is(db_rows_text(rows, 0, 0), checksum);
    db_rows_free(&rows);
    if (applied && !same) {
        return error_set(error, RESULT_CONFLICT, "migrate",
                         "%s has been applied and then changed; restore the file, and put the "
                         "change into a migration of its own",
                         name);
    }
    return applied ? RESULT_OK : apply(migration, name, text->data, record, error);
}

static enum result function_file(struct migration *migration, const char *name,
                                 struct buffer *text, struct error *error)
{
    return apply(migration, name, text->data, NULL, error);
}

static int is_sql(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".sql") == 0;
}

static int is_numbered(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && is_sql(entry);
}

typedef enum result file_step(struct migration *migration, const char *name, struct buffer *text,
                              struct error *error);

/* One step for each file of `folder`/`subfolder` that `wanted` picks, in the order of names. */
static enum result for_files(struct migration *migration, const char *subfolder,
                             int (*wanted)(const struct dirent *), file_step *step,
                             struct error *error)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s%s", migration->folder, subfolder);
    struct dirent **entries;
    int count = scandir(folder, &entries, wanted, alphasort);
    if (count <= 0) {
        return error_set(error, RESULT_INVALID, "migrate", "no SQL files in %s", folder);
    }
    struct buffer text = BUFFER_EMPTY;
    enum result result = RESULT_OK;
    for (int i = 0; i < count; i++) {
        if (result == RESULT_OK) {
            result = read_file(folder, entries[i]->d_name, &text, error);
        }
        if (result == RESULT_OK) {
            result = step(migration, entries[i]->d_name, &text, error);
        }
        free(entries[i]);
    }
    free(entries);
    buffer_free(&text);
    return result;
}

static enum result migrate_all(struct migration *migration, struct error *error)
{
    struct buffer bootstrap = BUFFER_EMPTY;
    enum result result = read_file(migration->folder, "bootstrap.sql", &bootstrap, error);
    if (result == RESULT_OK) {
        result = conn_execute_script(migration->conn, bootstrap.data, error);
    }
    buffer_free(&bootstrap);
    if (result == RESULT_OK) {
        result = call_void(migration->conn, &fn_lock, NULL, error);
    }
    if (result == RESULT_OK) {
        result = for_files(migration, "", is_numbered, migrate_file, error);
    }
    if (result == RESULT_OK) {
        result = for_files(migration, "/functions", is_sql, function_file, error);
    }
    return result;
}

enum result db_migrate(const char *url, const char *folder, migrate_report *report, void *context,
                       struct error *error)
{
    struct migration migration = {.folder = folder, .report = report, .context = context};
    int64_t deadline_us = clock_mono_us() + migrate_max_us;
    enum result result = conn_open(url, 0, deadline_us, &migration.conn, error);
    if (result == RESULT_OK) {
        result = migrate_all(&migration, error);
    }
    conn_close(&migration.conn);
    return result;
}

enum result db_check_schema(struct db *db, int64_t deadline_us, struct error *error)
{
    struct db_rows *rows = NULL;
    enum result result = db_call(db, &fn_state, NULL, deadline_us, &rows, error);
    if (result == RESULT_INTERNAL) {
        return error_set(error, RESULT_CONFLICT, "migrate",
                         "the database has no schema of Refrain: run `refrain migrate`");
    }
    if (result != RESULT_OK) {
        return result;
    }
    int64_t version = db_rows_int(rows, 0, 0);
    int64_t compatible_from = db_rows_int(rows, 0, 1);
    db_rows_free(&rows);
    if (version < DB_SCHEMA_VERSION) {
        return error_set(error, RESULT_CONFLICT, "migrate",
                         "the database's schema is version %lld, this program needs %d: run "
                         "`refrain migrate`",
                         (long long)version, DB_SCHEMA_VERSION);
    }
    if (compatible_from > DB_SCHEMA_VERSION) {
        return error_set(error, RESULT_CONFLICT, "migrate",
                         "the database's schema needs a program for version %lld or later, this "
                         "one knows %d: install a newer release",
                         (long long)compatible_from, DB_SCHEMA_VERSION);
    }
    return RESULT_OK;
}
