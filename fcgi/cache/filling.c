#include "cache/filling.h"

#include "base/clock.h"
#include "cache/knowledge.h"
#include "cache/protocol.h"

#include <time.h>

static const struct timespec lock_poll_time = {.tv_nsec = 10000000};

/* What a leader asks Redis while it waits for another process. */
enum { LOCK, HEARTBEAT, MARK, VALUES };

/* Whether another process has stored all of it; then the values are those of its answer. They must be
 * what a reader would be served who came only now: those who share this flight may have come later
 * than its leader, and know of newer versions. Several must be of one state, as those are that are
 * loaded at once. */
static bool take_stored(struct cache_filling *filling, struct kv_batch **batch)
{
    struct cache_filled *filled = filling->filled;
    struct cache_reader now = *filling->reader;
    struct cache_knowledge known = {.redis_answers = false};
    struct kv_reply values = kv_reply(*batch, 0);
    cache_know_versions(filling->reader->cache, &known, kv_reply_item(&values, HEARTBEAT),
                        kv_reply_item(&values, MARK));
    if (!known.is_vouched_for) {
        return false;
    }
    cache_trust_redis(&now, &known, CACHE_TRUST_LEASED);
    for (size_t i = 0; i < filled->count; i++) {
        filled->found[i] = filling->fetching->found[filling->at[i]];
        cache_decode_found(now.cache, kv_reply_item(&values, VALUES + i),
                           filling->fetching->keys[filling->at[i]], &filled->found[i]);
        if (cache_judge(&now, &filled->found[i]) != CACHE_HIT
            || (filled->count > 1 && !cache_is_of(&filled->found[i].header, &now.versions))) {
            return false;
        }
    }
    filled->batch = *batch;
    filled->stored = true;
    *batch = NULL;
    return true;
}

/* Asks once more for what is wanted. Tells whether it is there now, and whether somebody holds the
 * fill lock. */
static bool ask_again(struct cache_filling *filling, bool *is_held)
{
    const struct cache_subject *subject = &filling->reader->subject;
    char heartbeat[CACHE_KEY_MAX];
    char mark[CACHE_KEY_MAX];
    struct slice words[1 + VALUES + CACHE_ITEMS_MAX] = {
        slice_text("MGET"), slice_text(filling->lock_key),
        slice_of(heartbeat, cache_key_heartbeat(subject->bucket, heartbeat)),
        slice_of(mark, cache_key_version(subject, mark))};
    for (size_t i = 0; i < filling->filled->count; i++) {
        words[1 + VALUES + i] = filling->fetching->keys[filling->at[i]];
    }
    const struct kv_command command = {NULL, 0, words, 1 + VALUES + filling->filled->count};
    struct kv_batch *batch = NULL;
    struct error error;
    bool is_stored = false;
    *is_held = kv_run(filling->reader->cache->options.kv, &command, 1, &batch, &error)
               == RESULT_OK;
    if (*is_held) {
        struct kv_reply values = kv_reply(batch, 0);
        *is_held = kv_reply_item(&values, LOCK).kind == KV_TEXT;
        is_stored = take_stored(filling, &batch);
    }
    kv_free(&batch);
    return is_stored;
}

bool cache_wait_for_other(struct cache_filling *filling)
{
    int64_t began_us = clock_mono_us();
    bool is_held = true;
    bool is_stored = false;
    while (is_held && !is_stored
           && clock_mono_us() - began_us < (int64_t)CACHE_LOCK_WAIT_MS * 1000) {
        nanosleep(&lock_poll_time, NULL);
        is_stored = ask_again(filling, &is_held);
    }
    cache_metrics_time(filling->reader->cache->options.metrics, CACHE_TIME_LOCK_WAIT,
                       clock_mono_us() - began_us);
    cache_metrics_add(filling->reader->cache->options.metrics,
                      is_stored ? CACHE_COUNT_LOCK_SHARED : CACHE_COUNT_LOCK_EXPIRED, 1);
    return is_stored;
}

bool cache_is_filled_already(struct cache_filling *filling)
{
    bool is_held;
    if (!ask_again(filling, &is_held)) {
        return false;
    }
    cache_lock_drop(&filling->reader->cache->steps, filling->lock_key, filling->lock_nonce);
    return true;
}
