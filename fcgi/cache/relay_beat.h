/*
 * The end of a round, private to the relay: what a poll has found is applied, and the buckets'
 * heartbeats are extended, by as few scripts as hold it.
 */
#ifndef REFRAIN_CACHE_RELAY_BEAT_H
#define REFRAIN_CACHE_RELAY_BEAT_H

#include "cache/record.h"
#include "cache/relay_poll.h"
#include "redis/kv.h"

#include <stdbool.h>

struct relay_beater;

/* NULL where memory is short. */
struct relay_beater *relay_beater_create(struct kv *kv);
void relay_beater_destroy(struct relay_beater **beater);

/* Takes those of the `wanted` buckets that nobody vouches for: `marked` tells which, positions[b]
 * where bucket b was (empty: nobody knows). These texts live until the batch is freed. */
enum result relay_mark(struct relay_beater *beater, const char nonce[CACHE_NONCE_SIZE],
                       const bool wanted[CACHE_BUCKETS], bool marked[CACHE_BUCKETS],
                       struct slice positions[CACHE_BUCKETS], struct kv_batch **batch,
                       struct error *error) MUST_CHECK;

struct relay_beat {
    const struct relay_poll *poll; /* its position is written, its changes are applied */
    const bool *buckets;           /* CACHE_BUCKETS of them: which ones */
    bool are_marked;               /* by relay_mark(); else they are held since the last round */
    const char *old_nonce;
    const char *new_nonce;
    int life_ms;
};
/* Sets extended[b] for each of the buckets that was still ours, and clears it for all others; where it
 * fails too, and then nobody knows what was done to the others. RESULT_CONFLICT: Redis refuses a
 * script, and *error says why. */
enum result relay_beat(struct relay_beater *beater, const struct relay_beat *beat,
                       bool extended[CACHE_BUCKETS], struct error *error) MUST_CHECK;

#endif
