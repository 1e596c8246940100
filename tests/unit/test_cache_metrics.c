#include "cache/metrics.h"
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS_MAX = 64 };

/* The folder of a test, with the path of the file in it. */
struct place {
    char folder[32];
    char file[48];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/refrain-unit-XXXXXX"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place.folder));
    snprintf(place.file, sizeof place.file, "%s/metrics", place.folder);
    return place;
}

static void remove_place(const struct place *place)
{
    CU_ASSERT_EQUAL(unlink(place->file), 0);
    CU_ASSERT_EQUAL(rmdir(place->folder), 0);
}

static struct cache_metrics *open_metrics(const struct place *place)
{
    struct cache_metrics *metrics = NULL;
    struct error error;
    enum result result = cache_metrics_open(place->folder, &metrics, &error);
    CU_ASSERT_EQUAL_FATAL(result, RESULT_OK);
    return metrics;
}

static struct cache_totals read_totals(const struct cache_metrics *metrics)
{
    struct cache_totals totals;
    cache_metrics_read(metrics, &totals);
    return totals;
}

/* One of everything, as a process would tell it that works just now. */
static void tell(struct cache_metrics *metrics)
{
    cache_metrics_count(metrics, CACHE_VIEW_STATS_ARTISTS, CACHE_HIT_VALIDATED);
    cache_metrics_add(metrics, CACHE_COUNT_FILL_STORED, 5);
    cache_metrics_time(metrics, CACHE_TIME_FILL, 70);
    cache_metrics_set(metrics, CACHE_LEVEL_RELAY_BUCKETS, 3);
    struct server_stats *redis = cache_metrics_server(metrics, CACHE_SERVER_REDIS);
    atomic_fetch_add(&redis->connected, 2);
    atomic_fetch_add(&redis->connects_failed, 3);
    atomic_fetch_add(&redis->calls_failed, 4);
    atomic_fetch_add(&redis->breaker_opened, 1);
    atomic_store(&redis->connections, 2);
    atomic_store(&redis->lent, 1);
    atomic_store(&redis->waiting, 9);
    atomic_store(&redis->breaker, BREAKER_OPEN);
}

static void check_told(const struct cache_totals *totals, uint64_t times)
{
    const struct cache_server_total *redis = &totals->servers[CACHE_SERVER_REDIS];
    CU_ASSERT_EQUAL(totals->counts[CACHE_VIEW_STATS_ARTISTS][CACHE_HIT_VALIDATED], times);
    CU_ASSERT_EQUAL(totals->counters[CACHE_COUNT_FILL_STORED], 5 * times);
    CU_ASSERT_EQUAL(totals->times[CACHE_TIME_FILL].counts[1], times);
    CU_ASSERT_EQUAL(totals->times[CACHE_TIME_FILL].sum_us, 70 * times);
    CU_ASSERT_EQUAL(redis->connected, 2 * times);
    CU_ASSERT_EQUAL(redis->connects_failed, 3 * times);
    CU_ASSERT_EQUAL(redis->calls_failed, 4 * times);
    CU_ASSERT_EQUAL(redis->breaker_opened, times);
}

static void check_now(const struct cache_totals *totals, uint64_t tellers, uint64_t others)
{
    const struct cache_server_total *redis = &totals->servers[CACHE_SERVER_REDIS];
    CU_ASSERT_EQUAL(totals->levels[CACHE_LEVEL_RELAY_BUCKETS], 3 * tellers);
    CU_ASSERT_EQUAL(redis->connections, 2 * tellers);
    CU_ASSERT_EQUAL(redis->lent, tellers);
    CU_ASSERT_EQUAL(redis->waiting, 9 * tellers);
    CU_ASSERT_EQUAL(redis->breakers[BREAKER_OPEN], tellers);
    CU_ASSERT_EQUAL(redis->breakers[BREAKER_CLOSED], others);
    CU_ASSERT_EQUAL(totals->servers[CACHE_SERVER_POSTGRESQL].breakers[BREAKER_CLOSED],
                    tellers + others);
}

