/*
 * The algorithm is S3-FIFO (Yang, Zhang, Qiu, Yue, Vinayak: FIFO queues are all you need for cache
 * eviction, SOSP 2023), in bytes instead of objects. Two queues hold the entries; each entry counts
 * its hits, up to three, and a hit moves nothing.
 *
 *     new key ──► small ──(hit twice or more: count back to 0)──► main ──┐
 *                   │                                             ▲      ├─(hit: count - 1)─► main
 *                   └──(else)──► out, and its hash is a ghost     │      └─(else)──► out
 *     new key that is a ghost ────────────────────────────────────┘
 *
 * When room is needed, the oldest entry of `small` leaves while that queue has more than a tenth of
 * the bytes, else the oldest of `main`. So what is read once, a crawler's harvest for example,
 * passes through a tenth of the room, and what leaves `small` too early comes back into `main`.
 * A key that gets a new value keeps its place and its count, as it is as popular as before.
 *
 * A ghost lasts until as many others have come as there are entries. Ghosts lie in sets of a cache
 * line each, where a new one takes the place of the oldest. A set that overflows, or hashes that
 * look alike there, cost a wrong guess about a key's popularity and nothing else.
 *
 * All tables have their final size from the start: no step allocates or rehashes.
 */
#include "cache/l1_shard.h"

#include <malloc.h>
#include <stdlib.h>

enum {
    BYTES_PER_SLOT = 1024, /* of the table: most entries are larger */
    BYTES_PER_GHOST = 2048,
    GHOSTS_PER_SET = 8,
    SMALL_PART = 10, /* small may have one such part of the bytes */
    HITS_FOR_MAIN = 2,
    CACHE_LINE = 64,
    MALLOC_BYTES = 2 * sizeof(size_t), /* at most what glibc adds to an allocation */
};

struct ghost {
    uint32_t mark;    /* of the hash; 0: none */
    uint32_t made_at; /* by the count of ghosts made */
};

struct l1_ghosts {
    struct ghost set[GHOSTS_PER_SET];
};

size_t l1_allocated_bytes(const void *data)
{
    return malloc_usable_size((void *)data) + MALLOC_BYTES;
}

static size_t power_of_two_up_to(size_t limit)
{
    size_t power = 1;
    while (power <= limit / 2) {
        power *= 2;
    }
    return power;
}

bool l1_shard_make_tables(struct l1_shard *shard, size_t share_bytes)
{
    size_t slots = power_of_two_up_to(share_bytes / BYTES_PER_SLOT);
    size_t sets = power_of_two_up_to(share_bytes / BYTES_PER_GHOST / GHOSTS_PER_SET);
    shard->slots_mask = slots - 1;
    shard->ghosts_mask = sets - 1;
    shard->slots = calloc(slots, sizeof *shard->slots);
    shard->ghosts = calloc(sets, sizeof *shard->ghosts);
    return shard->slots != NULL && shard->ghosts != NULL;
}

void l1_shard_free_tables(struct l1_shard *shard)
{
    free(shard->slots);
    free(shard->ghosts);
}

size_t l1_shard_tables_bytes(const struct l1_shard *shard)
{
    return l1_allocated_bytes(shard->slots) + l1_allocated_bytes(shard->ghosts);
}

/* ── the table ── */

/* The bits at the bottom choose a slot, and a set of ghosts. */
static struct l1_entry **slot_of(const struct l1_shard *shard, uint64_t key_hash)
{
    return &shard->slots[key_hash & shard->slots_mask];
}

/* What is seen here without the lock may be freed already: an address, to be prefetched and no
 * more. */
void l1_shard_prefetch(const struct l1_shard *shard, uint64_t key_hash)
{
    struct l1_entry *entry = __atomic_load_n(slot_of(shard, key_hash), __ATOMIC_RELAXED);
    if (entry != NULL) {
        __builtin_prefetch(&entry->key_hash, 1);
        __builtin_prefetch((const char *)&entry->key_hash + CACHE_LINE, 1);
    }
}

struct l1_entry *l1_shard_find(const struct l1_shard *shard, struct slice key, uint64_t key_hash)
{
    struct l1_entry *entry = *slot_of(shard, key_hash);
    while (entry != NULL
           && (entry->key_hash != key_hash
               || !slice_equal(slice_of(entry->bytes, entry->key_size_bytes), key))) {
        entry = entry->next;
    }
    return entry;
}

static size_t stored_bytes(const struct l1_entry *entry)
{
    return entry->key_size_bytes + entry->value.payload.size_bytes;
}

static void link_entry(struct l1_shard *shard, struct l1_entry *entry)
{
    struct l1_entry **slot = slot_of(shard, entry->key_hash);
    entry->next = *slot;
    __atomic_store_n(slot, entry, __ATOMIC_RELAXED);
    shard->entries++;
    shard->stored_bytes += stored_bytes(entry);
}

static void unlink_entry(struct l1_shard *shard, struct l1_entry *entry)
{
    struct l1_entry **at = slot_of(shard, entry->key_hash);
    while (*at != entry) {
        at = &(*at)->next;
    }
    __atomic_store_n(at, entry->next, __ATOMIC_RELAXED);
    shard->entries--;
    shard->stored_bytes -= stored_bytes(entry);
}

/* ── the queues ── */

