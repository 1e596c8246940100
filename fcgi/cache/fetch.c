/*
 * Looking values up. A value's versions come from the snapshot that its payload was read in, so they
 * are always true; what they are held against is the reader's (trust.c). Payloads point into the
 * replies of Redis, which the reader keeps until it is closed.
 */
#include "cache/reader.h"

#include "base/clock.h"
#include "base/log.h"
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

/* Parts of one answer may reach the versions and yet differ from each other. */
static bool is_of(const struct cache_header *header, const struct cache_versions *versions)
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
static bool is_due(const struct cache_header *header)
{
    int64_t left_us = header->built_at_us + header->ttl_s * 1000000 - clock_wall_us();
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
    int64_t age_s = (clock_wall_us() - header->built_at_us) / 1000000;
    age_s = age_s < 0 ? 0 : age_s;
    report->age_s = age_s > report->age_s ? age_s : report->age_s;
    int64_t left_s = header->ttl_s - age_s;
    report->ttl_s = left_s < report->ttl_s ? left_s : report->ttl_s;
    report->has_moved = report->has_moved || !is_of(header, &reader->versions);
}

enum cache_outcome cache_look_up(struct cache_reader *reader, struct kv_reply reply,
                                 struct slice key, struct cache_header *header,
                                 struct slice *payload)
{
    if (!cache_decode_reply(reader->cache, reply, key, header, payload)) {
        return CACHE_MISS_ABSENT;
    }
    if (!reaches(reader, header)) {
        return reader->trust != CACHE_TRUST_VALIDATED || reader->mark.kind == CACHE_MARK_NUMBER
                   ? CACHE_MISS_VERSION
                   : CACHE_MISS_LEASE;
    }
    if (reader->trust == CACHE_TRUST_UNVERIFIED) {
        return CACHE_UNVERIFIED;
    }
    if (is_due(header)) {
        return CACHE_MISS_ABSENT;
    }
    return reader->trust == CACHE_TRUST_LEASED ? CACHE_HIT : CACHE_HIT_VALIDATED;
}

static void look_up_all(struct cache_reader *reader, struct cache_fetching *fetching)
{
    struct cache_header headers[CACHE_ITEMS_MAX];
    bool differ = false;
    struct kv_reply values = {.kind = KV_ABSENT};
    if (fetching->batch != NULL) {
        values = kv_reply(fetching->batch, 0);
    }
    for (size_t i = 0; i < fetching->items_count; i++) {
        enum cache_outcome outcome = CACHE_BYPASS_BREAKER;
        if (fetching->batch != NULL) {
            outcome = cache_look_up(reader, kv_reply_item(&values, fetching->values_at + i),
                                    fetching->keys[i], &headers[i], &fetching->values[i]);
        }
        cache_note_outcome(&reader->report, outcome);
        fetching->wanted[i] = outcome > CACHE_UNVERIFIED;
        fetching->wanted_count += fetching->wanted[i];
        differ = differ || (!fetching->wanted[i] && !is_of(&headers[i], &reader->versions));
    }
    for (size_t i = 0; i < fetching->items_count; i++) {
        if (fetching->together && (fetching->wanted_count > 0 || differ)) {
            fetching->wanted_count += !fetching->wanted[i];
            fetching->wanted[i] = true;
        } else if (!fetching->wanted[i]) {
            cache_note_value(reader, &headers[i]);
        }
    }
    cache_metrics_add(reader->cache->options.metrics, CACHE_COUNT_SQL_SAVED,
                      fetching->items_count - fetching->wanted_count);
}

static enum result format_keys(const struct cache_reader *reader, struct cache_fetching *fetching,
                               struct error *error)
{
    for (size_t i = 0; i < fetching->items_count; i++) {
        char key[CACHE_KEY_MAX];
        size_t size = cache_key_value(&reader->subject, &fetching->items[i].name, key);
        const char *copy = arena_copy(reader->request.arena, slice_of(key, size));
        if (copy == NULL) {
            return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
        }
        fetching->keys[i] = slice_of(copy, size);
    }
    return RESULT_OK;
}

/* One round trip for everything. */
static struct kv_batch *ask_redis(struct cache_reader *reader, struct cache_fetching *fetching)
{
    char trust_keys[CACHE_TRUST_KEYS][CACHE_KEY_MAX];
    char token_key[CACHE_KEY_MAX];
    struct slice words[1 + CACHE_TRUST_KEYS + CACHE_ITEMS_MAX] = {slice_text("MGET")};
    struct slice token[2] = {slice_text("GET")};
    size_t count = 1;
    size_t commands = 1;
    if (reader->trust == CACHE_TRUST_NONE) {
        cache_trust_keys(reader, trust_keys, words + 1);
        count += CACHE_TRUST_KEYS;
        if (reader->request.token_hash != NULL) {
            token[1] =
                slice_of(token_key, cache_key_token(reader->request.token_hash, token_key));
            commands = 2;
        }
    }
    fetching->values_at = count - 1;
    memcpy(words + count, fetching->keys, fetching->items_count * sizeof *words);
    count += fetching->items_count;
    const struct kv_command asked[] = {{NULL, 0, words, count}, {NULL, 0, token, 2}};
    struct kv_batch *batch = NULL;
    struct error error;
    int64_t began_us = clock_mono_us();
    enum result result = kv_run(reader->cache->options.kv, asked, commands, &batch, &error);
    cache_metrics_time(reader->cache->options.metrics, CACHE_TIME_REDIS_READ,
                       clock_mono_us() - began_us);
    if (result != RESULT_OK || kv_reply(batch, 0).kind != KV_LIST) {
        kv_free(&batch);
    }
    return batch;
}

enum result cache_ask(struct cache_reader *reader, struct cache_fetching *fetching,
                      struct error *error)
{
    assert(reader->fetches_count < CACHE_FETCHES_MAX);
    int64_t began_us = clock_mono_us();
    fetching->batch = ask_redis(reader, fetching);
    reader->batches[reader->fetches_count++] = fetching->batch;
    enum result result = RESULT_OK;
    if (reader->trust == CACHE_TRUST_NONE) {
        result = cache_trust_establish(reader, fetching->batch, error);
    }
    reader->report.asked_us += clock_mono_us() - began_us;
    return result;
}

enum result cache_fetch(struct cache_reader *reader, const struct cache_item *items,
                        size_t items_count, bool together, cache_loader *load, void *context,
                        struct slice *values, struct error *error)
{
    assert(items_count <= CACHE_ITEMS_MAX);
    struct cache_fetching fetching = {
        .items = items, .items_count = items_count, .together = together, .values = values};
    enum result result = format_keys(reader, &fetching, error);
    if (result == RESULT_OK) {
        result = cache_ask(reader, &fetching, error);
    }
    if (result == RESULT_OK) {
        look_up_all(reader, &fetching);
    }
    if (result == RESULT_OK && fetching.wanted_count > 0) {
        result = cache_fill_wanted(reader, &fetching, load, context, error);
    }
    return result;
}
