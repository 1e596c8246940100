/*
 * Getting what is missing, once for all who want it: of the threads of this process one leads
 * (flight.c), of the processes the one with the fill lock; the others wait for it a little, and then
 * compute as well, since the store decides what is kept. How many loads run at a time is bounded
 * (gate.c). The lock and the bound save work; what is right does not depend on them.
 */
#include "cache/filling.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "cache/knowledge.h"
#include "cache/protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t gate_wait_max_us = 2000000;

bool cache_filled_reaches(const void *filled, const void *seen)
{
    const struct cache_filled *brought = filled;
    const struct cache_versions *needed = seen;
    for (size_t i = 0; i < brought->count; i++) {
        const struct cache_versions *had = &brought->found[i].header.versions;
        if (had->epoch != needed->epoch || had->live < needed->live || had->past < needed->past
            || had->catalogue < needed->catalogue) {
            return false;
        }
    }
    return true;
}

void cache_filled_free(void *filled)
{
    struct cache_filled *freed = filled;
    for (size_t i = 0; i < freed->count; i++) {
        buffer_free(&freed->fills[i].payload);
    }
    kv_free(&freed->batch);
    free(freed);
}

static struct cache_metrics *metrics_of(const struct cache_filling *filling)
{
    return filling->reader->cache->options.metrics;
}

/* A value's life ends with its window; ten per cent of jitter keep values that were made together
 * from ending together. */
static int64_t choose_ttl_s(const struct cache_options *options,
                            const struct cache_header *header)
{
    int64_t now_s = header->built_at_us / 1000000;
    int64_t ttl = cache_header_is_closed(header) ? options->ttl_closed_s : options->ttl_open_s;
    ttl += ttl * (header->built_at_us % 201 - 100) / 1000;
    if (header->window_end_s > now_s && header->window_end_s - now_s < ttl) {
        ttl = header->window_end_s - now_s;
    }
    return ttl < 1 ? 1 : ttl;
}

static enum result take_loaded(struct cache_filling *filling, struct cache_fill *fills,
                               int64_t took_us, struct error *error)
{
    struct cache_filled *filled = filling->filled;
    enum result result = RESULT_OK;
    for (size_t i = 0; i < filled->count; i++) {
        struct cache_found *found = &filled->found[i];
        filled->fills[i] = fills[filling->at[i]];
        found->is_there = true;
        found->payload = buffer_slice(&filled->fills[i].payload);
        found->hash = hash_64(found->payload);
        found->header = (struct cache_header){
            .versions = filled->fills[i].versions,
            .window_end_s = filling->fetching->items[filling->at[i]]->window_end_s,
            .built_at_us = clock_wall_us(),
            .cost_us = took_us};
        found->header.ttl_s = choose_ttl_s(&filling->reader->cache->options, &found->header);
        if (result == RESULT_OK && buffer_result(&filled->fills[i].payload) != RESULT_OK) {
            result = error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
        }
    }
    return result;
}

/* The parts to be computed, and where their items begin. */
struct loading {
    size_t count;
    const struct cache_part *parts[CACHE_ITEMS_MAX];
    size_t firsts[CACHE_ITEMS_MAX];
    struct db_step calls[CACHE_ITEMS_MAX];
    struct db_rows *rows[CACHE_ITEMS_MAX];
};

static enum result ask_sources(const struct cache_filling *filling, struct loading *loading,
                               struct error *error)
{
    const struct cache_fetching *fetching = filling->fetching;
    const struct cache_reader *reader = filling->reader;
    enum result result = RESULT_OK;
    size_t first = 0;
    loading->count = 0;
    for (size_t i = 0; i < fetching->parts_count && result == RESULT_OK; i++) {
        const struct cache_part *part = &fetching->parts[i];
        if (fetching->wanted[first]) {
            size_t at = loading->count++;
            loading->parts[at] = part;
            loading->firsts[at] = first;
            result = part->source->ask(part, &reader->profile, reader->request.arena,
                                       &loading->calls[at], error);
        }
        first += part->items_count;
    }
    return result;
}