static struct l1_queue *queue_of(struct l1_shard *shard, const struct l1_entry *entry)
{
    return entry->is_in_main ? &shard->main : &shard->small;
}

/* Makes the neighbours of a place point to who is there now: the older one to `newer`, the newer
 * one to `older`. */
static void join(struct l1_queue *queue, const struct l1_entry *place, struct l1_entry *newer,
                 struct l1_entry *older)
{
    *(place->older != NULL ? &place->older->newer : &queue->oldest) = newer;
    *(place->newer != NULL ? &place->newer->older : &queue->newest) = older;
}

static void enqueue(struct l1_shard *shard, struct l1_entry *entry, bool in_main)
{
    entry->is_in_main = in_main;
    struct l1_queue *queue = queue_of(shard, entry);
    entry->newer = NULL;
    entry->older = queue->newest;
    join(queue, entry, entry, entry);
    queue->used_bytes += entry->used_bytes;
}

static void dequeue(struct l1_shard *shard, struct l1_entry *entry)
{
    struct l1_queue *queue = queue_of(shard, entry);
    join(queue, entry, entry->newer, entry->older);
    queue->used_bytes -= entry->used_bytes;
}

/* ── the ghosts ── */

/* Of bits that neither the slot nor l1.c's choice of the shard depends on, mostly. */
static uint32_t mark_of(uint64_t key_hash)
{
    return (uint32_t)(key_hash >> 24) | 1;
}

static struct ghost *ghosts_of(const struct l1_shard *shard, uint64_t key_hash)
{
    return shard->ghosts[key_hash & shard->ghosts_mask].set;
}

static uint32_t age_of(const struct l1_shard *shard, const struct ghost *ghost)
{
    return ghost->mark == 0 ? UINT32_MAX : shard->ghosts_made - ghost->made_at;
}

static void make_ghost(struct l1_shard *shard, uint64_t key_hash)
{
    struct ghost *set = ghosts_of(shard, key_hash);
    struct ghost *oldest = set;
    for (struct ghost *ghost = set + 1; ghost < set + GHOSTS_PER_SET; ghost++) {
        if (age_of(shard, ghost) > age_of(shard, oldest)) {
            oldest = ghost;
        }
    }
    *oldest = (struct ghost){mark_of(key_hash), shard->ghosts_made++};
}

/* Whether the key has one; it has none afterwards. */
static bool take_ghost(struct l1_shard *shard, uint64_t key_hash)
{
    struct ghost *set = ghosts_of(shard, key_hash);
    for (struct ghost *ghost = set; ghost < set + GHOSTS_PER_SET; ghost++) {
        if (ghost->mark == mark_of(key_hash)) {
            bool lasts = age_of(shard, ghost) <= shard->entries;
            ghost->mark = 0;
            return lasts;
        }
    }
    return false;
}

/* ── what goes ── */

/* One step towards room: takes the entry that has to go out of its queue, or gives back NULL after
 * it has only moved one. There is an end to moving, as each move costs hits. */
static struct l1_entry *pick(struct l1_shard *shard)
{
    bool from_small = shard->main.oldest == NULL
                      || shard->small.used_bytes > shard->bytes_max / SMALL_PART;
    struct l1_entry *entry = from_small ? shard->small.oldest : shard->main.oldest;
    dequeue(shard, entry);
    if (entry->hits >= (from_small ? HITS_FOR_MAIN : 1)) {
        entry->hits = from_small ? 0 : (uint8_t)(entry->hits - 1);
        enqueue(shard, entry, true);
        return NULL;
    }
    if (from_small) {
        make_ghost(shard, entry->key_hash);
    }
    return entry;
}

/* For so many more bytes. What goes is put onto the list. */
static void make_room(struct l1_shard *shard, size_t size_bytes, struct l1_entry **out)
{
    while (shard->small.used_bytes + shard->main.used_bytes + size_bytes > shard->bytes_max) {
        struct l1_entry *entry = pick(shard);
        if (entry != NULL) {
            unlink_entry(shard, entry);
            shard->evicted++;
            entry->next = *out;
            *out = entry;
        }
    }
}

static struct l1_entry *insert(struct l1_shard *shard, struct l1_entry *entry)
{
    struct l1_entry *out = NULL;
    bool was_ghost = take_ghost(shard, entry->key_hash);
    make_room(shard, entry->used_bytes, &out);
    link_entry(shard, entry);
    enqueue(shard, entry, was_ghost);
    return out;
}

static struct l1_entry *replace(struct l1_shard *shard, struct l1_entry *old,
                                struct l1_entry *entry)
{
    struct l1_queue *queue = queue_of(shard, old);
    unlink_entry(shard, old);
    link_entry(shard, entry);
    entry->older = old->older;
    entry->newer = old->newer;
    entry->hits = old->hits;
    entry->is_in_main = old->is_in_main;
    join(queue, entry, entry, entry);
    queue->used_bytes += entry->used_bytes - old->used_bytes;
    old->next = NULL;
    struct l1_entry *out = old;
    make_room(shard, 0, &out);
    return out;
}

struct l1_entry *l1_shard_put(struct l1_shard *shard, struct l1_entry *entry)
{
    struct slice key = slice_of(entry->bytes, entry->key_size_bytes);
    struct l1_entry *old = l1_shard_find(shard, key, entry->key_hash);
    shard->kept++;
    return old == NULL ? insert(shard, entry) : replace(shard, old, entry);
}