/* A process that has told of everything and lives until it is killed. */
static pid_t start_teller(const struct place *place)
{
    int ready[2];
    char byte = 0;
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        tell(open_metrics(place));
        if (write(ready[1], &byte, 1) == 1) {
            pause();
        }
        _exit(1);
    }
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void kill_teller(pid_t child)
{
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void counters_are_summed_over_processes_and_outlive_them(void)
{
    struct place place = make_place();
    pid_t first = start_teller(&place);
    pid_t second = start_teller(&place);
    struct cache_metrics *metrics = open_metrics(&place);
    tell(metrics);
    struct cache_totals totals = read_totals(metrics);
    check_told(&totals, 3);
    check_now(&totals, 3, 0);
    kill_teller(first);
    totals = read_totals(metrics);
    check_told(&totals, 3);
    check_now(&totals, 2, 0);
    kill_teller(second);
    totals = read_totals(metrics);
    check_told(&totals, 3);
    check_now(&totals, 1, 0);
    cache_metrics_close(&metrics);
    remove_place(&place);
}

static void a_new_owner_of_a_slot_goes_on_counting_and_forgets_now(void)
{
    struct place place = make_place();
    kill_teller(start_teller(&place));
    struct cache_metrics *metrics = open_metrics(&place);
    struct cache_totals totals = read_totals(metrics);
    check_told(&totals, 1);
    check_now(&totals, 0, 1);
    tell(metrics);
    cache_metrics_close(&metrics);
    metrics = open_metrics(&place);
    totals = read_totals(metrics);
    check_told(&totals, 2);
    check_now(&totals, 0, 1);
    cache_metrics_close(&metrics);
    remove_place(&place);
}

static void of_ages_the_greatest_is_told(void)
{
    struct place place = make_place();
    struct cache_metrics *metrics[3];
    static const uint64_t ages_us[] = {20, 30, 10};
    for (int i = 0; i < 3; i++) {
        metrics[i] = open_metrics(&place);
        cache_metrics_set(metrics[i], CACHE_LEVEL_RELAY_PENDING_US, ages_us[i]);
    }
    CU_ASSERT_EQUAL(read_totals(metrics[0]).levels[CACHE_LEVEL_RELAY_PENDING_US], 30);
    cache_metrics_close(&metrics[1]);
    CU_ASSERT_EQUAL(read_totals(metrics[0]).levels[CACHE_LEVEL_RELAY_PENDING_US], 20);
    cache_metrics_close(&metrics[0]);
    cache_metrics_close(&metrics[2]);
    remove_place(&place);
}

static void bounds_belong_to_their_bucket(void)
{
    struct place place = make_place();
    struct cache_metrics *metrics = open_metrics(&place);
    uint64_t sum_us = 0;
    for (int i = 0; i < CACHE_TIME_BOUNDS; i++) {
        int64_t bound_us = cache_time_bounds_us[i];
        CU_ASSERT_TRUE(bound_us > (i > 0 ? cache_time_bounds_us[i - 1] : 0));
        cache_metrics_time(metrics, CACHE_TIME_ROUND, bound_us);
        cache_metrics_time(metrics, CACHE_TIME_ROUND, bound_us + 1);
        sum_us += 2 * (uint64_t)bound_us + 1;
    }
    cache_metrics_time(metrics, CACHE_TIME_ROUND, 0);
    cache_metrics_time(metrics, CACHE_TIME_ROUND, -5);
    struct cache_totals totals = read_totals(metrics);
    const struct cache_time_total *round = &totals.times[CACHE_TIME_ROUND];
    CU_ASSERT_EQUAL(round->counts[0], 3); /* nothing, less than nothing, and the bound itself */
    for (int i = 1; i < CACHE_TIME_BOUNDS; i++) {
        CU_ASSERT_EQUAL(round->counts[i], 2);
    }
    CU_ASSERT_EQUAL(round->counts[CACHE_TIME_BOUNDS], 1);
    CU_ASSERT_EQUAL(round->sum_us, sum_us);
    cache_metrics_close(&metrics);
    remove_place(&place);
}

static void a_file_of_another_layout_is_replaced_and_stays_whole(void)
{
    struct place place = make_place();
    struct cache_metrics *old = open_metrics(&place);
    tell(old);
    uint64_t mark = 0;
    int fd = open(place.file, O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL(pread(fd, &mark, sizeof mark, 0), sizeof mark);
    mark++;
    CU_ASSERT_EQUAL(pwrite(fd, &mark, sizeof mark, 0), sizeof mark);
    close(fd);
    struct cache_metrics *new = open_metrics(&place);
    struct cache_totals totals = read_totals(new);
    check_told(&totals, 0);
    check_now(&totals, 0, 1);
    tell(old);
    totals = read_totals(old);
    check_told(&totals, 2);
    CU_ASSERT_EQUAL(truncate(place.file, 100), 0);
    cache_metrics_close(&new);
    new = open_metrics(&place);
    totals = read_totals(new);
    check_told(&totals, 0);
    cache_metrics_close(&new);
    cache_metrics_close(&old);
    remove_place(&place);
}

enum { THREADS = 4, THREAD_COUNTS = 20000 };

static void *count_on(void *metrics)
{
    for (int i = 0; i < THREAD_COUNTS; i++) {
        cache_metrics_count(metrics, CACHE_VIEW_HISTORY_COUNT, CACHE_MISS_ABSENT);
        cache_metrics_time(metrics, CACHE_TIME_LOCK_WAIT, 1);
    }
    return NULL;
}

static void threads_lose_no_count(void)
{
    struct place place = make_place();
    struct cache_metrics *metrics = open_metrics(&place);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_on, metrics), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    struct cache_totals totals = read_totals(metrics);
    CU_ASSERT_EQUAL(totals.counts[CACHE_VIEW_HISTORY_COUNT][CACHE_MISS_ABSENT],
                    THREADS * THREAD_COUNTS);
    CU_ASSERT_EQUAL(totals.times[CACHE_TIME_LOCK_WAIT].sum_us, THREADS * THREAD_COUNTS);
    cache_metrics_close(&metrics);
    remove_place(&place);
}

static void one_more_than_there_are_slots_is_refused(void)
{
    struct place place = make_place();
    struct cache_metrics *metrics[SLOTS_MAX];
    for (int i = 0; i < SLOTS_MAX; i++) {
        metrics[i] = open_metrics(&place);
        tell(metrics[i]);
    }
    struct cache_metrics *more = NULL;
    struct error error;
    CU_ASSERT_EQUAL(cache_metrics_open(place.folder, &more, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(more);
    cache_metrics_close(&metrics[17]);
    more = open_metrics(&place);
    struct cache_totals totals = read_totals(more);
    check_told(&totals, SLOTS_MAX);
    check_now(&totals, SLOTS_MAX - 1, 1);
    metrics[17] = more;
    for (int i = 0; i < SLOTS_MAX; i++) {
        cache_metrics_close(&metrics[i]);
    }
    remove_place(&place);
}

static void a_missing_folder_is_named(void)
{
    struct cache_metrics *metrics = NULL;
    struct error error;
    enum result result = cache_metrics_open("/nonexistent/folder", &metrics, &error);
    CU_ASSERT_EQUAL(result, RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(metrics);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent/folder"));
}

struct row {
    const char *table, *metric, *label, *help;
};

#define ROW(name, metric, label, help, ...) {TABLE, metric, label, help},
static const struct row rows[] = {
#define TABLE "_total"
    CACHE_COUNTERS(ROW)
#undef TABLE
#define TABLE "_seconds"
    CACHE_TIMES(ROW)
#undef TABLE
#define TABLE ""
    CACHE_LEVELS(ROW)
#undef TABLE
};
#undef ROW

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end)
           && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* A metric is told once, by the first of its rows; so they stand together. */
static void tables_are_in_order(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_first = i == 0 || strcmp(rows[i - 1].metric, rows[i].metric) != 0;
        CU_ASSERT_EQUAL(is_first, rows[i].help[0] != '\0');
        CU_ASSERT_TRUE(ends_with(rows[i].metric, rows[i].table));
        for (size_t j = 0; j < i; j++) {
            bool is_same = strcmp(rows[j].metric, rows[i].metric) == 0;
            CU_ASSERT_FALSE(is_same && is_first);
            CU_ASSERT_FALSE(is_same && strcmp(rows[j].label, rows[i].label) == 0);
        }
    }
}

static char *read_documentation(void)
{
    FILE *file = fopen(unit_source_path("docs/metrics.md"), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char *text = calloc(1, 65536);
    CU_ASSERT_TRUE(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void expect_in(const char *text, const char *name)
{
    char quoted[128];
    snprintf(quoted, sizeof quoted, "`%s`", name);
    if (strstr(text, quoted) == NULL) {
        printf("# docs/metrics.md lacks %s\n", quoted);
        CU_FAIL("a name is missing in docs/metrics.md");
    }
}

/* Every metric, and each of its labels and their values. */
static void everything_is_documented(void)
{
    char *text = read_documentation();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_in(text, rows[i].metric);
        char label[128];
        snprintf(label, sizeof label, "%s", rows[i].label);
        for (char *rest = label, *word; (word = strsep(&rest, "=,\"")) != NULL;) {
            if (word[0] != '\0') {
                expect_in(text, word);
            }
        }
    }
    for (int i = 0; i < CACHE_VIEWS_COUNT; i++) {
        expect_in(text, cache_view_name((enum cache_view)i));
    }
    for (int i = 0; i < CACHE_OUTCOMES_COUNT; i++) {
        expect_in(text, cache_outcome_name((enum cache_outcome)i));
    }
    free(text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(counters_are_summed_over_processes_and_outlive_them),
        UNIT_TEST(a_new_owner_of_a_slot_goes_on_counting_and_forgets_now),
        UNIT_TEST(of_ages_the_greatest_is_told),
        UNIT_TEST(bounds_belong_to_their_bucket),
        UNIT_TEST(a_file_of_another_layout_is_replaced_and_stays_whole),
        UNIT_TEST(threads_lose_no_count),
        UNIT_TEST(one_more_than_there_are_slots_is_refused),
        UNIT_TEST(a_missing_folder_is_named),
        UNIT_TEST(tables_are_in_order),
        UNIT_TEST(everything_is_documented),
    };
    return unit_run("cache metrics", tests, sizeof tests / sizeof *tests);
}
