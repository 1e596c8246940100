/*
 * Looking values up. A value's versions come from the snapshot that its payload was read in, so they
 * are always true; what they are held against is the reader's (trust.c). Payloads point into the
 * replies of Redis, which the reader keeps until it is closed.
 */
#include "cache/reader.h"

#include "base/clock.h"
#include "base/hash.h"
#include "cache/knowledge.h"
#include "cache/protocol.h"

#include <assert.h>
#include <math.h>

/* Whether the value shows everything that the reader's versions tell of. In validated mode equal
 * versions are asked for: the database itself has told them. */
static bool reaches(const struct cache_reader *reader, const struct cache_header *header)
{
    const struct cache_versions *then = &header->versions;
    const struct cache_versions *now = &reader->versions;
    int64_t had = cache_header_is_closed(header) ? then->past : then->live;
    int64_t needed = cache_header_is_closed(header) ? now->past : now->live;
    if (then->epoch != now->epoch) {
        return false;
    }
    switch (reader->trust) {
    case CACHE_TRUST_LEASED:
        return had >= needed && then->catalogue >= now->catalogue;
    case CACHE_TRUST_VALIDATED:
        return had == needed && then->catalogue == now->catalogue;
    default:
        return had >= needed;
    }
}

bool cache_is_of(const struct cache_header *header, const struct cache_versions *versions)
{
    return cache_header_is_closed(header) ? header->versions.past == versions->past
                                          : header->versions.live == versions->live;
}

