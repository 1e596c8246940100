#include "cache/l1.h"
#include "unit.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1 << 20, KEY_MAX = 80, PAYLOAD_MAX = 256 << 10 };

/* Allocations fail at will; the linker sends them through here (see local.mk). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static long until_failure = -1; /* allocations; negative: none fails */

static bool fails_now(void)
{
    if (until_failure < 0) {
        return false;
    }
    return until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1d;
}

static struct l1 *make_l1(size_t bytes_max)
{
    struct l1 *l1 = l1_create(bytes_max);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l1);
    return l1;
}

static struct l1_stats stats_of(struct l1 *l1)
{
    struct l1_stats stats;
    l1_read_stats(l1, &stats);
    return stats;
}

/* As long as the keys of values are. */
static struct slice key_of(const char *kind, int number, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "rf2:{123}d:0123456789abcdef0123456789abcdef:%s:%09d:0", kind, number);
    return slice_text(key);
}

/* The payload is a function of key, hash and size, so that any mix-up shows. */
static char byte_of(struct slice key, uint64_t hash, size_t size_bytes)
{
    return (char)(hash_64(key) + hash * 31 + size_bytes);
}

static void keep_hash(struct l1 *l1, const char *kind, int number, size_t size_bytes, uint64_t hash)
{
    char text[KEY_MAX];
    struct slice key = key_of(kind, number, text);
    char *payload = calloc(1, size_bytes + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
    memset(payload, byte_of(key, hash, size_bytes), size_bytes);
    const struct l1_value value = {.payload = slice_of(payload, size_bytes), .hash = hash};
    l1_keep(l1, key, &value);
    free(payload);
}

static void keep(struct l1 *l1, const char *kind, int number, size_t size_bytes)
{
    keep_hash(l1, kind, number, size_bytes, 0);
}

static const struct l1_value *find(struct l1 *l1, const char *kind, int number)
{
    char key[KEY_MAX];
    return l1_find(l1, key_of(kind, number, key));
}

static bool is_whole(const struct l1_value *value, const char *kind, int number)
{
    char text[KEY_MAX];
    struct slice key = key_of(kind, number, text);
    char byte = byte_of(key, value->hash, value->payload.size_bytes);
    for (size_t i = 0; i < value->payload.size_bytes; i++) {
        if (value->payload.data[i] != byte) {
            return false;
        }
    }
    return true;
}

/* Counts as a look-up. */
static bool has(struct l1 *l1, const char *kind, int number)
{
    const struct l1_value *value = find(l1, kind, number);
    bool has = value != NULL;
    CU_ASSERT_TRUE(!has || is_whole(value, kind, number));
    l1_release(&value);
    return has;
}

static void look_up_twice(struct l1 *l1, const char *kind, int number)
{
    CU_ASSERT_TRUE(has(l1, kind, number));
    CU_ASSERT_TRUE(has(l1, kind, number));
}

/* Keeps what nobody looks up. */
static void scan(struct l1 *l1, const char *kind, size_t total_bytes)
{
    enum { EACH = 4096 };
    for (int i = 0; i < (int)(total_bytes / EACH); i++) {
        keep(l1, kind, i, EACH);
    }
}

static void what_is_kept_is_found(void)
{
    struct l1 *l1 = make_l1(MIB);
    const struct l1_value *none = NULL;
    struct l1_value value = {
        .header = {.versions = {.epoch = 1, .live = 2}, .built_at_us = 3, .ttl_s = 4},
        .payload = slice_text("payload"),
        .hash = 5,
        .sighting = 6,
    };
    l1_keep(l1, slice_text("n:alice"), &value);
    l1_keep(l1, slice_of("", 0), &(struct l1_value){.hash = 7});
    const struct l1_value *found = l1_find(l1, slice_text("n:alice"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_TRUE(slice_is(found->payload, "payload"));
    CU_ASSERT_PTR_NOT_EQUAL(found->payload.data, value.payload.data);
    CU_ASSERT_EQUAL(memcmp(&found->header, &value.header, sizeof value.header), 0);
    CU_ASSERT_EQUAL(found->hash, 5);
    CU_ASSERT_EQUAL(found->sighting, 6);
    l1_release(&found);
    CU_ASSERT_PTR_NULL(found);
    found = l1_find(l1, slice_of("", 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_EQUAL(found->payload.size_bytes, 0);
    l1_release(&found);
    CU_ASSERT_PTR_NULL(l1_find(l1, slice_text("n:alic")));
    l1_release(&none);
    struct l1_stats stats = stats_of(l1);
    CU_ASSERT_EQUAL(stats.entries, 2);
    CU_ASSERT_EQUAL(stats.stored_bytes, strlen("n:alice") + strlen("payload"));
    CU_ASSERT_EQUAL(stats.kept, 2);
    l1_destroy(&l1);
    CU_ASSERT_PTR_NULL(l1);
}

/* Keeps the value, and tells whether it has taken the place of what was there. */
static bool replaces(struct l1 *l1, const struct l1_value *value)
{
    struct slice key = slice_text("key");
    const struct l1_value *before = l1_find(l1, key);
    l1_keep(l1, key, value);
    const struct l1_value *after = l1_find(l1, key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(after);
    bool is_replaced = after != before;
    CU_ASSERT_EQUAL(memcmp(&after->header, &value->header, sizeof value->header), 0);
    l1_release(&before);
    l1_release(&after);
    return is_replaced;
}

static void only_what_differs_is_replaced(void)
{
    struct l1 *l1 = make_l1(MIB);
    struct l1_value value = {.payload = slice_text("payload")};
    CU_ASSERT_TRUE(replaces(l1, &value));
    CU_ASSERT_FALSE(replaces(l1, &value));
    value.header.versions.live++;
    CU_ASSERT_TRUE(replaces(l1, &value));
    value.header.versions.as_of_us++;
    CU_ASSERT_TRUE(replaces(l1, &value));
    value.header.built_at_us++;
    CU_ASSERT_TRUE(replaces(l1, &value));
    value.hash++;
    CU_ASSERT_TRUE(replaces(l1, &value));
    value.sighting++;
    CU_ASSERT_TRUE(replaces(l1, &value));
    CU_ASSERT_FALSE(replaces(l1, &value));
    struct l1_stats stats = stats_of(l1);
    CU_ASSERT_EQUAL(stats.entries, 1);
    CU_ASSERT_EQUAL(stats.kept, 6);
    CU_ASSERT_EQUAL(stats.evicted, 0);
    l1_destroy(&l1);
}

static void references_outlive_eviction_and_replacement(void)
{
    struct l1 *l1 = make_l1(MIB);
    keep(l1, "held", 1, 3000);
    keep(l1, "held", 2, 3000);
    const struct l1_value *evicted = find(l1, "held", 1);
    const struct l1_value *replaced = find(l1, "held", 2);
    const struct l1_value *again = find(l1, "held", 2);
    CU_ASSERT_PTR_EQUAL(replaced, again);
    keep_hash(l1, "held", 2, 2000, 1);
    scan(l1, "scan", 3 * MIB);
    CU_ASSERT_PTR_NULL(find(l1, "held", 1));
    CU_ASSERT_EQUAL(evicted->payload.size_bytes, 3000);
    CU_ASSERT_TRUE(is_whole(evicted, "held", 1));
    l1_release(&again);
    CU_ASSERT_TRUE(is_whole(replaced, "held", 2));
    l1_destroy(&l1);
    CU_ASSERT_TRUE(is_whole(replaced, "held", 2));
    l1_release(&evicted);
    l1_release(&replaced);
}

static void a_key_keeps_its_popularity_when_replaced(void)
{
    struct l1 *l1 = make_l1(MIB);
    keep(l1, "popular", 1, 3000);
    look_up_twice(l1, "popular", 1);
    keep_hash(l1, "popular", 1, 5000, 1);
    scan(l1, "scan", 3 * MIB);
    CU_ASSERT_TRUE(has(l1, "popular", 1));
    l1_destroy(&l1);
}

static void a_key_keeps_its_place_when_replaced(void)
{
    enum { EACH = 10000, FITTING = 80, MORE = 40 };
    struct l1 *l1 = make_l1(MIB);
    for (int i = 0; i < FITTING; i++) {
        keep(l1, "value", i, EACH);
    }
    keep_hash(l1, "value", 0, EACH, 1);
    keep_hash(l1, "value", FITTING / 2, EACH, 1);
    keep_hash(l1, "value", FITTING - 1, EACH, 1);
    for (int i = FITTING; i < FITTING + MORE; i++) {
        keep(l1, "value", i, EACH);
    }
    CU_ASSERT_EQUAL(stats_of(l1).entries + stats_of(l1).evicted, FITTING + MORE);
    int gone = (int)stats_of(l1).evicted;
    CU_ASSERT_TRUE(gone > 0 && gone < FITTING / 2);
    for (int i = 0; i < FITTING + MORE; i++) {
        CU_ASSERT_EQUAL(has(l1, "value", i), i >= gone);
    }
    l1_destroy(&l1);
}

static void a_scan_does_not_drive_out_what_is_hot(void)
{
    enum { EACH = 4096, HOT = 4 * MIB / EACH, SCANNED = 80 * MIB / EACH };
    struct l1 *l1 = make_l1(8 * MIB);
    for (int i = 0; i < HOT; i++) {
        keep(l1, "hot", i, EACH);
        look_up_twice(l1, "hot", i);
    }
    for (int i = 0; i < SCANNED; i++) {
        keep(l1, "scan", i, EACH);
    }
    int hits = 0;
    for (int i = 0; i < HOT; i++) {
        hits += has(l1, "hot", i);
    }
    CU_ASSERT_TRUE(hits * 100 >= HOT * 95);
    l1_destroy(&l1);
}

static void what_was_hot_leaves_in_the_end(void)
{
    struct l1 *l1 = make_l1(MIB);
    keep(l1, "old", 1, 4096);
    look_up_twice(l1, "old", 1);
    scan(l1, "scan", 2 * MIB);
    for (int i = 0; i < 600; i++) {
        keep(l1, "new", i, 4096);
        look_up_twice(l1, "new", i);
    }
    CU_ASSERT_FALSE(has(l1, "old", 1));
    /* And what is new has a tenth of the room, however much is hot. */
    scan(l1, "newest", MIB / 16);
    CU_ASSERT_TRUE(has(l1, "newest", 0));
    l1_destroy(&l1);
}

static void who_comes_back_soon_stays(void)
{
    struct l1 *l1 = make_l1(MIB);
    scan(l1, "before", 2 * MIB);
    keep(l1, "back", 1, 4096);
    scan(l1, "away", MIB / 32);
    scan(l1, "between", MIB + MIB / 4);
    CU_ASSERT_FALSE(has(l1, "back", 1));
    keep(l1, "back", 1, 4096);
    keep(l1, "fresh", 1, 4096);
    scan(l1, "after", MIB + MIB / 8);
    CU_ASSERT_TRUE(has(l1, "back", 1));
    CU_ASSERT_FALSE(has(l1, "fresh", 1));
    /* A ghost does not last for ever. */
    scan(l1, "away", MIB / 32);
    scan(l1, "last", 3 * MIB);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_FALSE(has(l1, "away", i));
    }
    l1_destroy(&l1);
}

static void large_values_are_kept_where_they_fit(void)
{
    struct l1 *l1 = make_l1(MIB);
    scan(l1, "scan", 2 * MIB);
    keep(l1, "large", 1, PAYLOAD_MAX);
    CU_ASSERT_TRUE(has(l1, "large", 1));
    keep(l1, "large", 2, MIB - MIB / 16);
    CU_ASSERT_TRUE(has(l1, "large", 2));
    CU_ASSERT_EQUAL(stats_of(l1).refused, 0);
    keep_hash(l1, "large", 2, MIB, 1);
    CU_ASSERT_EQUAL(stats_of(l1).refused, 1);
    CU_ASSERT_TRUE(has(l1, "large", 2)); /* what it was */
    l1_destroy(&l1);
    l1 = make_l1(16 * MIB);
    for (int i = 0; i < 16; i++) {
        keep(l1, "large", i, PAYLOAD_MAX);
        CU_ASSERT_TRUE(has(l1, "large", i));
    }
    CU_ASSERT_EQUAL(stats_of(l1).entries, 16);
    l1_destroy(&l1);
}

static void without_room_nothing_is_kept(void)
{
    enum { MOST = 2000 };
    size_t smallest = 0;
    for (size_t bytes_max = 0; bytes_max < MOST; bytes_max += 10) {
        struct l1 *l1 = make_l1(bytes_max);
        keep(l1, "value", 1, 300);
        bool is_kept = has(l1, "value", 1);
        struct l1_stats stats = stats_of(l1);
        CU_ASSERT_EQUAL(stats.kept, is_kept);
        CU_ASSERT_EQUAL(stats.refused, !is_kept);
        CU_ASSERT_TRUE(!is_kept || stats.used_bytes <= bytes_max);
        smallest = is_kept && smallest == 0 ? bytes_max : smallest;
        CU_ASSERT_EQUAL(is_kept, smallest > 0);
        l1_destroy(&l1);
    }
    CU_ASSERT_TRUE(smallest > 500);
}

/* What is found is what was kept last, and the figures agree with what is found. */
static void the_bound_holds(void)
{
    enum { KEYS = 400, STEPS = 20000 };
    static uint64_t newest[KEYS];
    uint64_t random = 42;
    struct l1 *l1 = make_l1(MIB);
    for (uint64_t step = 1; step <= STEPS; step++) {
        int number = (int)(next_random(&random) % KEYS * (next_random(&random) % KEYS) / KEYS);
        const struct l1_value *value = find(l1, "value", number);
        if (value != NULL) {
            CU_ASSERT_EQUAL(value->hash, newest[number]);
            CU_ASSERT_TRUE(is_whole(value, "value", number));
        }
        if (value == NULL || next_random(&random) % 8 == 0) {
            newest[number] = step;
            size_t most = next_random(&random) % 64 == 0 ? 100000 : 8192;
            keep_hash(l1, "value", number, next_random(&random) % most, step);
        }
        l1_release(&value);
        CU_ASSERT_TRUE(stats_of(l1).used_bytes <= MIB);
    }
    struct l1_stats stats = stats_of(l1);
    for (int i = 0; i < KEYS; i++) {
        char key[KEY_MAX];
        const struct l1_value *value = find(l1, "value", i);
        if (value != NULL) {
            stats.entries--;
            stats.stored_bytes -= key_of("value", i, key).size_bytes + value->payload.size_bytes;
        }
        l1_release(&value);
    }
    CU_ASSERT_EQUAL(stats.entries, 0);
    CU_ASSERT_EQUAL(stats.stored_bytes, 0);
    CU_ASSERT_TRUE(stats.used_bytes > MIB * 8 / 10);
    l1_destroy(&l1);
}

/* With a record to six values, as it is in the service. */
static void little_is_spent_beside_what_is_stored(void)
{
    uint64_t random = 7;
    struct l1 *l1 = make_l1(8 * MIB);
    for (int i = 0; i < 7000; i++) {
        size_t size_bytes = i % 7 == 0  ? 100
                            : i % 7 < 5 ? 2048 + next_random(&random) % 8192
                                        : 20000;
        keep(l1, "value", i, size_bytes);
    }
    struct l1_stats stats = stats_of(l1);
    CU_ASSERT_TRUE(stats.used_bytes > 8 * MIB * 95 / 100);
    CU_ASSERT_TRUE(stats.used_bytes < stats.stored_bytes * 115 / 100);
    l1_destroy(&l1);
}

static void short_memory_does_no_harm(void)
{
    struct l1 *l1 = NULL;
    for (long nth = 0; l1 == NULL; nth++) {
        CU_ASSERT_FATAL(nth < 100);
        until_failure = nth;
        l1 = l1_create(8 * MIB);
        until_failure = -1;
        CU_ASSERT_TRUE(l1 == NULL || nth == 5); /* itself, two tables for each of two shards */
    }
    keep(l1, "value", 1, 1000);
    until_failure = 1; /* the test's own payload comes first */
    keep_hash(l1, "value", 1, 2000, 1);
    until_failure = 1;
    keep(l1, "value", 2, 1000);
    until_failure = -1;
    CU_ASSERT_EQUAL(stats_of(l1).refused, 2);
    CU_ASSERT_TRUE(has(l1, "value", 1)); /* what it was */
    CU_ASSERT_FALSE(has(l1, "value", 2));
    CU_ASSERT_EQUAL(stats_of(l1).entries, 1);
    l1_destroy(&l1);
}

/* ── threads ── */

struct worker {
    pthread_t thread;
    struct l1 *l1;
    uint64_t random;
    size_t found, broken;
};

static void check_held(struct worker *me, const struct l1_value **held, int number)
{
    if (*held != NULL) {
        me->found++;
        me->broken += !is_whole(*held, "value", number);
    }
    l1_release(held);
}

static void *run(void *context)
{
    enum { STEPS = 4000, HELD = 4, KEYS = 300 };
    struct worker *me = context;
    const struct l1_value *held[HELD] = {NULL};
    int numbers[HELD] = {0};
    for (int step = 0; step < STEPS + HELD; step++) {
        int at = step % HELD;
        check_held(me, &held[at], numbers[at]);
        if (step >= STEPS) {
            continue;
        }
        numbers[at] = (int)(next_random(&me->random) % KEYS * (next_random(&me->random) % KEYS)
                            / KEYS);
        held[at] = find(me->l1, "value", numbers[at]);
        if (held[at] == NULL || next_random(&me->random) % 4 == 0) {
            keep_hash(me->l1, "value", numbers[at], next_random(&me->random) % 4096,
                      next_random(&me->random));
        }
        if (step % 64 == 0) {
            me->broken += stats_of(me->l1).used_bytes > MIB / 2;
        }
    }
    return NULL;
}

static void threads_see_whole_values_only(void)
{
    enum { THREADS = 8 };
    struct worker workers[THREADS];
    struct l1 *l1 = make_l1(MIB / 2);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.l1 = l1, .random = (uint64_t)i * 1000 + 1};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CU_ASSERT_EQUAL(workers[i].broken, 0);
        CU_ASSERT_TRUE(workers[i].found > 0);
    }
    CU_ASSERT_TRUE(stats_of(l1).evicted > 0);
    l1_destroy(&l1);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_is_kept_is_found),
        UNIT_TEST(only_what_differs_is_replaced),
        UNIT_TEST(references_outlive_eviction_and_replacement),
        UNIT_TEST(a_key_keeps_its_popularity_when_replaced),
        UNIT_TEST(a_key_keeps_its_place_when_replaced),
        UNIT_TEST(a_scan_does_not_drive_out_what_is_hot),
        UNIT_TEST(what_was_hot_leaves_in_the_end),
        UNIT_TEST(who_comes_back_soon_stays),
        UNIT_TEST(large_values_are_kept_where_they_fit),
        UNIT_TEST(without_room_nothing_is_kept),
        UNIT_TEST(the_bound_holds),
        UNIT_TEST(little_is_spent_beside_what_is_stored),
        UNIT_TEST(short_memory_does_no_harm),
        UNIT_TEST(threads_see_whole_values_only),
    };
    return unit_run("cache l1", tests, sizeof tests / sizeof *tests);
}
