/*
 * L1, as readers use it. Values lie in it under their keys in Redis and carry their own versions; what
 * tells whether they are current is the user's record: his versions and profile as an MGET found
 * them, with the sighting noted before that MGET was sent (vigil.h). While the vigil vouches for the
 * sighting, nothing has happened to the versions since.
 *
 * The record's key is the folded name, so that a hit needs no hash of it: the record tells the rest.
 */
#include "cache/reader.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "cache/knowledge.h"
#include "cache/vigil.h"

#include <assert.h>

enum { RECORD_KEY_MAX = 256 };
static const char record_mark[] = {'n', ':'};

static const int64_t tell_every_us = 1000000;

/* Empty for a name that is longer than names of users are. */
static struct slice record_key(const struct cache_reader *reader, char key[RECORD_KEY_MAX])
{
    struct slice name = reader->request.folded_name;
    if (name.size_bytes > RECORD_KEY_MAX - sizeof record_mark) {
        return slice_of(key, 0);
    }
    memcpy(key, record_mark, sizeof record_mark);
    memcpy(key + sizeof record_mark, name.data, name.size_bytes);
    return slice_of(key, sizeof record_mark + name.size_bytes);
}

/* The reader gives it back when it is closed. */
static const struct l1_value *find(struct cache_reader *reader, struct slice key)
{
    const struct l1_value *value = l1_find(reader->cache->l1, key);
    assert(reader->held_count < sizeof reader->held / sizeof *reader->held);
    if (value != NULL) {
        reader->held[reader->held_count++] = value;
    }
    return value;
}

/* ── finding ── */

/* Whether the one who asks is the user himself, as far as L1 knows. */
static bool find_viewer(struct cache_reader *reader)
{
    char key[CACHE_KEY_MAX];
    const struct l1_value *value =
        find(reader, slice_of(key, cache_key_token(reader->request.token_hash, key)));
    struct cache_account account;
    if (value == NULL || value->header.versions.epoch != reader->versions.epoch
        || value->header.versions.auth < reader->versions.auth
        || !cache_account_decode(value->payload, &account)
        || strcmp(account.subject.hash, reader->subject.hash) != 0) {
        return false;
    }
    cache_reader_view_as(reader, &account);
    return true;
}

/* Makes the record the reader's. What is to be seen is seen without knowing who asks. */
static bool take_record(struct cache_reader *reader, const struct l1_value *record)
{
    struct slice profile = slice_of(record->payload.data + sizeof reader->subject,
                                    record->payload.size_bytes - sizeof reader->subject);
    reader->versions = record->header.versions;
    return cache_profile_decode(profile, &reader->profile)
           && (reader->request.admit(&reader->profile)
               || (reader->request.token_hash != NULL && find_viewer(reader)
                   && reader->request.admit(&reader->profile)));
}

/* As if v had been read. */
static void trust_record(struct cache_reader *reader)
{
    const struct cache_versions *versions = &reader->versions;
    reader->trust = CACHE_TRUST_LEASED;
    reader->is_near = true;
    reader->mark = (struct cache_mark){.kind = CACHE_MARK_NUMBER,
                                       .epoch = versions->epoch,
                                       .live = versions->live,
                                       .past = versions->past,
                                       .auth = versions->auth};
}

void cache_near_trust(struct cache_reader *reader, int64_t now_us)
{
    char key[RECORD_KEY_MAX];
    const struct cache *cache = reader->cache;
    const struct l1_value *record =
        cache->l1 == NULL ? NULL : find(reader, record_key(reader, key));
    if (record == NULL) {
        cache_subject_of(reader->request.folded_name, &reader->subject);
    } else {
        memcpy(&reader->subject, record->payload.data, sizeof reader->subject);
    }
    if (cache->l1 == NULL) {
        return;
    }
    if (record != NULL
        && vigil_vouches(cache->options.vigil, &reader->subject, record->sighting, now_us)
        && take_record(reader, record)) {
        trust_record(reader);
        cache_metrics_add(cache->options.metrics, CACHE_COUNT_IDENTITY_PROFILE_HIT, 1);
    } else {
        reader->sighting = vigil_sighting(cache->options.vigil, &reader->subject);
    }
}