static enum result take_rows(struct loading *loading, struct cache_fill *fills,
                             struct error *error)
{
    enum result result = RESULT_OK;
    for (size_t i = 0; i < loading->count; i++) {
        const struct cache_part *part = loading->parts[i];
        if (result == RESULT_OK && db_rows_count(loading->rows[i]) == 0) {
            result = error_set(error, RESULT_NOT_FOUND, "cache", "the user has gone");
        }
        if (result == RESULT_OK) {
            result = part->source->take(part, loading->rows[i], &fills[loading->firsts[i]], error);
        }
        db_rows_free(&loading->rows[i]);
    }
    return result;
}

static enum result load(struct cache_filling *filling, struct error *error)
{
    struct cache_reader *reader = filling->reader;
    struct cache_fill fills[CACHE_ITEMS_MAX] = {0};
    struct loading loading;
    int64_t began_us = clock_mono_us();
    enum result result = ask_sources(filling, &loading, error);
    if (result == RESULT_OK) {
        result = db_read_together(reader->cache->options.db, loading.calls, loading.count,
                                  reader->request.deadline_us, loading.rows, error);
    }
    if (result == RESULT_OK) {
        result = take_rows(&loading, fills, error);
    }
    int64_t took_us = clock_mono_us() - began_us;
    failpoint("after_snapshot");
    reader->report.loaded_us += took_us;
    cache_metrics_time(metrics_of(filling), CACHE_TIME_FILL, took_us);
    enum result taken = take_loaded(filling, fills, took_us, error);
    return result == RESULT_OK ? taken : result;
}

static bool is_rationed(const struct cache_fetching *fetching)
{
    bool is_any = false;
    for (size_t i = 0; i < fetching->parts_count; i++) {
        is_any = is_any || fetching->parts[i].is_rationed;
    }
    return is_any;
}

/* Waits for a place among all loads; what is rationed, for one of its own first. */
static enum result enter(struct cache *cache, bool is_rationed, int64_t deadline_us,
                         struct error *error)
{
    enum result result =
        is_rationed ? gate_enter(cache->rationed, deadline_us, error) : RESULT_OK;
    if (result != RESULT_OK) {
        return result;
    }
    result = gate_enter(cache->loads, deadline_us, error);
    if (result != RESULT_OK && is_rationed) {
        gate_leave(cache->rationed);
    }
    return result;
}

static void leave(struct cache *cache, bool is_rationed)
{
    gate_leave(cache->loads);
    if (is_rationed) {
        gate_leave(cache->rationed);
    }
}

static enum result load_bounded(struct cache_filling *filling, struct error *error)
{
    struct cache *cache = filling->reader->cache;
    bool rationed = is_rationed(filling->fetching);
    int64_t limit_us = clock_mono_us() + gate_wait_max_us;
    int64_t deadline_us = filling->reader->request.deadline_us;
    enum result result =
        enter(cache, rationed, limit_us < deadline_us ? limit_us : deadline_us, error);
    if (result != RESULT_OK) {
        cache_metrics_add(cache->options.metrics, CACHE_COUNT_LOADS_SHED, 1);
        return result;
    }
    result = load(filling, error);
    leave(cache, rationed);
    if (result != RESULT_OK) {
        cache_metrics_add(cache->options.metrics, CACHE_COUNT_FILL_FAILED, filling->filled->count);
    }
    return result;
}

static bool is_same(const struct cache_versions *a, const struct cache_versions *b)
{
    return a->epoch == b->epoch && a->live == b->live && a->past == b->past
           && a->auth == b->auth;
}

/* Encodes, from `first` on, values of one snapshot; gives where they end. */
static size_t encode_run(const struct cache_filling *filling, size_t first, struct cache_store *store,
                         struct buffer *encoded)
{
    const struct cache_filled *filled = filling->filled;
    size_t end = first;
    for (; end < filled->count
           && is_same(&filled->found[end].header.versions,
                      &filled->found[first].header.versions);
         end++) {
        const struct cache_found *found = &filled->found[end];
        struct slice key = filling->fetching->keys[filling->at[end]];
        if (filled->fills[end].is_transient
            || found->payload.size_bytes > filling->reader->cache->options.value_max_bytes) {
            continue;
        }
        struct buffer *bytes = &encoded[store->count];
        cache_encode(bytes, key, &found->header, found->payload);
        if (bytes->failed) {
            buffer_free(bytes);
            continue;
        }
        store->keys[store->count] = key;
        store->values[store->count] = buffer_slice(bytes);
        store->lives_ms[store->count] = found->header.ttl_s * 1000 + CACHE_OUTAGE_LIFE_MS;
        store->count++;
    }
    return end;
}

