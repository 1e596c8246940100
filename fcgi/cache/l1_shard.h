/*
 * A part of L1: a table of entries in bounded bytes that knows which of them to evict. It locks,
 * allocates and frees nothing but its tables: l1.c does, and tells who guards what.
 */
#ifndef REFRAIN_CACHE_L1_SHARD_H
#define REFRAIN_CACHE_L1_SHARD_H

#include "base/result.h"
#include "cache/l1.h"

#include <stdatomic.h>
#include <stdbool.h>

struct l1_entry {
    struct l1_value value; /* first: what callers of L1 have a pointer to */
    struct l1_entry *older, *newer;
    size_t used_bytes;     /* all that it takes */
    uint64_t key_hash;     /* from here on a look-up reads */
    struct l1_entry *next; /* in the same slot of the table; out of it, in a list */
    uint32_t key_size_bytes;
    atomic_uint references; /* l1.c's own */
    uint8_t hits;           /* up to L1_HITS_MAX */
    bool is_in_main;
    char bytes[]; /* key, payload */
};

enum { L1_HITS_MAX = 3 };

struct l1_queue {
    struct l1_entry *oldest, *newest;
    size_t used_bytes;
};

struct l1_ghosts;

struct l1_shard {
    size_t bytes_max; /* of entries; to be set */
    struct l1_entry **slots;
    size_t slots_mask;
    struct l1_queue small, main;
    struct l1_ghosts *ghosts; /* sets of them */
    size_t ghosts_mask;
    uint32_t ghosts_made; /* wraps */
    size_t entries, stored_bytes;
    uint64_t kept, evicted;
};

/* For a shard whose bytes are all zero. `share_bytes` is all that it may come to, with its tables.
 * False where memory is short; to be freed all the same. */
bool l1_shard_make_tables(struct l1_shard *shard, size_t share_bytes) MUST_CHECK;
void l1_shard_free_tables(struct l1_shard *shard);
size_t l1_shard_tables_bytes(const struct l1_shard *shard);

/* What malloc has given for `data`, with its own overhead. */
size_t l1_allocated_bytes(const void *data);

/* Has the processor fetch what looking for a key will touch. The one function that needs no lock,
 * so that nobody waits for memory while he has it. */
void l1_shard_prefetch(const struct l1_shard *shard, uint64_t key_hash);

struct l1_entry *l1_shard_find(const struct l1_shard *shard, struct slice key, uint64_t key_hash);

static inline void l1_entry_count_hit(struct l1_entry *entry)
{
    entry->hits = (uint8_t)(entry->hits + (entry->hits < L1_HITS_MAX));
}

/* Puts an entry that takes at most `bytes_max` in; the key's former one goes. A list of what is out
 * of the shard now is given back, for the caller to free. */
struct l1_entry *l1_shard_put(struct l1_shard *shard, struct l1_entry *entry) MUST_CHECK;

#endif
