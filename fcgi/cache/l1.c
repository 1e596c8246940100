/*
 * Entries are spread by the hash of the key over shards, each of which is a cache of its own
 * (l1_shard.c tells what it evicts). A shard's mutex guards all of it: table, queues, ghosts,
 * figures, and of its entries the links and the count of hits. It is held for steps in memory only:
 * hashes are computed, new entries made and what will be touched prefetched before, what goes is
 * freed after.
 *
 * Key and value of an entry never change once it is in a shard, so who holds a reference reads
 * them without the lock. The count of references is atomic. One is the shard's; l1_find adds one
 * under the lock, while the shard's is sure to be there; who gives back the last one frees the
 * entry. So an entry that is out of its shard gains no reference any more, and whoever took it out
 * has the links to himself until he gives back the shard's reference, after the lock.
 *
 * Between has_same and l1_keep's second locking another thread may put the same key in: then the
 * later of the two stays, and if they are of different age that costs its readers one more look at
 * Redis, as they judge what they find.
 */
#include "cache/l1.h"

#include "base/hash.h"
#include "cache/l1_shard.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

enum {
    SHARDS_MAX = 64,
    SHARD_BYTES_MIN = 4 << 20, /* unless it is the only one */
    CACHE_LINE = 64,
};

/* Alone on its cache lines: threads that are in different shards don't slow each other down. */
struct part {
    alignas(CACHE_LINE) pthread_mutex_t lock;
    struct l1_shard shard;
    uint64_t refused;
};

struct l1 {
    size_t fixed_bytes;
    size_t parts_count; /* a power of two */
    struct part parts[];
};

static bool make_tables(struct l1 *l1, size_t share_bytes)
{
    bool is_made = true;
    for (size_t i = 0; i < l1->parts_count; i++) {
        pthread_mutex_init(&l1->parts[i].lock, NULL);
        is_made = l1_shard_make_tables(&l1->parts[i].shard, share_bytes) && is_made;
    }
    return is_made;
}

static void share_out(struct l1 *l1, size_t bytes_max)
{
    l1->fixed_bytes = l1_allocated_bytes(l1);
    for (size_t i = 0; i < l1->parts_count; i++) {
        l1->fixed_bytes += l1_shard_tables_bytes(&l1->parts[i].shard);
    }
    size_t left_bytes = bytes_max > l1->fixed_bytes ? bytes_max - l1->fixed_bytes : 0;
    for (size_t i = 0; i < l1->parts_count; i++) {
        l1->parts[i].shard.bytes_max = left_bytes / l1->parts_count;
    }
}

struct l1 *l1_create(size_t bytes_max)
{
    size_t parts_count = 1;
    while (parts_count < SHARDS_MAX && bytes_max / (2 * parts_count) >= SHARD_BYTES_MIN) {
        parts_count *= 2;
    }
    size_t size_bytes = sizeof(struct l1) + parts_count * sizeof(struct part);
    struct l1 *l1 = aligned_alloc(CACHE_LINE, size_bytes);
    if (l1 == NULL) {
        return NULL;
    }
    memset(l1, 0, size_bytes);
    l1->parts_count = parts_count;
    if (make_tables(l1, bytes_max / parts_count)) {
        share_out(l1, bytes_max);
    } else {
        l1_destroy(&l1);
    }
    return l1;
}

static void free_entries(struct l1_entry *oldest)
{
    while (oldest != NULL) {
        struct l1_entry *newer = oldest->newer;
        assert(atomic_load(&oldest->references) == 1);
        free(oldest);
        oldest = newer;
    }
}

void l1_destroy(struct l1 **l1)
{
    if (*l1 == NULL) {
        return;
    }
    for (size_t i = 0; i < (*l1)->parts_count; i++) {
        struct part *part = &(*l1)->parts[i];
        free_entries(part->shard.small.oldest);
        free_entries(part->shard.main.oldest);
        l1_shard_free_tables(&part->shard);
        pthread_mutex_destroy(&part->lock);
    }
    free(*l1);
    *l1 = NULL;
}

/* By the top bits: a shard uses the lower ones. */
static struct part *part_of(struct l1 *l1, uint64_t key_hash)
{
    return &l1->parts[key_hash >> 56 & (l1->parts_count - 1)];
}

