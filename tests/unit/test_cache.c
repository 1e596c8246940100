#include "cache/codec.h"
#include "cache/key.h"
#include "cache/metrics.h"
#include "unit.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t day_s = 86400;
static const int64_t midnight_s = 1763596800; /* 2025-11-20 00:00 UTC */

static const struct cache_header sample = {
    .versions = {.epoch = 7,
                 .live = 1763600000000001,
                 .past = 1763600000000000,
                 .people = 3,
                 .catalogue = -4,
                 .as_of_us = 1763600000000000},
    .window_end_s = 1763596800,
    .built_at_us = 1763600000500000,
    .ttl_s = 3600,
};

static void values_come_back_as_they_were(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice key = slice_text("rf1:{1}d:x");
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, key, &sample, slice_text("payload"));
    CU_ASSERT_TRUE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
    CU_ASSERT_TRUE(slice_is(payload, "payload"));
    CU_ASSERT_EQUAL(memcmp(&header, &sample, sizeof header), 0);
    buffer_free(&bytes);
}

static void every_flipped_bit_and_every_cut_is_refused(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice key = slice_text("key");
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, key, &sample, slice_text("some payload"));
    for (size_t i = 0; i < bytes.size_bytes * 8; i++) {
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ (1 << i % 8));
        CU_ASSERT_FALSE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ (1 << i % 8));
    }
    for (size_t size = 0; size < bytes.size_bytes; size++) {
        CU_ASSERT_FALSE(cache_decode(slice_of(bytes.data, size), key, &header, &payload));
    }
    CU_ASSERT_TRUE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
    buffer_free(&bytes);
}

static void a_value_under_another_key_is_refused(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, slice_text("alice"), &sample, slice_text("hers"));
    CU_ASSERT_FALSE(cache_decode(buffer_slice(&bytes), slice_text("bob"), &header, &payload));
    buffer_free(&bytes);
}

static void windows_close_ten_minutes_after_their_end(void)
{
    struct cache_header header = sample;
    header.window_end_s = midnight_s;
    header.versions.as_of_us = (midnight_s + 599) * 1000000;
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.versions.as_of_us = (midnight_s + 600) * 1000000;
    CU_ASSERT_TRUE(cache_header_is_closed(&header));
    header.window_end_s = midnight_s + 1; /* ends within the day of as_of */
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.window_end_s = midnight_s + day_s;
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.window_end_s = 0; /* never ends */
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
}

/* Keys are shared by releases that run side by side and, for the bucket, with SQL: they never
 * change. */
static void keys_are_stable(void)
{
    struct cache_subject subject;
    char key[CACHE_KEY_MAX];
    cache_subject_of(slice_text("alice"), &subject);
    const struct cache_name name = {"stats", "artists", "week@2026-11-16", 2};
    size_t size = cache_key_format(&subject, &name, key);
    CU_ASSERT_EQUAL(size, strlen(key));
    CU_ASSERT_STRING_EQUAL(
        key, "rf1:{43}d:2bd806c97f0e00af1a1fc3328fa763a9:stats:artists:week@2026-11-16:2");
}

static char *make_folder(void)
{
    static char folder[] = "/tmp/refrain-unit-XXXXXX";
    return mkdtemp(folder);
}

static struct cache_metrics *open_metrics(const char *folder)
{
    struct cache_metrics *metrics = NULL;
    struct error error;
    enum result result = cache_metrics_open(folder, &metrics, &error);
    CU_ASSERT_EQUAL_FATAL(result, RESULT_OK);
    return metrics;
}

static uint64_t read_artists_hits(const struct cache_metrics *metrics)
{
    struct cache_totals totals;
    cache_metrics_read(metrics, &totals);
    return totals.counts[CACHE_VIEW_STATS_ARTISTS][CACHE_HIT_VALIDATED];
}

/* A process that counts once and is killed without a word. */
static void count_in_child(const char *folder)
{
    pid_t child = fork();
    if (child == 0) {
        struct cache_metrics *metrics = open_metrics(folder);
        cache_metrics_count(metrics, CACHE_VIEW_STATS_ARTISTS, CACHE_HIT_VALIDATED);
        _exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void counts_are_summed_over_processes_and_outlive_them(void)
{
    const char *folder = make_folder();
    struct cache_metrics *metrics = open_metrics(folder);
    cache_metrics_count(metrics, CACHE_VIEW_STATS_ARTISTS, CACHE_HIT_VALIDATED);
    count_in_child(folder);
    count_in_child(folder);
    CU_ASSERT_EQUAL(read_artists_hits(metrics), 3);
    cache_metrics_close(&metrics);
    metrics = open_metrics(folder);
    CU_ASSERT_EQUAL(read_artists_hits(metrics), 3);
    cache_metrics_close(&metrics);
    char path[64];
    snprintf(path, sizeof path, "%s/metrics", folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
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

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(values_come_back_as_they_were),
        UNIT_TEST(every_flipped_bit_and_every_cut_is_refused),
        UNIT_TEST(a_value_under_another_key_is_refused),
        UNIT_TEST(windows_close_ten_minutes_after_their_end),
        UNIT_TEST(keys_are_stable),
        UNIT_TEST(counts_are_summed_over_processes_and_outlive_them),
        UNIT_TEST(a_missing_folder_is_named),
    };
    struct error error;
    if (secret_init(&error) != RESULT_OK) {
        return 1;
    }
    return unit_run("cache", tests, sizeof tests / sizeof *tests);
}
