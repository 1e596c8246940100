/*
 * The heartbeats of all buckets at once.
 */
#ifndef REFRAIN_CACHE_HEARTBEATS_H
#define REFRAIN_CACHE_HEARTBEATS_H

#include "cache/key.h"
#include "cache/record.h"
#include "redis/kv.h"

struct cache_heartbeats {
    uint64_t node;    /* that told them, as of kv_node() */
    uint64_t history; /* of its data, as of kv_history() */
    int live_count;
    bool is_live[CACHE_BUCKETS];
    struct cache_heartbeat beats[CACHE_BUCKETS]; /* where it is live */
};

/* One round trip. A failure of kv_run(), or Redis' own words where it refuses. */
enum result cache_heartbeats_read(struct kv *kv, struct cache_heartbeats *heartbeats,
                                  struct error *error) MUST_CHECK;

#endif
