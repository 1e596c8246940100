/*
 * A cached value: a header that tells what it was computed from, and the payload.
 */
#ifndef REFRAIN_CACHE_CODEC_H
#define REFRAIN_CACHE_CODEC_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdint.h>

/* Part of every value's key: releases with another format don't see each other's values. */
enum { CACHE_FORMAT = 2 };

/* The counters of one database snapshot (cache.md, Versions). */
struct cache_versions {
    int64_t epoch;
    int64_t live;
    int64_t past;
    int64_t auth;
    int64_t people;
    int64_t catalogue;
    int64_t model;
    int64_t as_of_us; /* the snapshot's database time */
};

struct cache_header {
    struct cache_versions versions;
    int64_t window_end_s; /* where the value's window closes; 0: never */
    int64_t built_at_us;  /* wall clock */
    int64_t ttl_s;
    int64_t cost_us; /* what it took to compute */
};

/* Appends header and payload. `key` goes into the checksum: a value under a wrong key is refused. */
void cache_encode(struct buffer *to, struct slice key, const struct cache_header *header,
                  struct slice payload);

/* False where the bytes are no value of this format, cut short, or fail the checksum. The payload
 * points into `bytes`. */
bool cache_decode(struct slice bytes, struct slice key, struct cache_header *header,
                  struct slice *payload);

/* Whether the value's window was closed, for good, when it was computed: then only changes of the
 * past touch it. Ten minutes of grace, because a transaction that began before midnight may still
 * commit a listen of that day; none lives longer. */
bool cache_header_is_closed(const struct cache_header *header);

#endif
