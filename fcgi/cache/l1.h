/*
 * L1: cached values in the memory of this process, under the keys that Redis has them under.
 * Bounded in bytes; what is looked up often stays, and a scan does not drive it out (l1_shard.c
 * tells the algorithm). It knows nothing of users and trust: a value carries the versions that it
 * was computed from, and whether they are current is for the caller to judge. Any thread may call
 * any function at any time, but for creating and destroying; none waits for more than steps in
 * memory of others.
 */
#ifndef REFRAIN_CACHE_L1_H
#define REFRAIN_CACHE_L1_H

#include "cache/codec.h"

#include <stddef.h>
#include <stdint.h>

struct l1;

/* What an entry holds; read-only once it is in L1. */
struct l1_value {
    struct cache_header header;
    struct slice payload;
    uint64_t hash;     /* of the payload */
    uint64_t sighting; /* of a user's record; 0 for values */
};

/* All that it takes never exceeds `bytes_max`, but for
 *  - entries that are still referenced when they are evicted or replaced, until they are released;
 *  - what a thread that is in l1_keep brings in, and what goes for it, until it returns;
 *  - holes between allocations, which malloc holds and cannot use: few where threads share its
 *    arenas.
 * It takes a KiB to keep anything; with less, 0 for example, nothing is kept. NULL where memory is
 * short. */
struct l1 *l1_create(size_t bytes_max);
/* All references must have been given back. */
void l1_destroy(struct l1 **l1);

/* A counted reference, to be given back by l1_release, or NULL. The value stays as it is for as
 * long as it is held, whatever becomes of its entry. */
const struct l1_value *l1_find(struct l1 *l1, struct slice key);
/* NULL is fine. Takes no lock of L1; the last reference frees what has been evicted meanwhile. */
void l1_release(const struct l1_value **value);

/* Copies key and value; replaces what the key had. A value that is there already (equal versions,
 * time of building, hash and sighting) is left alone. One that a shard has no room for is not
 * kept, nor one that there is no memory for: then the key keeps what it had. A shard has at least
 * 4 MiB, or all of a smaller L1, less 2 %. */
void l1_keep(struct l1 *l1, struct slice key, const struct l1_value *value);

struct l1_stats {
    size_t entries;
    size_t stored_bytes; /* keys and payloads */
    size_t used_bytes;   /* all that it takes: entries, tables, ghosts, what malloc adds */
    uint64_t kept;       /* since the start, as all below; replacing counts too */
    uint64_t evicted;
    uint64_t refused;    /* too large, or memory was short */
};
/* The sums of the shards, which are looked at one after the other. */
void l1_read_stats(struct l1 *l1, struct l1_stats *stats);

#endif