static double random_fraction(void)
{
    static _Thread_local uint64_t state;
    if (state == 0) {
        state = (uint64_t)clock_mono_us() ^ (uint64_t)(uintptr_t)&state;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* Past its time, or so near its end that this reader is the one to compute it anew while the others
 * still use it: the nearer and the costlier, the likelier (Vattani, Chierichetti and Lowenstein,
 * Optimal Probabilistic Cache Stampede Prevention, 2015). */
bool cache_is_due(const struct cache_header *header, int64_t now_us)
{
    int64_t left_us = header->built_at_us + header->ttl_s * 1000000 - now_us;
    bool ends_with_window =
        header->window_end_s > 0
        && header->window_end_s <= header->built_at_us / 1000000 + header->ttl_s;
    if (left_us <= 0 || ends_with_window || left_us > 50 * header->cost_us) {
        return left_us <= 0;
    }
    return -log(random_fraction()) * (double)header->cost_us >= (double)left_us;
}

void cache_note_outcome(struct cache_report *report, enum cache_outcome outcome)
{
    if (outcome > report->outcome) {
        report->outcome = outcome;
    }
}

void cache_note_value(struct cache_reader *reader, const struct cache_header *header)
{
    struct cache_report *report = &reader->report;
    int64_t age_s = (reader->wall_us - header->built_at_us) / 1000000;
    age_s = age_s < 0 ? 0 : age_s;
    report->age_s = age_s > report->age_s ? age_s : report->age_s;
    int64_t left_s = header->ttl_s - age_s;
    report->ttl_s = left_s < report->ttl_s ? left_s : report->ttl_s;
    report->has_moved = report->has_moved || !cache_is_of(header, &reader->versions);
}

enum cache_outcome cache_judge(const struct cache_reader *reader, const struct cache_found *found)
{
    if (!found->is_there) {
        return CACHE_MISS_ABSENT;
    }
    if (!reaches(reader, &found->header)) {
        return reader->trust != CACHE_TRUST_VALIDATED || reader->mark.kind == CACHE_MARK_NUMBER
                   ? CACHE_MISS_VERSION
                   : CACHE_MISS_LEASE;
    }
    if (reader->trust == CACHE_TRUST_UNVERIFIED) {
        return CACHE_UNVERIFIED;
    }
    if (found->is_due) {
        return CACHE_MISS_ABSENT;
    }
    return reader->trust == CACHE_TRUST_VALIDATED ? CACHE_HIT_VALIDATED
           : found->is_near                       ? CACHE_HIT_L1
                                                  : CACHE_HIT;
}

void cache_take_found(struct cache_reader *reader, struct cache_fetching *fetching, size_t at)
{
    fetching->values[at] = fetching->found[at].payload;
    cache_note_value(reader, &fetching->found[at].header);
}

static void note_content(struct cache_reader *reader, const struct cache_fetching *fetching)
{
    for (size_t i = 0; i < fetching->items_count; i++) {
        reader->report.content_hash =
            hash_pair(reader->report.content_hash, fetching->found[i].hash);
    }
}

/* Of a part all is wanted or nothing: one of its values may be missing, or they may show different
 * versions of the data. */
static void judge_part(struct cache_reader *reader, struct cache_fetching *fetching, size_t first,
                       size_t count)
{
    bool is_wanted = false;
    for (size_t i = first; i < first + count; i++) {
        const struct cache_found *found = &fetching->found[i];
        enum cache_outcome outcome = found->is_near             ? CACHE_HIT_L1
                                     : fetching->redis_answers ? cache_judge(reader, found)
                                                               : CACHE_BYPASS_BREAKER;
        cache_note_outcome(&reader->report, outcome);
        is_wanted = is_wanted || outcome > CACHE_UNVERIFIED
                    || (count > 1 && !cache_is_of(&found->header, &reader->versions));
    }
    for (size_t i = first; i < first + count; i++) {
        fetching->wanted[i] = is_wanted;
        if (!is_wanted) {
            cache_take_found(reader, fetching, i);
        }
    }
    fetching->wanted_count += is_wanted ? count : 0;
}

static void judge_all(struct cache_reader *reader, struct cache_fetching *fetching)
{
    size_t first = 0;
    for (size_t i = 0; i < fetching->parts_count; i++) {
        judge_part(reader, fetching, first, fetching->parts[i].items_count);
        first += fetching->parts[i].items_count;
    }
    cache_metrics_add(reader->cache->options.metrics, CACHE_COUNT_SQL_SAVED,
                      fetching->items_count - fetching->wanted_count);
}

/* ── asking ── */

void cache_decode_found(struct cache *cache, struct kv_reply reply, struct slice key,
                        struct cache_found *found)
{
    int64_t built_before_us = found->is_due ? found->header.built_at_us : 0;
    found->is_near = false;
    found->is_there = cache_decode_reply(cache, reply, key, &found->header, &found->payload);
    if (!found->is_there) {
        return;
    }
    found->hash = hash_64(found->payload);
    found->is_due = found->header.built_at_us == built_before_us
                    || cache_is_due(&found->header, clock_wall_us());
}

static void find_in_redis(struct cache_reader *reader, struct cache_fetching *fetching,
                          const struct kv_batch *batch, size_t first)
{
    struct kv_reply values = kv_reply(batch, 0);
    for (size_t i = 0, at = first; i < fetching->items_count; i++) {
        struct cache_found *found = &fetching->found[i];
        if (!found->is_near) {
            cache_decode_found(reader->cache, kv_reply_item(&values, at++), fetching->keys[i],
                               found);
        }
    }
}

/* One round trip for everything. NULL if Redis does not answer. */
static struct kv_batch *ask_redis(struct cache_reader *reader,
                                  const struct cache_fetching *fetching,
                                  const struct cache_trust_keys *keys)
{
    struct slice words[1 + CACHE_TRUST_KEYS + CACHE_ITEMS_MAX] = {slice_text("MGET")};
    const struct slice token[] = {slice_text("GET"), keys->token};
    size_t count = 1 + keys->count;
    memcpy(words + 1, keys->words, keys->count * sizeof *words);
    for (size_t i = 0; i < fetching->items_count; i++) {
        if (!fetching->found[i].is_near) {
            words[count++] = fetching->keys[i];
        }
    }
    const struct kv_command asked[] = {{NULL, 0, words, count}, {NULL, 0, token, 2}};
    struct kv_batch *batch = NULL;
    struct error error;
    int64_t began_us = clock_mono_us();
    enum result result = kv_run(reader->cache->options.kv, asked,
                                keys->token.size_bytes > 0 ? 2 : 1, &batch, &error);
    cache_metrics_time(reader->cache->options.metrics, CACHE_TIME_REDIS_READ,
                       clock_mono_us() - began_us);
    if (result != RESULT_OK || kv_reply(batch, 0).kind != KV_LIST) {
        kv_free(&batch);
    }
    return batch;
}

static enum result ask_far(struct cache_reader *reader, struct cache_fetching *fetching,
                           struct error *error)
{
    struct cache_trust_keys keys = {.count = 0};
    struct cache_knowledge known = {.redis_answers = false};
    bool asks_for_trust = reader->trust == CACHE_TRUST_NONE;
    enum result result = RESULT_OK;
    if (asks_for_trust) {
        cache_trust_keys(reader, &keys);
    }
    struct kv_batch *batch = ask_redis(reader, fetching, &keys);
    reader->batches[reader->fetches_count] = batch;
    if (asks_for_trust) {
        result = cache_trust_establish(reader, batch, &keys, &known, error);
    }
    fetching->redis_answers = batch != NULL;
    if (batch != NULL) {
        find_in_redis(reader, fetching, batch, keys.count);
    }
    if (batch != NULL && result == RESULT_OK && reader->trust == CACHE_TRUST_LEASED) {
        cache_near_keep(reader, fetching, batch, &keys, &known);
    }
    return result;
}

static bool has_all(const struct cache_fetching *fetching)
{
    size_t near = 0;
    for (size_t i = 0; i < fetching->items_count; i++) {
        near += fetching->found[i].is_near;
    }
    return near == fetching->items_count;
}

static void format_keys(const struct cache_reader *reader, struct cache_fetching *fetching)
{
    for (size_t i = 0; i < fetching->items_count; i++) {
        char *key = fetching->key_texts[i];
        fetching->keys[i] =
            slice_of(key, cache_key_value(&reader->subject, &fetching->items[i]->name, key));
        struct cache_found *found = &fetching->found[i];
        found->is_there = found->is_near = found->is_due = false;
    }
}

enum result cache_ask(struct cache_reader *reader, struct cache_fetching *fetching,
                      struct error *error)
{
    assert(reader->fetches_count < CACHE_FETCHES_MAX);
    int64_t began_us = clock_boot_us();
    enum result result = RESULT_OK;
    reader->wall_us = clock_wall_us();
    if (reader->trust == CACHE_TRUST_NONE) {
        cache_near_trust(reader, began_us);
    }
    format_keys(reader, fetching);
    cache_near_find(reader, fetching);
    fetching->redis_answers = true;
    if (reader->trust == CACHE_TRUST_NONE || !has_all(fetching)) {
        result = ask_far(reader, fetching, error);
    }
    reader->fetches_count++;
    reader->report.asked_us += clock_boot_us() - began_us;
    return result;
}

static void list_items(struct cache_fetching *fetching)
{
    for (size_t i = 0; i < fetching->parts_count; i++) {
        const struct cache_part *part = &fetching->parts[i];
        assert(fetching->items_count + part->items_count <= CACHE_ITEMS_MAX);
        for (size_t j = 0; j < part->items_count; j++) {
            fetching->items[fetching->items_count++] = &part->items[j];
        }
    }
}

static void want_all(struct cache_reader *reader, struct cache_fetching *fetching)
{
    cache_note_outcome(&reader->report, CACHE_MISS_VERSION);
    for (size_t i = 0; i < fetching->items_count; i++) {
        fetching->wanted[i] = true;
    }
    fetching->wanted_count = fetching->items_count;
}

/* What is filled at once is of one state; what was found is, if it is of the reader's versions. */
static bool is_of_one_state(const struct cache_reader *reader,
                            const struct cache_fetching *fetching)
{
    size_t of_versions = 0;
    for (size_t i = 0; i < fetching->items_count; i++) {
        of_versions += cache_is_of(&fetching->found[i].header, &reader->versions);
    }
    return of_versions == fetching->items_count || fetching->wanted_count == fetching->items_count;
}

/* One question to Redis and, as far as `judge` wants it, one to the database. */
static enum result fetch(struct cache_reader *reader, struct cache_fetching *fetching,
                         void (*judge)(struct cache_reader *, struct cache_fetching *),
                         struct error *error)
{
    fetching->items_count = fetching->wanted_count = 0;
    list_items(fetching);
    enum result result = cache_ask(reader, fetching, error);
    if (result == RESULT_OK) {
        judge(reader, fetching);
    }
    if (result == RESULT_OK && fetching->wanted_count > 0) {
        result = cache_fill_wanted(reader, fetching, error);
    }
    return result;
}

enum result cache_fetch(struct cache_reader *reader, const struct cache_part *parts,
                        size_t parts_count, struct slice *values, struct error *error)
{
    struct cache_fetching fetching; /* large, and mostly empty */
    fetching.parts = parts;
    fetching.parts_count = parts_count;
    fetching.values = values;
    enum result result = fetch(reader, &fetching, judge_all, error);
    if (result == RESULT_OK) {
        note_content(reader, &fetching);
    }
    return result;
}

enum result cache_fetch_together(struct cache_reader *reader, const struct cache_part *parts,
                                 size_t parts_count, struct slice *values, struct error *error)
{
    struct cache_fetching fetching;
    fetching.parts = parts;
    fetching.parts_count = parts_count;
    fetching.values = values;
    enum result result = fetch(reader, &fetching, judge_all, error);
    if (result == RESULT_OK && !is_of_one_state(reader, &fetching)) {
        result = fetch(reader, &fetching, want_all, error);
    }
    if (result == RESULT_OK) {
        note_content(reader, &fetching);
    }
    return result;
}
