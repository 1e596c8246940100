/*
 * What a relay holds, private to it: which heartbeats are its own, and what it knows of them.
 */
#ifndef REFRAIN_CACHE_RELAY_HOLD_H
#define REFRAIN_CACHE_RELAY_HOLD_H

#include "base/buffer.h"
#include "base/log.h"
#include "cache/relay_beat.h"

#include <stdbool.h>

/* To be set by its functions, but for the position. */
struct relay_hold {
    bool buckets[CACHE_BUCKETS];
    int count;
    char nonce[CACHE_NONCE_SIZE]; /* in all heartbeats that are held */
    struct buffer position;       /* that all of them have reached, or passed */
    int64_t extended_at_us;       /* when they were last known to live */
};

/* After a beat of these buckets: those that were extended are held now, with this nonce; the others
 * are not, for this reason. False if there are any others. */
bool relay_hold_note(struct relay_hold *hold, const bool buckets[CACHE_BUCKETS],
                     const bool extended[CACHE_BUCKETS], const char nonce[CACHE_NONCE_SIZE],
                     const char *reason);

/* These buckets are not held any more. */
void relay_hold_lose(struct relay_hold *hold, const bool buckets[CACHE_BUCKETS],
                     const char *reason);

/* Ends the heartbeats, so that another relay need not wait for their end. */
void relay_hold_release(struct relay_hold *hold, struct relay_beater *beater);

int relay_count_buckets(const bool buckets[CACHE_BUCKETS]);

/* An event of so many buckets; `reason` may be NULL. */
void relay_log_buckets(enum log_level level, const char *event, int buckets, const char *reason);

#endif
