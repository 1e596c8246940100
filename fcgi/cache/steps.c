#include "cache/steps.h"

#include "base/clock.h"
#include "base/log.h"
#include "cache/protocol.h"
#include "cache/scripts.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_SIZE = 24, STORE_WORDS = 2 + 7 + 3 * CACHE_ITEMS_MAX };

/* Runs one command. False, with the reason logged, if there is no answer or an error. */
static bool run(const struct cache_steps *steps, const struct kv_command *command,
                enum cache_time time, struct kv_batch **batch, struct kv_reply *reply)
{
    struct error error;
    int64_t began_us = clock_mono_us();
    enum result result = kv_run(steps->kv, command, 1, batch, &error);
    if (steps->metrics != NULL) {
        cache_metrics_time(steps->metrics, time, clock_mono_us() - began_us);
    }
    if (result != RESULT_OK) {
        log_event(LOG_DEBUG_LEVEL, "redis-away", "error", error.text, NULL);
        return false;
    }
    *reply = kv_reply(*batch, 0);
    if (reply->kind == KV_REFUSED) {
        char text[160];
        snprintf(text, sizeof text, "%.*s", SLICE_ARGS(reply->text));
        log_event(LOG_DEBUG_LEVEL, "redis-refused", "error", text, NULL);
    }
    return reply->kind != KV_REFUSED;
}

static struct slice number(char text[NUMBER_SIZE], int64_t value)
{
    int size = snprintf(text, NUMBER_SIZE, "%" PRId64, value);
    return slice_of(text, (size_t)size);
}

bool cache_acquire(const struct cache_steps *steps, const struct cache_subject *subject,
                   char record[CACHE_RECORD_MAX])
{
    char key[CACHE_KEY_MAX];
    char nonce[CACHE_NONCE_SIZE];
    char life[NUMBER_SIZE];
    cache_make_nonce(nonce);
    const struct slice words[] = {slice_of(key, cache_key_version(subject, key)),
                                  slice_text(nonce), number(life, CACHE_LEASE_MS)};
    const struct kv_command command = {&cache_script_acquire, 1, words, 3};
    struct kv_batch *batch = NULL;
    struct kv_reply reply;
    bool done = run(steps, &command, CACHE_TIME_REDIS_ACQUIRE, &batch, &reply)
                && reply.kind == KV_TEXT && reply.text.size_bytes < CACHE_RECORD_MAX;
    if (done) {
        memcpy(record, reply.text.data, reply.text.size_bytes);
        record[reply.text.size_bytes] = '\0';
    }
    kv_free(&batch);
    return done;
}

static enum cache_stored read_outcome(const struct kv_reply *reply)
{
    return slice_is(reply->text, "stored")  ? CACHE_STORED
           : slice_is(reply->text, "lease") ? CACHE_STORE_REFUSED_LEASE
                                            : CACHE_STORE_REFUSED_VERSION;
}

enum cache_stored cache_store_run(const struct cache_steps *steps,
                                  const struct cache_store *store)
{
    const struct cache_versions *versions = store->versions;
    char version_key[CACHE_KEY_MAX];
    char numbers[5][NUMBER_SIZE];
    char lives[CACHE_ITEMS_MAX][NUMBER_SIZE];
    struct slice words[STORE_WORDS];
    size_t count = 0;
    words[count++] = slice_of(version_key, cache_key_version(store->subject, version_key));
    /* A step without a lock names no key of its own, and leaves it alone. */
    words[count++] = store->lock_key == NULL ? words[0] : slice_text(store->lock_key);
    for (size_t i = 0; i < store->count; i++) {
        words[count++] = store->keys[i];
    }
    size_t keys_count = count;
    words[count++] = slice_text(store->lease);
    words[count++] = number(numbers[0], versions->epoch);
    words[count++] = number(numbers[1], versions->live);
    words[count++] = number(numbers[2], versions->past);
    words[count++] = number(numbers[3], versions->auth);
    words[count++] = number(numbers[4], CACHE_VERSION_LIFE_MS);
    words[count++] = slice_text(store->lock_key == NULL ? "" : store->lock_nonce);
    for (size_t i = 0; i < store->count; i++) {
        words[count++] = number(lives[i], store->lives_ms[i]);
        words[count++] = store->values[i];
    }
    const struct kv_command command = {&cache_script_store, keys_count, words, count};
    struct kv_batch *batch = NULL;
    struct kv_reply reply;
    bool done = run(steps, &command, CACHE_TIME_REDIS_STORE, &batch, &reply);
    enum cache_stored outcome = done ? read_outcome(&reply) : CACHE_STORE_FAILED;
    kv_free(&batch);
    return outcome;
}