/* Where L1 does not know the versions, Redis is asked for all: what is here may well have changed. */
void cache_near_find(struct cache_reader *reader, struct cache_fetching *fetching)
{
    for (size_t i = 0; i < fetching->items_count && reader->is_near; i++) {
        struct cache_found *found = &fetching->found[i];
        const struct l1_value *value = find(reader, fetching->keys[i]);
        if (value != NULL) {
            found->header = value->header;
            found->payload = value->payload;
            found->hash = value->hash;
            found->is_due = cache_is_due(&value->header, reader->wall_us);
            found->is_there = found->is_near = true;
            found->is_there = found->is_near = cache_judge(reader, found) == CACHE_HIT_L1;
        }
    }
}

void cache_near_release(struct cache_reader *reader)
{
    for (size_t i = 0; i < reader->held_count; i++) {
        l1_release(&reader->held[i]);
    }
}

/* ── keeping ── */

static void tell_stats(struct cache *cache)
{
    int64_t now_us = clock_mono_us();
    int64_t told_us = atomic_load_explicit(&cache->l1_told_us, memory_order_relaxed);
    if (now_us - told_us >= tell_every_us
        && atomic_compare_exchange_strong(&cache->l1_told_us, &told_us, now_us)) {
        struct l1_stats stats;
        l1_read_stats(cache->l1, &stats);
        cache_metrics_set(cache->options.metrics, CACHE_LEVEL_L1_ENTRIES, stats.entries);
        cache_metrics_set(cache->options.metrics, CACHE_LEVEL_L1_BYTES, stats.used_bytes);
    }
}

static void keep_record(const struct cache_reader *reader)
{
    char key[RECORD_KEY_MAX];
    struct slice record = record_key(reader, key);
    struct buffer payload = BUFFER_EMPTY;
    buffer_append(&payload, (const char *)&reader->subject, sizeof reader->subject);
    cache_profile_encode(&payload, &reader->profile);
    const struct l1_value value = {
        .header = {.versions = reader->versions},
        .payload = buffer_slice(&payload),
        .hash = hash_64(buffer_slice(&payload)),
        .sighting = reader->sighting,
    };
    if (!payload.failed && record.size_bytes > 0) {
        l1_keep(reader->cache->l1, record, &value);
    }
    buffer_free(&payload);
}

static void keep_account(const struct cache_reader *reader, struct slice key,
                         const struct cache_account *account)
{
    struct buffer payload = BUFFER_EMPTY;
    cache_account_encode(&payload, account);
    const struct l1_value value = {
        .header = {.versions = reader->versions},
        .payload = buffer_slice(&payload),
        .hash = hash_64(buffer_slice(&payload)),
    };
    if (!payload.failed) {
        l1_keep(reader->cache->l1, key, &value);
    }
    buffer_free(&payload);
}

/* Whether the vigil looks at what has answered: that server, and no older data of it. */
static bool is_watched(const struct cache_reader *reader, const struct kv_batch *batch,
                       const struct cache_heartbeat *heartbeat)
{
    const struct vigil *vigil = reader->cache->options.vigil;
    return kv_node(batch) != 0 && kv_node(batch) == vigil_node(vigil)
           && heartbeat->polled_at_us >= vigil_round_us(vigil, &reader->subject);
}

void cache_near_keep(const struct cache_reader *reader, const struct cache_fetching *fetching,
                     const struct kv_batch *batch, const struct cache_trust_keys *keys,
                     const struct cache_knowledge *known)
{
    struct cache *cache = reader->cache;
    if (cache->l1 == NULL) {
        return;
    }
    failpoint("before_keep");
    if (keys->count > 0 && is_watched(reader, batch, &known->heartbeat)) {
        keep_record(reader);
    }
    /* The rest carries its versions: it may be of any server. */
    if (known->has_account) {
        keep_account(reader, keys->token, &known->account);
    }
    for (size_t i = 0; i < fetching->items_count; i++) {
        const struct cache_found *found = &fetching->found[i];
        if (!found->is_near && cache_judge(reader, found) == CACHE_HIT) {
            const struct l1_value value = {found->header, found->payload, found->hash, 0};
            l1_keep(cache->l1, fetching->keys[i], &value);
        }
    }
    tell_stats(cache);
}
