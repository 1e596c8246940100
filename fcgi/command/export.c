#include "listen/export.h"

#include "base/clock.h"
#include "command/account.h"
#include "command/command.h"
#include "command/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct db_function history_count = {"history_count", 1};
enum { COLUMN_TOTAL = 6 }; /* of refrain.read_row */

static const int64_t piece_max_us = 60000000;

/* Where the lines go. A file has another name until it is complete. */
struct output {
    const char *path; /* NULL: standard output */
    char *temporary_path;
    int descriptor;
};

static enum result fail_to_write(const struct output *output, struct error *error)
{
    return error_set(error, RESULT_UNAVAILABLE, "export", "cannot write %s: %s",
                     output->path == NULL ? "to standard output" : output->path,
                     strerror(errno));
}

static enum result output_open(struct output *output, struct error *error)
{
    struct stat there;
    if (output->path == NULL) {
        output->descriptor = STDOUT_FILENO;
        return RESULT_OK;
    }
    if (lstat(output->path, &there) == 0 && !S_ISREG(there.st_mode)) {
        return error_set(error, RESULT_INVALID, "export",
                         "%s is no regular file; without --output, standard output is written",
                         output->path);
    }
    if (asprintf(&output->temporary_path, "%s.XXXXXX", output->path) < 0) {
        output->temporary_path = NULL;
        return error_set(error, RESULT_NO_MEMORY, "export", "out of memory");
    }
    output->descriptor = mkstemp(output->temporary_path);
    return output->descriptor < 0 ? fail_to_write(output, error) : RESULT_OK;
}

static enum result output_write(const struct output *output, struct slice bytes,
                                struct error *error)
{
    while (bytes.size_bytes > 0) {
        ssize_t written = write(output->descriptor, bytes.data, bytes.size_bytes);
        if (written < 0 && errno != EINTR) {
            return fail_to_write(output, error);
        }
        size_t size = written < 0 ? 0 : (size_t)written;
        bytes = slice_of(bytes.data + size, bytes.size_bytes - size);
    }
    return RESULT_OK;
}

/* Only now there is a file of that name, or instead of the one that was there. */
static enum result output_complete(struct output *output, struct error *error)
{
    if (output->path == NULL) {
        return RESULT_OK;
    }
    if (fsync(output->descriptor) != 0 || rename(output->temporary_path, output->path) != 0) {
        return fail_to_write(output, error);
    }
    free(output->temporary_path);
    output->temporary_path = NULL;
    return RESULT_OK;
}

static void output_close(struct output *output)
{
    if (output->path != NULL && output->descriptor >= 0) {
        close(output->descriptor);
    }
    if (output->temporary_path != NULL) {
        unlink(output->temporary_path);
        free(output->temporary_path);
    }
}

static enum result count_listens(struct db *db, int64_t user_id, int64_t *count,
                                 struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    const char *const params[] = {user};
    struct db_rows *rows = NULL;
    db_format_int(user_id, user);
    enum result result = db_call(db, &history_count, params, clock_mono_us() + piece_max_us,
                                 &rows, error);
    if (result == RESULT_OK) {
        *count = db_rows_count(rows) > 0 ? db_rows_int(rows, 0, COLUMN_TOTAL) : 0;
    }
    db_rows_free(&rows);
    return result;
}

static enum result write_lines(struct export *export, const struct output *output,
                               int64_t expected, struct error *error)
{
    struct progress progress;
    struct buffer piece = BUFFER_EMPTY;
    enum result result;
    progress_begin(&progress, "lines");
    do {
        buffer_clear(&piece);
        result = export_next(export, clock_mono_us() + piece_max_us, &piece, error);
        if (result == RESULT_OK) {
            result = output_write(output, buffer_slice(&piece), error);
            int64_t done = export_lines(export);
            progress_show(&progress, done, done, expected);
        }
    } while (result == RESULT_OK && piece.size_bytes > 0);
    progress_end(&progress);
    buffer_free(&piece);
    return result;
}

static enum result export_user(struct db *db, int64_t user_id, struct output *output,
                               struct error *error)
{
    int64_t expected;
    enum result result = count_listens(db, user_id, &expected, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct export *export = export_create(db, user_id);
    if (export == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "export", "out of memory");
    }
    result = output_open(output, error);
    if (result == RESULT_OK) {
        result = write_lines(export, output, expected, error);
    }
    if (result == RESULT_OK) {
        result = output_complete(output, error);
    }
    output_close(output);
    export_destroy(&export);
    return result;
}

int command_export(struct command_context *context, int argc, char **argv)
{
    const char *user = NULL;
    struct output output = {.descriptor = -1};
    for (int i = 1; i < argc; i++) {
        if (command_option("--user", argc, argv, &i, &user)) {
            continue;
        }
        if (!command_option("--output", argc, argv, &i, &output.path)) {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
        if (output.path == NULL || output.path[0] == '\0') {
            return command_misuse(context, "--output needs a file");
        }
    }
    if (user == NULL) {
        return command_misuse(context, "--user NAME is missing");
    }
    /* Who reads our output may go, which shall be told like any failure. */
    signal(SIGPIPE, SIG_IGN);
    int64_t user_id;
    struct error error;
    enum result result = account_find(context->db, user, &user_id, &error);
    if (result == RESULT_OK) {
        result = export_user(context->db, user_id, &output, &error);
    }
    return result == RESULT_OK ? COMMAND_OK : command_fail(&error);
}