bool cache_apply_versions(const struct cache_steps *steps, const struct cache_subject *subject,
                          const struct cache_versions *versions)
{
    char key[CACHE_KEY_MAX];
    char numbers[5][NUMBER_SIZE];
    const struct slice words[] = {
        slice_of(key, cache_key_version(subject, key)), number(numbers[0], versions->epoch),
        number(numbers[1], versions->live),             number(numbers[2], versions->past),
        number(numbers[3], versions->auth),             number(numbers[4], CACHE_VERSION_LIFE_MS),
    };
    const struct kv_command command = {&cache_script_apply, 1, words, 6};
    struct kv_batch *batch = NULL;
    struct kv_reply reply;
    bool done = run(steps, &command, CACHE_TIME_REDIS_APPLY, &batch, &reply);
    kv_free(&batch);
    if (steps->metrics != NULL) {
        cache_metrics_add(steps->metrics,
                          done ? CACHE_COUNT_APPLY_WRITER_OK : CACHE_COUNT_APPLY_WRITER_FAILED, 1);
    }
    return done;
}

/* Removes a key if it still holds the text; true if it did. */
static bool discard(const struct cache_steps *steps, struct slice key, struct slice text)
{
    const struct slice words[] = {key, text};
    const struct kv_command command = {&cache_script_discard, 1, words, 2};
    struct kv_batch *batch = NULL;
    struct kv_reply reply;
    bool done = run(steps, &command, CACHE_TIME_REDIS_STORE, &batch, &reply) && reply.number == 1;
    kv_free(&batch);
    return done;
}

void cache_discard(const struct cache_steps *steps, const struct cache_subject *subject,
                   struct slice record)
{
    char key[CACHE_KEY_MAX];
    if (discard(steps, slice_of(key, cache_key_version(subject, key)), record)) {
        cache_metrics_add(steps->metrics, CACHE_COUNT_PHANTOMS, 1);
        log_event(LOG_WARN_LEVEL, "cache-phantom-version", "key", key, NULL);
    }
}

void cache_lock_drop(const struct cache_steps *steps, const char *key, const char *nonce)
{
    discard(steps, slice_text(key), slice_text(nonce));
}

enum cache_lock cache_lock_take(const struct cache_steps *steps, const char *key,
                                char nonce[CACHE_NONCE_SIZE])
{
    char life[NUMBER_SIZE];
    cache_make_nonce(nonce);
    const struct slice words[] = {slice_text("SET"), slice_text(key),
                                  slice_text(nonce), slice_text("NX"),
                                  slice_text("PX"),  number(life, CACHE_LOCK_MS)};
    const struct kv_command command = {NULL, 0, words, 6};
    struct kv_batch *batch = NULL;
    struct kv_reply reply;
    bool done = run(steps, &command, CACHE_TIME_REDIS_ACQUIRE, &batch, &reply);
    enum cache_lock lock = !done                    ? CACHE_LOCK_UNKNOWN
                           : reply.kind == KV_TEXT ? CACHE_LOCK_TAKEN
                                                   : CACHE_LOCK_HELD;
    kv_free(&batch);
    return lock;
}
