/*
 * The file: a mark of the layout, then SLOTS_MAX slots. A process owns the slot whose first byte it
 * holds a lock on; the kernel gives the lock up when the process ends, however it ends. Only the
 * owner writes a slot, with relaxed atomics: the sums are for people, and each counter is exact.
 */
#include "cache/metrics.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS_MAX = 64 };

struct slot {
    /* A line of the processor's cache of its own at either end keeps slots apart. */
    _Alignas(64) _Atomic uint64_t counts[CACHE_VIEWS_COUNT][CACHE_OUTCOMES_COUNT];
};

struct file {
    uint64_t layout;
    struct slot slots[SLOTS_MAX];
};

struct cache_metrics {
    int fd;
    struct file *file;
    struct slot *own;
};

static const char *const view_names[] = {
#define ROW(name, text) text,
    CACHE_VIEWS(ROW)
#undef ROW
};

static const struct {
    const char *name;
    enum cache_class class;
} outcomes[] = {
#define ROW(name, text, class) {text, CACHE_CLASS_##class},
    CACHE_OUTCOMES(ROW)
#undef ROW
};

const char *cache_view_name(enum cache_view view)
{
    return view_names[view];
}

const char *cache_outcome_name(enum cache_outcome outcome)
{
    return outcomes[outcome].name;
}

enum cache_class cache_outcome_class(enum cache_outcome outcome)
{
    return outcomes[outcome].class;
}

/* A file of a release with other views or outcomes must not be added up. */
static uint64_t layout_mark(void)
{
    static const char text[] = ""
#define ROW(name, text, ...) text "\n"
        CACHE_VIEWS(ROW) CACHE_OUTCOMES(ROW)
#undef ROW
        ;
    return hash_64(slice_of(text, sizeof text - 1));
}

/* Makes the file under a name of its own and then puts it in place, so that nobody maps half a one,
 * and the old one stays whole for those who have it open. */
static enum result replace_file(const char *path, struct error *error)
{
    char fresh[4200];
    snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    uint64_t mark = layout_mark();
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool made = fd >= 0 && ftruncate(fd, sizeof(struct file)) == 0
                && pwrite(fd, &mark, sizeof mark, 0) == (ssize_t)sizeof mark
                && rename(fresh, path) == 0;
    enum result result = RESULT_OK;
    if (!made) {
        result = error_set(error, RESULT_UNAVAILABLE, "metrics",
                           "%s cannot be made: %s (paths.runtime must be a folder that refrain "
                           "may write)",
                           path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static bool is_of_this_layout(int fd)
{
    struct stat status;
    uint64_t mark = 0;
    return fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof(struct file)
           && pread(fd, &mark, sizeof mark, 0) == (ssize_t)sizeof mark && mark == layout_mark();
}

/* Two processes that start at once must agree on one file: they take turns by a lock on the
 * folder. */
static enum result open_file(const char *folder, int *fd, struct error *error)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/metrics", folder);
    int turn = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (turn < 0 || flock(turn, LOCK_EX) != 0) {
        if (turn >= 0) {
            close(turn);
        }
        return error_set(error, RESULT_UNAVAILABLE, "metrics",
                         "the folder %s (paths.runtime) cannot be opened: %s", folder,
                         strerror(errno));
    }
    enum result result = RESULT_OK;
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0 || !is_of_this_layout(*fd)) {
        if (*fd >= 0) {
            close(*fd);
        }
        result = replace_file(path, error);
        *fd = result == RESULT_OK ? open(path, O_RDWR | O_CLOEXEC) : -1;
    }
    close(turn);
    if (result == RESULT_OK && *fd < 0) {
        result = error_set(error, RESULT_UNAVAILABLE, "metrics", "%s cannot be opened: %s", path,
                           strerror(errno));
    }
    return result;
}

static struct slot *take_slot(struct cache_metrics *metrics)
{
    for (int i = 0; i < SLOTS_MAX; i++) {
        struct flock lock = {
            .l_type = F_WRLCK,
            .l_whence = SEEK_SET,
            .l_start = (off_t)offsetof(struct file, slots) + i * (off_t)sizeof(struct slot),
            .l_len = 1,
        };
        if (fcntl(metrics->fd, F_SETLK, &lock) == 0) {
            return &metrics->file->slots[i];
        }
    }
    return NULL;
}

static enum result map_file(struct cache_metrics *metrics, struct error *error)
{
    void *mapped = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED,
                        metrics->fd, 0);
    if (mapped == MAP_FAILED) {
        return error_set(error, RESULT_UNAVAILABLE, "metrics",
                         "the counters cannot be mapped: %s", strerror(errno));
    }
    metrics->file = mapped;
    metrics->own = take_slot(metrics);
    if (metrics->own == NULL) {
        return error_set(error, RESULT_UNAVAILABLE, "metrics",
                         "%d processes count already; that is the limit of one host", SLOTS_MAX);
    }
    return RESULT_OK;
}

enum result cache_metrics_open(const char *folder, struct cache_metrics **metrics,
                               struct error *error)
{
    *metrics = calloc(1, sizeof **metrics);
    if (*metrics == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "metrics", "out of memory");
    }
    (*metrics)->fd = -1;
    enum result result = open_file(folder, &(*metrics)->fd, error);
    if (result == RESULT_OK) {
        result = map_file(*metrics, error);
    }
    if (result != RESULT_OK) {
        cache_metrics_close(metrics);
    }
    return result;
}

void cache_metrics_close(struct cache_metrics **metrics)
{
    if (*metrics == NULL) {
        return;
    }
    if ((*metrics)->file != NULL) {
        munmap((*metrics)->file, sizeof(struct file));
    }
    if ((*metrics)->fd >= 0) {
        close((*metrics)->fd);
    }
    free(*metrics);
    *metrics = NULL;
}

void cache_metrics_count(struct cache_metrics *metrics, enum cache_view view,
                         enum cache_outcome outcome)
{
    atomic_fetch_add_explicit(&metrics->own->counts[view][outcome], 1, memory_order_relaxed);
}

void cache_metrics_read(const struct cache_metrics *metrics, struct cache_totals *totals)
{
    *totals = (struct cache_totals){0};
    for (int i = 0; i < SLOTS_MAX; i++) {
        for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
            for (int outcome = 0; outcome < CACHE_OUTCOMES_COUNT; outcome++) {
                totals->counts[view][outcome] += atomic_load_explicit(
                    &metrics->file->slots[i].counts[view][outcome], memory_order_relaxed);
            }
        }
    }
}