const struct l1_value *l1_find(struct l1 *l1, struct slice key)
{
    uint64_t key_hash = hash_64(key);
    struct part *part = part_of(l1, key_hash);
    l1_shard_prefetch(&part->shard, key_hash);
    pthread_mutex_lock(&part->lock);
    struct l1_entry *entry = l1_shard_find(&part->shard, key, key_hash);
    if (entry != NULL) {
        l1_entry_count_hit(entry);
        atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&part->lock);
    return entry != NULL ? &entry->value : NULL;
}

static void release(struct l1_entry *entry)
{
    if (atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1) {
        free(entry);
    }
}

void l1_release(const struct l1_value **value)
{
    if (*value != NULL) {
        release((struct l1_entry *)*value);
        *value = NULL;
    }
}

static bool is_same(const struct l1_value *a, const struct l1_value *b)
{
    return memcmp(&a->header.versions, &b->header.versions, sizeof a->header.versions) == 0
           && a->header.built_at_us == b->header.built_at_us && a->hash == b->hash
           && a->sighting == b->sighting;
}

/* Looked at before the copy is made: most values that come with a new record are there already. */
static bool has_same(struct part *part, struct slice key, uint64_t key_hash,
                     const struct l1_value *value)
{
    pthread_mutex_lock(&part->lock);
    const struct l1_entry *entry = l1_shard_find(&part->shard, key, key_hash);
    bool has = entry != NULL && is_same(&entry->value, value);
    pthread_mutex_unlock(&part->lock);
    return has;
}

static char *append(char *to, struct slice from)
{
    if (from.size_bytes > 0) {
        memcpy(to, from.data, from.size_bytes);
    }
    return to + from.size_bytes;
}

/* NULL where it would not fit, or memory is short. `bytes_max` of a shard never changes. */
static struct l1_entry *make_entry(const struct part *part, struct slice key, uint64_t key_hash,
                                   const struct l1_value *value)
{
    size_t stored_bytes = key.size_bytes + value->payload.size_bytes;
    bool fits = key.size_bytes <= UINT32_MAX && stored_bytes <= part->shard.bytes_max;
    struct l1_entry *entry = fits ? malloc(sizeof *entry + stored_bytes) : NULL;
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct l1_entry){
        .value = *value,
        .key_hash = key_hash,
        .used_bytes = l1_allocated_bytes(entry),
        .key_size_bytes = (uint32_t)key.size_bytes,
        .references = 1,
    };
    char *payload = append(entry->bytes, key);
    append(payload, value->payload);
    entry->value.payload.data = payload;
    if (entry->used_bytes > part->shard.bytes_max) {
        free(entry);
        return NULL;
    }
    return entry;
}

static void release_all(struct l1_entry *entry)
{
    while (entry != NULL) {
        struct l1_entry *next = entry->next;
        release(entry);
        entry = next;
    }
}

void l1_keep(struct l1 *l1, struct slice key, const struct l1_value *value)
{
    uint64_t key_hash = hash_64(key);
    struct part *part = part_of(l1, key_hash);
    if (has_same(part, key, key_hash, value)) {
        return;
    }
    struct l1_entry *entry = make_entry(part, key, key_hash, value);
    struct l1_entry *out = NULL;
    pthread_mutex_lock(&part->lock);
    if (entry != NULL) {
        out = l1_shard_put(&part->shard, entry);
    } else {
        part->refused++;
    }
    pthread_mutex_unlock(&part->lock);
    release_all(out);
}

void l1_read_stats(struct l1 *l1, struct l1_stats *stats)
{
    *stats = (struct l1_stats){.used_bytes = l1->fixed_bytes};
    for (size_t i = 0; i < l1->parts_count; i++) {
        struct part *part = &l1->parts[i];
        const struct l1_shard *shard = &part->shard;
        pthread_mutex_lock(&part->lock);
        stats->entries += shard->entries;
        stats->stored_bytes += shard->stored_bytes;
        stats->used_bytes += shard->small.used_bytes + shard->main.used_bytes;
        stats->kept += shard->kept;
        stats->evicted += shard->evicted;
        stats->refused += part->refused;
        pthread_mutex_unlock(&part->lock);
    }
}
