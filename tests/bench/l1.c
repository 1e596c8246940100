/*
 * l1 [SECONDS]
 *
 * Measures L1 (fcgi/cache/l1.h) with LISTENERS, each with a record and six values: as many as fill
 * it one and a half times. For the last two figures it is made anew with the first half of them,
 * and these come by Zipf's law, exponent 1.
 *
 *  - Memory: four threads fill L1 several times over. What L1 says that it uses, what malloc says
 *    is in use, and what malloc holds of the kernel are compared with the bytes of keys and
 *    payloads. The last one depends on how many arenas malloc may make: compare with
 *    MALLOC_ARENA_MAX=1.
 *  - A look-up: nanoseconds of processor time for l1_find and l1_release of what is there, by one
 *    thread; for one key over and over, and for keys by Zipf's law, whose entries mostly are not in
 *    the processor's caches.
 *  - Locks: sixteen threads look up, release, and work for 5 us, for SECONDS (1) in all; five
 *    times with locks and five times without, taking turns. The linker sends pthread_mutex_lock
 *    and _unlock through here (see local.mk); as look-ups of a full L1 change counts of hits only,
 *    they may do without. What differs is what the locks cost: their instructions, the switching
 *    from thread to thread, and processors that nobody can use. Medians are told, of cycles and of
 *    processor time, which other programs disturb less. Besides, one cycle in sixteen is timed by
 *    the wall clock, and the share is told that went by before a lock was had, and before it was
 *    given back. With more threads than processors that is not a cost: a thread that waits for its
 *    turn on a processor does so in the lock or outside, and sixteen threads on two spend seven
 *    eighths of their time waiting for that anyway.
 */
#include "cache/l1.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    L1_BYTES = 64 << 20,
    LISTENERS = 1600,
    CHOSEN_LISTENERS = LISTENERS / 2,
    PER_LISTENER = 7,
    KEYS = LISTENERS * PER_LISTENER,
    KEY_MAX = 96,
    VALUE_MAX = 24 << 10,
    RECORD_BYTES = 100,
    THREADS = 16,
    FILLERS = 4,
    ROUNDS = 8,
    WORK_NS = 5000,
    ONE_IN = 16,
    TURNS = 5,
    CHOICES = 1 << 16,
    FINDS = 1 << 22,
};

static struct l1 *l1;
static char keys[KEYS][KEY_MAX];
static size_t sizes[KEYS]; /* of the payloads */
static uint32_t choices[CHOICES];
static char payload[VALUE_MAX];
static uint64_t work_steps;
static int64_t clock_ns; /* what one reading costs */
static int64_t run_ns;
static bool is_unlocked;

struct worker {
    pthread_t thread;
    uint64_t random;
    uint64_t cycles, timed, missed;
    /* In timed cycles: until a lock was had, and until it was given back. */
    int64_t waited_ns, locked_ns;
};

static _Thread_local struct worker *timed_worker; /* while a cycle of it is timed */
static _Thread_local int64_t asked_ns;

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (is_unlocked) {
        return 0;
    }
    if (timed_worker == NULL) {
        return __real_pthread_mutex_lock(mutex);
    }
    asked_ns = now_ns(CLOCK_MONOTONIC);
    int status = __real_pthread_mutex_lock(mutex);
    timed_worker->waited_ns += now_ns(CLOCK_MONOTONIC) - asked_ns - clock_ns;
    return status;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (is_unlocked) {
        return 0;
    }
    int status = __real_pthread_mutex_unlock(mutex);
    if (timed_worker != NULL) {
        timed_worker->locked_ns += now_ns(CLOCK_MONOTONIC) - asked_ns - 2 * clock_ns;
    }
    return status;
}

static void fail(const char *what)
{
    fprintf(stderr, "l1: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1d;
}

static struct slice key_of(uint32_t index)
{
    return slice_text(keys[index]);
}

static bool is_record(uint32_t index)
{
    return index % PER_LISTENER == 0;
}

/* Chunks of charts of 2 to 10 KB, two of six values segments of a history of 16 to 24 KB. */
static void make_keys(void)
{
    static const char *const kinds[PER_LISTENER] = {
        "", "artists:all_time", "recordings:all_time", "releases:year@2026", "artists:week@2026-46",
        "segment:1", "segment:2",
    };
    uint64_t random = 1;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint64_t listener = i / PER_LISTENER * 0x9e3779b97f4a7c15;
        bool is_segment = i % PER_LISTENER >= 5;
        if (is_record(i)) {
            snprintf(keys[i], KEY_MAX, "n:listener-of-music-%016llx", (unsigned long long)listener);
            sizes[i] = RECORD_BYTES;
        } else {
            snprintf(keys[i], KEY_MAX, "rf2:{%d}d:%016llx%016llx:stats:%s:0",
                     (int)(listener >> 56), (unsigned long long)listener,
                     (unsigned long long)~listener, kinds[i % PER_LISTENER]);
            sizes[i] = (is_segment ? 16384 : 2048) + next_random(&random) % 8192;
        }
    }
}

