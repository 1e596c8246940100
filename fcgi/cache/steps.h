/*
 * The steps of the protocol on Redis, as C calls: each is one script (scripts/), one round trip.
 */
#ifndef REFRAIN_CACHE_STEPS_H
#define REFRAIN_CACHE_STEPS_H

#include "cache/codec.h"
#include "cache/key.h"
#include "cache/metrics.h"
#include "cache/record.h"
#include "redis/kv.h"

#include <stdbool.h>

/* The two that every step needs. */
struct cache_steps {
    struct kv *kv;
    struct cache_metrics *metrics; /* NULL: nothing is counted */
};

/* Takes or joins the lease on a user's versions; to be called before the database is read. `record`
 * is what v holds now: a lease or the versions. False if Redis does not answer or is full. */
bool cache_acquire(const struct cache_steps *steps, const struct cache_subject *subject,
                   char record[CACHE_RECORD_MAX]);

struct cache_store {
    const struct cache_subject *subject;
    const char *lease; /* what cache_acquire() gave before the snapshot; "": nothing */
    const struct cache_versions *versions; /* of the snapshot */
    const char *lock_key;                  /* the fill lock to give up; NULL: none */
    const char *lock_nonce;
    struct slice keys[CACHE_ITEMS_MAX];
    struct slice values[CACHE_ITEMS_MAX];
    int64_t lives_ms[CACHE_ITEMS_MAX];
    size_t count; /* 0: only v is to be set */
};
enum cache_stored {
    CACHE_STORED,
    CACHE_STORE_REFUSED_LEASE,   /* v went away, or another lease came: something was applied */
    CACHE_STORE_REFUSED_VERSION, /* v is newer */
    CACHE_STORE_FAILED           /* Redis does not answer, or is full */
};
enum cache_stored cache_store_run(const struct cache_steps *steps,
                                  const struct cache_store *store);

/* Tells Redis of a committed change. True if Redis has acknowledged it. Not called for anything
 * whose commit has not been confirmed. */
bool cache_apply_versions(const struct cache_steps *steps, const struct cache_subject *subject,
                          const struct cache_versions *versions);

/* Removes v if it still is `record`, which tells of a commit that the database does not know. */
void cache_discard(const struct cache_steps *steps, const struct cache_subject *subject,
                   struct slice record);

/* A fill lock, for CACHE_LOCK_MS. It only saves work: nothing depends on it. `nonce` is written if
 * it has been taken. */
enum cache_lock { CACHE_LOCK_TAKEN, CACHE_LOCK_HELD, CACHE_LOCK_UNKNOWN };
enum cache_lock cache_lock_take(const struct cache_steps *steps, const char *key,
                                char nonce[CACHE_NONCE_SIZE]);
/* Gives it up, if it still is this one. */
void cache_lock_drop(const struct cache_steps *steps, const char *key, const char *nonce);

#endif
