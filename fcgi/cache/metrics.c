/*
 * The file: a mark of the layout, then SLOTS_MAX slots. A process owns the slot whose first byte it
 * holds a lock on; the kernel gives the lock up when the process ends, however it ends. The locks
 * belong to the open file, not to the process: two handles of a process own a slot each. Only the
 * owner writes a slot, with relaxed atomics: the sums are for people, and each counter is exact.
 *
 * Counters go on from owner to owner. What tells of now is zeroed by a new owner, and read only
 * from slots that have one; between its lock and its zeroing, a reader may see the last owner's for
 * an instant.
 */
#include "cache/metrics.h"

#include "base/hash.h"
#include "cache/mapped.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS_MAX = 64 };

struct histogram {
    _Atomic uint64_t counts[CACHE_TIME_BOUNDS + 1];
    _Atomic uint64_t sum_us;
};

struct slot {
    /* A line of the processor's cache of its own at either end keeps slots apart. */
    _Alignas(64) _Atomic uint64_t counts[CACHE_VIEWS_COUNT][CACHE_OUTCOMES_COUNT];
    _Atomic uint64_t counters[CACHE_COUNTERS_COUNT];
    struct histogram times[CACHE_TIMES_COUNT];
    _Atomic uint64_t levels[CACHE_LEVELS_COUNT];
    struct server_stats servers[CACHE_SERVERS_COUNT];
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

const int64_t cache_time_bounds_us[CACHE_TIME_BOUNDS] = {
    50,    100,   200,   500,    1000,   2000,   5000,    10000,
    20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000,
};

static const enum cache_level_kind level_kinds[] = {
#define ROW(name, metric, label, help, kind) CACHE_LEVEL_KIND_##kind,
    CACHE_LEVELS(ROW)
#undef ROW
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

/* A file of a release that counts anything else, or else, must not be added up. */
static uint64_t layout_mark(void)
{
    static const char rows[] = "server: connections lent waiting breaker connected "
                               "connects_failed calls_failed breaker_opened\n"
#define ROW(name, text, ...) text "\n"
        CACHE_VIEWS(ROW) CACHE_OUTCOMES(ROW)
#undef ROW
#define ROW(name, metric, label, ...) metric "{" label "}\n"
        CACHE_COUNTERS(ROW) CACHE_TIMES(ROW) CACHE_LEVELS(ROW)
#undef ROW
        ;
    uint64_t parts[] = {
        hash_64(slice_of(rows, sizeof rows - 1)),
        hash_64(slice_of((const char *)cache_time_bounds_us, sizeof cache_time_bounds_us)),
        sizeof(struct slot),
    };
    return hash_64(slice_of((const char *)parts, sizeof parts));
}

static struct flock lock_of(int i)
{
    return (struct flock){
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = (off_t)offsetof(struct file, slots) + i * (off_t)sizeof(struct slot),
        .l_len = 1,
    };
}

static void set(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

static void forget_now(struct slot *slot)
{
    for (int i = 0; i < CACHE_LEVELS_COUNT; i++) {
        set(&slot->levels[i], 0);
    }
    for (int i = 0; i < CACHE_SERVERS_COUNT; i++) {
        set(&slot->servers[i].connections, 0);
        set(&slot->servers[i].lent, 0);
        set(&slot->servers[i].waiting, 0);
        set(&slot->servers[i].breaker, BREAKER_CLOSED);
    }
}

static struct slot *take_slot(struct cache_metrics *metrics)
{
    for (int i = 0; i < SLOTS_MAX; i++) {
        struct flock lock = lock_of(i);
        if (fcntl(metrics->fd, F_OFD_SETLK, &lock) == 0) {
            forget_now(&metrics->file->slots[i]);
            return &metrics->file->slots[i];
        }
    }
    return NULL;
}

enum result cache_metrics_open(const char *folder, struct cache_metrics **metrics,
                               struct error *error)
{
    *metrics = calloc(1, sizeof **metrics);
    if (*metrics == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "metrics", "out of memory");
    }
    uint64_t mark = layout_mark();
    const struct mapped_file file = {
        .folder = folder,
        .name = "metrics",
        .size_bytes = sizeof(struct file),
        .head = slice_of((const char *)&mark, sizeof mark),
        .is_replaceable = true,
    };
    void *bytes;
    enum result result = mapped_open(&file, &(*metrics)->fd, &bytes, error);
    if (result == RESULT_OK) {
        (*metrics)->file = bytes;
        (*metrics)->own = take_slot(*metrics);
    }
    if (result == RESULT_OK && (*metrics)->own == NULL) {
        result = error_set(error, RESULT_UNAVAILABLE, "metrics",
                           "%d processes count already; that is the limit of one host", SLOTS_MAX);
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

static void add(_Atomic uint64_t *number, uint64_t count)
{
    atomic_fetch_add_explicit(number, count, memory_order_relaxed);
}

void cache_metrics_count(struct cache_metrics *metrics, enum cache_view view,
                         enum cache_outcome outcome)
{
    assert(view < CACHE_VIEWS_COUNT && outcome < CACHE_OUTCOMES_COUNT);
    add(&metrics->own->counts[view][outcome], 1);
}

void cache_metrics_add(struct cache_metrics *metrics, enum cache_counter counter, uint64_t count)
{
    assert(counter < CACHE_COUNTERS_COUNT);
    add(&metrics->own->counters[counter], count);
}

/* A duration of exactly a bound is within it. */
void cache_metrics_time(struct cache_metrics *metrics, enum cache_time time, int64_t duration_us)
{
    assert(time < CACHE_TIMES_COUNT);
    struct histogram *histogram = &metrics->own->times[time];
    int64_t us = duration_us > 0 ? duration_us : 0;
    int i = 0;
    while (i < CACHE_TIME_BOUNDS && us > cache_time_bounds_us[i]) {
        i++;
    }
    add(&histogram->counts[i], 1);
    add(&histogram->sum_us, (uint64_t)us);
}

void cache_metrics_set(struct cache_metrics *metrics, enum cache_level level, uint64_t value)
{
    assert(level < CACHE_LEVELS_COUNT);
    set(&metrics->own->levels[level], value);
}

struct server_stats *cache_metrics_server(struct cache_metrics *metrics, enum cache_server server)
{
    assert(server < CACHE_SERVERS_COUNT);
    return &metrics->own->servers[server];
}

/* The kernel tells of others' locks only. */
static bool is_owned(const struct cache_metrics *metrics, int i)
{
    struct flock lock = lock_of(i);
    return metrics->own == &metrics->file->slots[i]
           || (fcntl(metrics->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
}

static uint64_t get(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void sum_up(uint64_t *sums, const _Atomic uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sums[i] += get(&numbers[i]);
    }
}

static void sum_counters(const struct slot *slot, struct cache_totals *totals)
{
    for (int i = 0; i < CACHE_VIEWS_COUNT; i++) {
        sum_up(totals->counts[i], slot->counts[i], CACHE_OUTCOMES_COUNT);
    }
    sum_up(totals->counters, slot->counters, CACHE_COUNTERS_COUNT);
    for (int i = 0; i < CACHE_TIMES_COUNT; i++) {
        sum_up(totals->times[i].counts, slot->times[i].counts, CACHE_TIME_BOUNDS + 1);
        sum_up(&totals->times[i].sum_us, &slot->times[i].sum_us, 1);
    }
    for (int i = 0; i < CACHE_SERVERS_COUNT; i++) {
        const struct server_stats *from = &slot->servers[i];
        struct cache_server_total *to = &totals->servers[i];
        to->connected += get(&from->connected);
        to->connects_failed += get(&from->connects_failed);
        to->calls_failed += get(&from->calls_failed);
        to->breaker_opened += get(&from->breaker_opened);
    }
}

static void sum_now(const struct slot *slot, struct cache_totals *totals)
{
    for (int i = 0; i < CACHE_LEVELS_COUNT; i++) {
        uint64_t value = get(&slot->levels[i]);
        if (level_kinds[i] == CACHE_LEVEL_KIND_COUNT) {
            totals->levels[i] += value;
        } else if (value > totals->levels[i]) {
            totals->levels[i] = value;
        }
    }
    for (int i = 0; i < CACHE_SERVERS_COUNT; i++) {
        const struct server_stats *from = &slot->servers[i];
        struct cache_server_total *to = &totals->servers[i];
        to->connections += get(&from->connections);
        to->lent += get(&from->lent);
        to->waiting += get(&from->waiting);
        uint64_t breaker = get(&from->breaker);
        to->breakers[breaker <= BREAKER_OPEN ? breaker : BREAKER_OPEN]++;
    }
}

void cache_metrics_read(const struct cache_metrics *metrics, struct cache_totals *totals)
{
    *totals = (struct cache_totals){0};
    for (int i = 0; i < SLOTS_MAX; i++) {
        sum_counters(&metrics->file->slots[i], totals);
        if (is_owned(metrics, i)) {
            sum_now(&metrics->file->slots[i], totals);
        }
    }
}