static enum cache_counter stored_counter(enum cache_stored stored)
{
    switch (stored) {
    case CACHE_STORED:
        return CACHE_COUNT_FILL_STORED;
    case CACHE_STORE_REFUSED_LEASE:
        return CACHE_COUNT_FILL_REFUSED_LEASE;
    case CACHE_STORE_REFUSED_VERSION:
        return CACHE_COUNT_FILL_REFUSED_VERSION;
    default:
        return CACHE_COUNT_FILL_UNCACHED;
    }
}

/* L1 holds the numbers of v, and not its text. */
static void discard_mark(const struct cache_reader *reader)
{
    char text[CACHE_RECORD_MAX];
    struct slice mark = reader->mark_text;
    if (reader->is_near) {
        const struct cache_mark *number = &reader->mark;
        int size = snprintf(text, sizeof text,
                            "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, number->epoch,
                            number->live, number->past, number->auth);
        mark = slice_of(text, (size_t)size);
    }
    cache_discard(&reader->cache->steps, &reader->subject, mark);
}

/* Stores what was loaded; values that were read in one snapshot go in one step, the last of which
 * gives up the lock. That nothing is stored is no error. */
static void store_loaded(struct cache_filling *filling)
{
    struct cache_reader *reader = filling->reader;
    struct cache_filled *filled = filling->filled;
    struct buffer encoded[CACHE_ITEMS_MAX] = {0};
    filled->stored = true;
    failpoint("before_store");
    for (size_t first = 0, end; first < filled->count; first = end) {
        const struct cache_versions *versions = &filled->found[first].header.versions;
        struct cache_store store = {
            .subject = &reader->subject, .lease = "", .versions = versions};
        end = encode_run(filling, first, &store, encoded);
        if (filling->lock == CACHE_LOCK_TAKEN && end == filled->count) {
            store.lock_key = filling->lock_key;
            store.lock_nonce = filling->lock_nonce;
        }
        enum cache_stored stored = store.count > 0 || store.lock_key != NULL
                                       ? cache_store_run(&reader->cache->steps, &store)
                                       : CACHE_STORED;
        cache_metrics_add(metrics_of(filling), stored_counter(stored), store.count);
        cache_metrics_add(metrics_of(filling), CACHE_COUNT_FILL_UNCACHED,
                          end - first - store.count);
        filled->stored = filled->stored && stored == CACHE_STORED && store.count == end - first;
        if (cache_is_phantom(&reader->mark, versions)) {
            discard_mark(reader);
        }
        for (size_t i = 0; i < store.count; i++) {
            buffer_free(&encoded[i]);
        }
    }
}

static enum result fill(struct cache_filling *filling, struct error *error)
{
    const struct cache_fetching *fetching = filling->fetching;
    struct cache_reader *reader = filling->reader;
    filling->lock = CACHE_LOCK_UNKNOWN;
    if (fetching->redis_answers) {
        cache_key_lock(&reader->subject, &fetching->items[filling->at[0]]->name,
                       filling->lock_key);
        filling->lock =
            cache_lock_take(&reader->cache->steps, filling->lock_key, filling->lock_nonce);
        if ((filling->lock == CACHE_LOCK_HELD && cache_wait_for_other(filling))
            || (filling->lock == CACHE_LOCK_TAKEN && cache_is_filled_already(filling))) {
            return RESULT_OK;
        }
    }
    enum result result = load_bounded(filling, error);
    if (result == RESULT_OK && fetching->redis_answers) {
        store_loaded(filling);
    } else if (result == RESULT_OK) {
        cache_metrics_add(metrics_of(filling), CACHE_COUNT_FILL_UNCACHED, filling->filled->count);
    } else if (filling->lock == CACHE_LOCK_TAKEN) {
        cache_lock_drop(&reader->cache->steps, filling->lock_key, filling->lock_nonce);
    }
    return result;
}