/* Listener n comes with a probability of 1/n, his keys alike. */
static void make_choices(void)
{
    static double up_to[CHOSEN_LISTENERS];
    double sum = 0;
    for (uint32_t i = 0; i < CHOSEN_LISTENERS; i++) {
        sum += 1.0 / (double)(i + 1);
        up_to[i] = sum;
    }
    uint64_t random = 2;
    for (uint32_t i = 0; i < CHOICES; i++) {
        double at = (double)(next_random(&random) >> 11) / 9007199254740992.0 * sum;
        uint32_t listener = 0;
        while (listener < CHOSEN_LISTENERS - 1 && up_to[listener] < at) {
            listener++;
        }
        choices[i] = listener * PER_LISTENER + (uint32_t)(next_random(&random) % PER_LISTENER);
    }
}

static void keep(uint32_t index, uint64_t hash)
{
    const struct l1_value value = {
        .payload = slice_of(payload, sizes[index]), .hash = hash, .sighting = is_record(index)};
    l1_keep(l1, key_of(index), &value);
}

/* ── memory ── */

static void *fill(void *context)
{
    struct worker *me = context;
    for (uint64_t i = 0; i < (uint64_t)KEYS * ROUNDS / FILLERS; i++) {
        keep((uint32_t)(next_random(&me->random) % KEYS), i);
    }
    return NULL;
}

static void run_all(struct worker *workers, int count, void *(*run)(void *))
{
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){.random = (uint64_t)i * 2654435761 + 88172645463325252};
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) {
            fail("thread");
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

static void tell_memory(const char *what, size_t bytes, size_t stored_bytes)
{
    printf("  %-28s %10zu  %+6.1f %%\n", what, bytes,
           100.0 * ((double)bytes / (double)stored_bytes - 1));
}

static void make_l1(void)
{
    l1_destroy(&l1);
    l1 = l1_create(L1_BYTES);
    if (l1 == NULL) {
        fail("memory");
    }
}

static void measure_memory(void)
{
    struct mallinfo2 before = mallinfo2();
    make_l1();
    struct worker workers[FILLERS];
    run_all(workers, FILLERS, fill);
    struct mallinfo2 after = mallinfo2();
    struct l1_stats stats;
    l1_read_stats(l1, &stats);
    printf("memory, of at most %d bytes, with %zu entries\n", L1_BYTES, stats.entries);
    tell_memory("keys and payloads", stats.stored_bytes, stats.stored_bytes);
    tell_memory("used, as L1 says", stats.used_bytes, stats.stored_bytes);
    tell_memory("in use, as malloc says",
                after.uordblks + after.hblkhd - before.uordblks - before.hblkhd,
                stats.stored_bytes);
    tell_memory("held by malloc", after.arena + after.hblkhd - before.arena - before.hblkhd,
                stats.stored_bytes);
}

/* ── a look-up ── */

static void find_many(const char *what, uint32_t choices_mask)
{
    uint64_t missed = 0;
    int64_t before_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (uint32_t i = 0; i < FINDS; i++) {
        const struct l1_value *value = l1_find(l1, key_of(choices[i & choices_mask]));
        missed += value == NULL;
        l1_release(&value);
    }
    double ns = (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns);
    printf("  %-28s %10.1f ns, %.1f %% missed\n", what, ns / FINDS, 100.0 * (double)missed / FINDS);
}

static void measure_finding(void)
{
    make_l1();
    for (uint32_t i = 0; i < CHOSEN_LISTENERS * PER_LISTENER; i++) {
        keep(i, 0);
    }
    puts("l1_find and l1_release, one thread");
    find_many("one key", 0);
    find_many("keys by Zipf's law", CHOICES - 1);
}

/* ── locks ── */

static uint64_t work(uint64_t random, uint64_t steps)
{
    for (uint64_t i = 0; i < steps; i++) {
        next_random(&random);
    }
    return random;
}

static void calibrate(void)
{
    enum { TIMES = 1 << 20 };
    int64_t before_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < TIMES; i++) {
        now_ns(CLOCK_MONOTONIC);
    }
    int64_t between_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    volatile uint64_t result = work(1, TIMES * 16);
    (void)result;
    clock_ns = (between_ns - before_ns) / TIMES;
    work_steps = (uint64_t)TIMES * 16 * WORK_NS
                 / (uint64_t)(now_ns(CLOCK_THREAD_CPUTIME_ID) - between_ns);
}

