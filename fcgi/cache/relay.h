/*
 * The relay tells Redis of every committed change, whoever made it, and vouches for it with a
 * heartbeat for each bucket: while a bucket's heartbeat lives, nothing older than two of its lifetimes
 * is served from that bucket (docs/consistency.md).
 */
#ifndef REFRAIN_CACHE_RELAY_H
#define REFRAIN_CACHE_RELAY_H

#include "cache/metrics.h"
#include "db/db.h"
#include "redis/kv.h"

#include <stdbool.h>

struct relay;

struct relay_options {
    struct kv *kv; /* with the scripts of cache/scripts.h */
    struct db *db;
    struct cache_metrics *metrics;
};

/* NULL where memory is short. What the options point to must outlive it. */
struct relay *relay_create(const struct relay_options *options);
void relay_destroy(struct relay **relay);

/* Who wants to know what comes of rounds. Called by the thread that runs them, which it must not
 * hold up. */
struct relay_listener {
    /* Redis knows now of a change of this user. */
    void (*told)(void *context, const char *subject_hash);
    /* A round has made all values of some buckets invalid, and is over. */
    void (*lost)(void *context);
    void *context;
};
/* Copied; to be called before the first round. Without it nobody is told. */
void relay_listen(struct relay *relay, const struct relay_listener *listener);

/* One round: extends the heartbeats that this relay holds, and takes over those that nobody holds.
 * Call it every RELAY_ROUND_MS, from one thread at a time. Never fails: what went wrong is logged,
 * counted and tried again. May block for about a second where a server does not answer. */
enum { RELAY_ROUND_MS = 200 };
void relay_round(struct relay *relay);

/* Gives up the heartbeats, so that another relay need not wait for their end. As rounds, it never
 * fails: heartbeats end in any case. */
void relay_release(struct relay *relay);

#endif
