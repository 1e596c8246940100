#include "worker/spool.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t call_max_us = 60000000;

static const struct db_function fn_piece = {"import_piece", 3};

static enum result fail(struct error *error)
{
    return error_set(error, RESULT_INTERNAL, "spool",
                     "can't write a temporary file: %s", strerror(errno));
}

/* Some file systems know no files without a name: there it has one for a moment. */
static int open_named(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/refrain-import-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

static int open_unnamed(void)
{
    const char *folder = getenv("TMPDIR");
    folder = folder == NULL || *folder == '\0' ? "/var/tmp" : folder;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR) ? open_named(folder) : fd;
}

static enum result write_all(int fd, struct slice bytes, struct error *error)
{
    while (bytes.size_bytes > 0) {
        ssize_t written = write(fd, bytes.data, bytes.size_bytes);
        if (written < 0 && errno != EINTR) {
            return fail(error);
        }
        size_t size = written > 0 ? (size_t)written : 0;
        bytes = slice_of(bytes.data + size, bytes.size_bytes - size);
    }
    return RESULT_OK;
}

/* Empty where there is none of this number. */
static enum result fetch(struct db *db, const struct import_job *job, int64_t number,
                         struct buffer *piece, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    char id[DB_INT_TEXT_SIZE];
    char which[DB_INT_TEXT_SIZE];
    db_format_int(job->user_id, user);
    db_format_int(job->id, id);
    db_format_int(number, which);
    const char *const params[] = {user, id, which};
    struct db_rows *rows;
    buffer_clear(piece);
    enum result result =
        db_call(db, &fn_piece, params, clock_mono_us() + call_max_us, &rows, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (db_rows_count(rows) > 0) {
        db_rows_bytes(rows, 0, 0, piece);
    }
    db_rows_free(&rows);
    return buffer_result(piece) == RESULT_OK
               ? RESULT_OK
               : error_set(error, RESULT_NO_MEMORY, "spool", "out of memory");
}

static enum result copy(struct db *db, const struct import_upload *upload,
                        bool (*goes_on)(void *context), void *context, int fd,
                        struct error *error)
{
    struct buffer piece = BUFFER_EMPTY;
    enum result result = RESULT_OK;
    int64_t copied = 0;
    for (int64_t number = 0; result == RESULT_OK && copied < upload->file.size_bytes; number++) {
        result = goes_on(context)
                     ? fetch(db, &upload->job, number, &piece, error)
                     : error_set(error, RESULT_UNAVAILABLE, "spool", "told to stop");
        if (result == RESULT_OK && piece.size_bytes == 0) {
            result = error_set(error, RESULT_NOT_FOUND, "spool", "the import has ended meanwhile");
        }
        if (result == RESULT_OK) {
            result = write_all(fd, buffer_slice(&piece), error);
        }
        copied += (int64_t)piece.size_bytes;
    }
    buffer_free(&piece);
    return result;
}

enum result spool_open(struct db *db, const struct import_upload *upload,
                       bool (*goes_on)(void *context), void *context, int *fd,
                       char path[SPOOL_PATH_SIZE], struct error *error)
{
    *fd = open_unnamed();
    if (*fd < 0) {
        return fail(error);
    }
    snprintf(path, SPOOL_PATH_SIZE, "/proc/self/fd/%d", *fd);
    enum result result = copy(db, upload, goes_on, context, *fd, error);
    if (result != RESULT_OK) {
        close(*fd);
        *fd = -1;
    }
    return result;
}
