/*
 * Processes that start at once must agree on one file: they take turns by a lock on the folder,
 * which the kernel gives up when a process ends, however it ends. A new file is made under a name
 * of its own and then put in place, so that nobody maps half a one, and an old one stays whole for
 * those who have it open. Its room is reserved: a store to a mapped page for which the disk has no
 * room would kill the process.
 */
#include "cache/mapped.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static const int64_t turn_max_us = 10000000;

/* Gives errno's value; 0: it is there. */
static int make(const struct mapped_file *file, const char *path)
{
    char fresh[PATH_SIZE + 32];
    snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return errno;
    }
    int cause = posix_fallocate(fd, 0, (off_t)file->size_bytes);
    if (cause == 0
        && (pwrite(fd, file->head.data, file->head.size_bytes, 0) != (ssize_t)file->head.size_bytes
            || rename(fresh, path) != 0)) {
        cause = errno;
    }
    if (cause != 0) {
        unlink(fresh);
    }
    close(fd);
    return cause;
}

static bool fits(const struct mapped_file *file, int fd)
{
    char head[64];
    struct stat status;
    assert(file->head.size_bytes <= sizeof head);
    return fstat(fd, &status) == 0 && status.st_size == (off_t)file->size_bytes
           && pread(fd, head, file->head.size_bytes, 0) == (ssize_t)file->head.size_bytes
           && slice_equal(slice_of(head, file->head.size_bytes), file->head);
}

static enum result fail(const char *path, const char *what, int cause, struct error *error)
{
    return error_set(error, RESULT_UNAVAILABLE, "runtime",
                     "%s cannot be %s: %s (paths.runtime must be a folder that refrain may write, "
                     "and what it has made there must stay its own)",
                     path, what, strerror(cause));
}

/* Under the lock. */
static enum result open_locked(const struct mapped_file *file, const char *path, int *fd,
                               struct error *error)
{
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT && file->is_others) {
        return error_set(error, RESULT_NOT_FOUND, "runtime", "there is no %s", path);
    }
    if (*fd < 0 && errno != ENOENT && !file->is_replaceable) {
        return fail(path, "opened", errno, error);
    }
    if (*fd >= 0 && fits(file, *fd)) {
        return RESULT_OK;
    }
    if (*fd >= 0) {
        close(*fd);
        if (!file->is_replaceable) {
            *fd = -1;
            return error_set(error, RESULT_UNAVAILABLE, "runtime",
                             "%s is not of %zu bytes, so it is not Refrain's: stop all of its "
                             "processes, delete the file, start them again",
                             path, file->size_bytes);
        }
    }
    int cause = make(file, path);
    *fd = cause == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (cause != 0) {
        return fail(path, "made", cause, error);
    }
    return *fd >= 0 ? RESULT_OK : fail(path, "opened", errno, error);
}

/* Gives errno's value. A process that was stopped may hold it. */
static int lock(int folder)
{
    static const struct timespec pause = {.tv_nsec = 20000000};
    int64_t deadline_us = clock_mono_us() + turn_max_us;
    while (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return errno;
        }
        if (clock_mono_us() > deadline_us) {
            return ETIMEDOUT;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

static enum result open_file(const struct mapped_file *file, int *fd, struct error *error)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", file->folder, file->name);
    int turn = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int cause = turn < 0 ? errno : lock(turn);
    if (cause != 0) {
        if (turn >= 0) {
            close(turn);
        }
        return fail(file->folder, turn < 0 ? "opened" : "locked", cause, error);
    }
    enum result result = open_locked(file, path, fd, error);
    close(turn);
    return result;
}

enum result mapped_open(const struct mapped_file *file, int *fd, void **bytes,
                        struct error *error)
{
    *fd = -1;
    *bytes = NULL;
    enum result result = open_file(file, fd, error);
    if (result != RESULT_OK) {
        return result;
    }
    void *mapped = mmap(NULL, file->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (mapped == MAP_FAILED) {
        result = error_set(error, RESULT_UNAVAILABLE, "runtime", "%s/%s cannot be mapped: %s",
                           file->folder, file->name, strerror(errno));
        close(*fd);
        *fd = -1;
    } else {
        *bytes = mapped;
    }
    return result;
}