static void look_up(struct worker *me)
{
    uint32_t index = choices[next_random(&me->random) % CHOICES];
    const struct l1_value *value = l1_find(l1, key_of(index));
    me->missed += value == NULL;
    l1_release(&value);
}

static void *cycle(void *context)
{
    struct worker *me = context;
    int64_t end_ns = now_ns(CLOCK_MONOTONIC) + run_ns / TURNS / 2;
    do {
        for (int i = 0; i < 1000; i++) {
            bool is_timed = next_random(&me->random) % ONE_IN == 0;
            timed_worker = is_timed ? me : NULL;
            look_up(me);
            timed_worker = NULL;
            me->timed += is_timed;
            me->random = work(me->random, work_steps);
        }
        me->cycles += 1000;
    } while (now_ns(CLOCK_MONOTONIC) < end_ns);
    return NULL;
}

struct turn {
    double cycle_ns; /* of the wall clock, for all threads together */
    double cpu_ns;   /* a cycle */
    double waited, locked; /* share of all threads' time */
};

static struct turn run_turn(bool without_locks)
{
    static struct worker workers[THREADS];
    struct worker sum = {0};
    is_unlocked = without_locks;
    int64_t before_ns = now_ns(CLOCK_MONOTONIC);
    int64_t cpu_before_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    run_all(workers, THREADS, cycle);
    double wall_ns = (double)(now_ns(CLOCK_MONOTONIC) - before_ns);
    double cpu_ns = (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before_ns);
    is_unlocked = false;
    for (int i = 0; i < THREADS; i++) {
        sum.cycles += workers[i].cycles;
        sum.timed += workers[i].timed;
        sum.missed += workers[i].missed;
        sum.waited_ns += workers[i].waited_ns;
        sum.locked_ns += workers[i].locked_ns;
    }
    if (sum.missed > 0) {
        fail("a key is missing");
    }
    double cycles = (double)sum.cycles;
    double scale = cycles / (double)sum.timed / wall_ns / THREADS;
    return (struct turn){wall_ns / cycles, cpu_ns / cycles, (double)sum.waited_ns * scale,
                         (double)sum.locked_ns * scale};
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of the doubles that lie at an offset in each turn. */
static double median(const struct turn turns[TURNS], size_t offset)
{
    double values[TURNS];
    for (int i = 0; i < TURNS; i++) {
        memcpy(&values[i], (const char *)&turns[i] + offset, sizeof values[i]);
    }
    qsort(values, TURNS, sizeof *values, compare);
    return values[TURNS / 2];
}

static void tell_cost(const char *what, const struct turn *with, const struct turn *without,
                      size_t offset)
{
    double with_ns = median(with, offset);
    double without_ns = median(without, offset);
    printf("  %-28s %10.0f ns, %.0f ns without locks: %+.1f %%\n", what, with_ns, without_ns,
           100 * (with_ns / without_ns - 1));
}

static void measure_locks(void)
{
    struct turn with[TURNS];
    struct turn without[TURNS];
    calibrate();
    for (int i = 0; i < TURNS; i++) {
        with[i] = run_turn(false);
        without[i] = run_turn(true);
    }
    printf("locks, %d threads\n", THREADS);
    tell_cost("a cycle each", with, without, offsetof(struct turn, cycle_ns));
    tell_cost("processor time of a cycle", with, without, offsetof(struct turn, cpu_ns));
    printf("  %-28s %10.1f %% of the wall clock\n", "until a lock was had",
           100 * median(with, offsetof(struct turn, waited)));
    printf("  %-28s %10.1f %% of the wall clock\n", "until it was given back",
           100 * median(with, offsetof(struct turn, locked)));
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long seconds = argc == 2 ? strtol(argv[1], &end, 10) : 1;
    if (argc > 2 || (end != NULL && *end != '\0') || seconds < 1) {
        fprintf(stderr, "usage: l1 [SECONDS]\n");
        return 2;
    }
    run_ns = seconds * 1000000000;
    make_keys();
    make_choices();
    measure_memory();
    measure_finding();
    measure_locks();
    l1_destroy(&l1);
    return EXIT_SUCCESS;
}