/* The leader's part, from beginning to landing. */
static enum result lead(struct cache_reader *reader, const struct cache_fetching *fetching,
                        struct flight *flight, struct error *error)
{
    struct cache_filling filling = {.reader = reader, .fetching = fetching};
    filling.filled = calloc(1, sizeof *filling.filled);
    enum result result;
    if (filling.filled == NULL) {
        result = error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
    } else {
        for (size_t i = 0; i < fetching->items_count; i++) {
            if (fetching->wanted[i]) {
                filling.at[filling.filled->count++] = i;
            }
        }
        result = fill(&filling, error);
        if (result != RESULT_OK) {
            cache_filled_free(filling.filled);
            filling.filled = NULL;
        }
    }
    flight_land(flight, result, error, filling.filled);
    return result;
}

static void use(struct cache_reader *reader, struct cache_fetching *fetching,
                const struct cache_filled *filled)
{
    size_t next = 0;
    for (size_t i = 0; i < fetching->items_count; i++) {
        if (fetching->wanted[i]) {
            fetching->found[i] = filled->found[next++];
            cache_take_found(reader, fetching, i);
        }
    }
    reader->report.stored = reader->report.stored && filled->stored;
}

/* With the database away, what was found is served even if its time has passed. */
static bool make_do(struct cache_reader *reader, struct cache_fetching *fetching)
{
    enum cache_trust trusted = reader->trust;
    bool is_enough = fetching->redis_answers;
    reader->trust = CACHE_TRUST_UNVERIFIED;
    for (size_t i = 0; i < fetching->items_count && is_enough; i++) {
        if (fetching->wanted[i]) {
            is_enough = cache_judge(reader, &fetching->found[i]) == CACHE_UNVERIFIED;
            if (is_enough) {
                cache_take_found(reader, fetching, i);
            }
        }
    }
    if (is_enough) {
        reader->report.outcome = CACHE_UNVERIFIED;
    } else {
        reader->trust = trusted;
    }
    return is_enough;
}

static struct slice wanted_keys(const struct cache_reader *reader,
                                const struct cache_fetching *fetching)
{
    char *text = arena_alloc(reader->request.arena, CACHE_ITEMS_MAX * CACHE_KEY_MAX);
    size_t size = 0;
    for (size_t i = 0; text != NULL && i < fetching->items_count; i++) {
        if (fetching->wanted[i]) {
            memcpy(text + size, fetching->keys[i].data, fetching->keys[i].size_bytes);
            size += fetching->keys[i].size_bytes;
            text[size++] = ' ';
        }
    }
    return slice_of(text, size);
}

static enum result join(struct cache_reader *reader, struct cache_fetching *fetching,
                        struct error *error)
{
    const struct flight_ticket ticket = {
        .key = wanted_keys(reader, fetching),
        .arrived_us = clock_mono_us(),
        .seen = &reader->versions,
        .deadline_us = reader->request.deadline_us,
    };
    if (ticket.key.data == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
    }
    struct flight *flight;
    bool leads = false;
    enum result result = flights_join(reader->cache->fills, &ticket, &flight, &leads, error);
    if (result != RESULT_OK) {
        return result;
    }
    reader->flights[reader->fetches_count - 1] = flight;
    if (leads) {
        result = lead(reader, fetching, flight, error);
    } else {
        cache_metrics_add(reader->cache->options.metrics, CACHE_COUNT_FLIGHT_SHARED, 1);
    }
    if (result == RESULT_OK) {
        use(reader, fetching, flight_result(flight));
    }
    return result;
}

enum result cache_fill_wanted(struct cache_reader *reader, struct cache_fetching *fetching,
                              struct error *error)
{
    enum result result =
        reader->trust == CACHE_TRUST_UNVERIFIED
            ? error_set(error, RESULT_UNAVAILABLE, "cache",
                        "PostgreSQL does not answer, and the cache does not hold what is asked for")
            : join(reader, fetching, error);
    bool is_outage = reader->trust == CACHE_TRUST_UNVERIFIED
                     || cache_is_outage(reader->cache, result);
    if (is_outage && make_do(reader, fetching)) {
        return RESULT_OK;
    }
    if (result != RESULT_OK && result != RESULT_NOT_FOUND) {
        cache_note_outcome(&reader->report, CACHE_ERROR);
    }
    return result;
}
