/*
 * Validated mode. A value's versions come from the snapshot that its payload was read in, so the tag
 * is always true; the versions it is compared with are read by this request. Equal tags mean equal
 * data, whoever stored the value and however late: storing needs no lock and no order, a store that
 * comes too late is merely not equal the next time. What is read of a value is bounded: payloads
 * point into Redis' reply, which the reader keeps until it is closed.
 */
#include "cache/cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "cache/state.h"

#include <assert.h>
#include <stdlib.h>

enum { FETCHES_MAX = 4 };

struct cache {
    struct cache_options options;
};

struct cache_reader {
    struct cache *cache;
    struct cache_request request;
    struct cache_subject subject;
    bool known; /* the state has been read, and the data may be seen */
    struct cache_state state;
    struct kv_get *gets[FETCHES_MAX]; /* keep what hits point to */
    struct cache_fill *fills[FETCHES_MAX];
    size_t fills_counts[FETCHES_MAX];
    size_t fetches_count;
    struct cache_report report;
};

/* One call of cache_fetch on its way. */
struct fetch {
    const struct cache_item *items;
    size_t items_count;
    struct slice keys[CACHE_ITEMS_MAX];
    struct kv_get *get; /* NULL: Redis is away */
    struct slice *values;
    bool wanted[CACHE_ITEMS_MAX];
    size_t wanted_count;
};

struct cache *cache_create(const struct cache_options *options)
{
    struct cache *cache = malloc(sizeof *cache);
    if (cache != NULL) {
        cache->options = *options;
    }
    return cache;
}

void cache_destroy(struct cache **cache)
{
    free(*cache);
    *cache = NULL;
}

struct cache_reader *cache_reader_open(struct cache *cache, const struct cache_request *request)
{
    struct cache_reader *reader = arena_alloc(request->arena, sizeof *reader);
    if (reader != NULL) {
        reader->cache = cache;
        reader->request = *request;
        reader->report = (struct cache_report){
            .outcome = CACHE_HIT_VALIDATED, .ttl_s = INT64_MAX, .stored = true};
        cache_subject_of(request->folded_name, &reader->subject);
    }
    return reader;
}

void cache_reader_close(struct cache_reader **reader)
{
    if (*reader == NULL) {
        return;
    }
    for (size_t i = 0; i < (*reader)->fetches_count; i++) {
        kv_get_free(&(*reader)->gets[i]);
        for (size_t fill = 0; fill < (*reader)->fills_counts[i]; fill++) {
            buffer_free(&(*reader)->fills[i][fill].payload);
        }
    }
    *reader = NULL;
}

/* The order of outcomes from best to worst is the order of their table. */
static void note_outcome(struct cache_report *report, enum cache_outcome outcome)
{
    if (outcome > report->outcome) {
        report->outcome = outcome;
    }
}

static void note_value(struct cache_report *report, const struct cache_header *header)
{
    int64_t age_s = (clock_wall_us() - header->built_at_us) / 1000000;
    age_s = age_s < 0 ? 0 : age_s;
    report->age_s = age_s > report->age_s ? age_s : report->age_s;
    int64_t left_s = header->ttl_s - age_s;
    report->ttl_s = left_s < report->ttl_s ? left_s : report->ttl_s;
}

/* Fetches the state that was asked for, and decides whether the one who asks may see the data. */
static enum result take_state(struct cache_reader *reader, struct db_conn **conn,
                              struct error *error)
{
    enum result result = cache_state_finish(conn, &reader->request, &reader->state, error);
    if (result == RESULT_OK && !reader->request.admit(&reader->state.profile)) {
        result = error_set(error, RESULT_NOT_FOUND, "cache", "no such user, or not to be seen");
    }
    reader->known = result == RESULT_OK;
    return result;
}

enum result cache_reader_profile(struct cache_reader *reader,
                                 const struct cache_profile **profile, struct error *error)
{
    enum result result = RESULT_OK;
    if (!reader->known) {
        struct db_conn *conn;
        result = cache_state_begin(reader->cache->options.db, &reader->request, &conn, error);
        if (result == RESULT_OK) {
            result = take_state(reader, &conn, error);
        }
    }
    *profile = result == RESULT_OK ? &reader->state.profile : NULL;
    return result;
}

static enum result format_keys(const struct cache_reader *reader, struct fetch *fetch,
                               struct error *error)
{
    for (size_t i = 0; i < fetch->items_count; i++) {
        char key[CACHE_KEY_MAX];
        size_t size = cache_key_format(&reader->subject, &fetch->items[i].name, key);
        const char *copy = arena_copy(reader->request.arena, slice_of(key, size));
        if (copy == NULL) {
            return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
        }
        fetch->keys[i] = slice_of(copy, size);
    }
    return RESULT_OK;
}

/* Equal in every counter that the value depends on. */
static bool is_current(const struct cache_header *header, const struct cache_versions *now)
{
    const struct cache_versions *then = &header->versions;
    bool same_data = cache_header_is_closed(header) ? then->past == now->past
                                                    : then->live == now->live;
    return same_data && then->epoch == now->epoch && then->catalogue == now->catalogue;
}

static enum cache_outcome look_up(struct cache_reader *reader, const struct fetch *fetch,
                                  size_t at)
{
    struct slice bytes;
    struct cache_header header;
    if (fetch->get == NULL) {
        return CACHE_BYPASS_BREAKER;
    }
    if (!kv_get_value(fetch->get, at, &bytes)) {
        return CACHE_MISS_ABSENT;
    }
    if (!cache_decode(bytes, fetch->keys[at], &header, &fetch->values[at])) {
        log_event(LOG_WARN_LEVEL, "cache-value-unreadable", "key", fetch->keys[at].data, NULL);
        return CACHE_MISS_ABSENT;
    }
    if (!is_current(&header, &reader->state.versions)) {
        return CACHE_MISS_VERSION;
    }
    note_value(&reader->report, &header);
    return CACHE_HIT_VALIDATED;
}

static void look_up_all(struct cache_reader *reader, struct fetch *fetch, bool together)
{
    for (size_t i = 0; i < fetch->items_count; i++) {
        enum cache_outcome outcome = look_up(reader, fetch, i);
        note_outcome(&reader->report, outcome);
        fetch->wanted[i] = outcome != CACHE_HIT_VALIDATED;
        fetch->wanted_count += fetch->wanted[i];
    }
    for (size_t i = 0; together && fetch->wanted_count > 0 && i < fetch->items_count; i++) {
        fetch->wanted[i] = true;
    }
}

/* Redis and PostgreSQL are asked at once: the answer of the slower one is all that is waited for.
 * The connection to PostgreSQL is had first: waiting for one while holding one to Redis would keep
 * others from Redis whenever PostgreSQL is slow. */
static enum result ask(struct cache_reader *reader, struct fetch *fetch, struct error *error)
{
    const struct cache_options *options = &reader->cache->options;
    struct error redis_error;
    struct db_conn *conn = NULL;
    int64_t began_us = clock_mono_us();
    if (!reader->known) {
        enum result result = cache_state_begin(options->db, &reader->request, &conn, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    enum result redis = kv_get_begin(options->kv, fetch->keys, fetch->items_count, &fetch->get,
                                     &redis_error);
    enum result result = conn == NULL ? RESULT_OK : take_state(reader, &conn, error);
    if (redis == RESULT_OK) {
        redis = kv_get_finish(fetch->get, &redis_error);
    }
    if (redis != RESULT_OK) {
        kv_get_free(&fetch->get);
        log_event(LOG_DEBUG_LEVEL, "redis-away", "error", redis_error.text, NULL);
    }
    reader->report.asked_us += clock_mono_us() - began_us;
    return result;
}

/* A value's life ends with its window; ten per cent of jitter keep values that were made together
 * from ending together. */
static int64_t ttl_s(const struct cache_options *options, const struct cache_header *header)
{
    int64_t now_s = header->built_at_us / 1000000;
    int64_t ttl = cache_header_is_closed(header) ? options->ttl_closed_s : options->ttl_open_s;
    ttl += ttl * (header->built_at_us % 201 - 100) / 1000;
    if (header->window_end_s > now_s && header->window_end_s - now_s < ttl) {
        ttl = header->window_end_s - now_s;
    }
    return ttl < 1 ? 1 : ttl;
}

/* What is to be stored of a fetch. */
struct stores {
    struct kv_item items[CACHE_ITEMS_MAX];
    struct buffer encoded[CACHE_ITEMS_MAX];
    size_t count;
};

/* Adds a value that has been loaded; false if it is not to be stored. */
static bool add_store(const struct cache_options *options, const struct fetch *fetch, size_t at,
                      const struct cache_fill *fill, const struct cache_header *header,
                      struct stores *stores)
{
    if (fetch->get == NULL || fill->is_transient
        || fill->payload.size_bytes > options->value_max_bytes) {
        return false;
    }
    struct buffer *bytes = &stores->encoded[stores->count];
    cache_encode(bytes, fetch->keys[at], header, buffer_slice(&fill->payload));
    if (bytes->failed) {
        buffer_free(bytes);
        return false;
    }
    stores->items[stores->count++] =
        (struct kv_item){fetch->keys[at], buffer_slice(bytes), header->ttl_s * 1000};
    return true;
}

/* Encodes what was loaded and stores what may be. Failing to store is no error. */
static void store(struct cache_reader *reader, const struct fetch *fetch,
                  const struct cache_fill *fills)
{
    const struct cache_options *options = &reader->cache->options;
    struct stores stores = {.count = 0};
    bool all_stored = true;
    for (size_t i = 0; i < fetch->items_count; i++) {
        if (!fetch->wanted[i]) {
            continue;
        }
        struct cache_header header = {.versions = fills[i].versions,
                                      .window_end_s = fetch->items[i].window_end_s,
                                      .built_at_us = clock_wall_us()};
        header.ttl_s = ttl_s(options, &header);
        note_value(&reader->report, &header);
        reader->report.has_moved =
            reader->report.has_moved || !is_current(&header, &reader->state.versions);
        all_stored = add_store(options, fetch, i, &fills[i], &header, &stores) && all_stored;
    }
    struct error error;
    if (stores.count > 0
        && kv_set(options->kv, stores.items, stores.count, &error) != RESULT_OK) {
        all_stored = false;
        log_event(LOG_DEBUG_LEVEL, "redis-store-failed", "error", error.text, NULL);
    }
    reader->report.stored = reader->report.stored && all_stored;
    for (size_t i = 0; i < stores.count; i++) {
        buffer_free(&stores.encoded[i]);
    }
}

static enum result load_missing(struct cache_reader *reader, struct fetch *fetch,
                                struct cache_fill *fills, cache_loader *load, void *context,
                                struct error *error)
{
    const struct cache_load job = {
        .db = reader->cache->options.db,
        .profile = &reader->state.profile,
        .items = fetch->items,
        .wanted = fetch->wanted,
        .items_count = fetch->items_count,
        .deadline_us = reader->request.deadline_us,
    };
    int64_t began_us = clock_mono_us();
    enum result result = load(context, &job, fills, error);
    reader->report.loaded_us += clock_mono_us() - began_us;
    for (size_t i = 0; i < fetch->items_count && result == RESULT_OK; i++) {
        result = buffer_result(&fills[i].payload);
    }
    if (result != RESULT_OK) {
        note_outcome(&reader->report, CACHE_ERROR);
        return result;
    }
    store(reader, fetch, fills);
    for (size_t i = 0; i < fetch->items_count; i++) {
        if (fetch->wanted[i]) {
            fetch->values[i] = buffer_slice(&fills[i].payload);
        }
    }
    return RESULT_OK;
}

enum result cache_fetch(struct cache_reader *reader, const struct cache_item *items,
                        size_t items_count, bool together, cache_loader *load, void *context,
                        struct slice *values, struct error *error)
{
    assert(items_count <= CACHE_ITEMS_MAX && reader->fetches_count < FETCHES_MAX);
    struct fetch fetch = {.items = items, .items_count = items_count, .values = values};
    struct cache_fill *fills = arena_alloc(reader->request.arena, items_count * sizeof *fills);
    if (fills == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "cache", "out of memory");
    }
    enum result result = format_keys(reader, &fetch, error);
    if (result == RESULT_OK) {
        result = ask(reader, &fetch, error);
    }
    reader->gets[reader->fetches_count] = fetch.get;
    reader->fills[reader->fetches_count] = fills;
    reader->fills_counts[reader->fetches_count] = items_count;
    reader->fetches_count++;
    if (result == RESULT_OK) {
        look_up_all(reader, &fetch, together);
    }
    if (result == RESULT_OK && fetch.wanted_count > 0) {
        result = load_missing(reader, &fetch, fills, load, context, error);
    }
    return result;
}

void cache_reader_report(const struct cache_reader *reader, struct cache_report *report)
{
    *report = reader->report;
}

void cache_count(struct cache *cache, enum cache_view view, enum cache_outcome outcome)
{
    cache_metrics_count(cache->options.metrics, view, outcome);
}

void cache_totals(const struct cache *cache, struct cache_totals *totals)
{
    cache_metrics_read(cache->options.metrics, totals);
}

void cache_memory(struct cache *cache, struct cache_memory *memory)
{
    struct kv_memory redis;
    struct error error;
    *memory = (struct cache_memory){0};
    if (kv_memory(cache->options.kv, &redis, &error) == RESULT_OK) {
        *memory = (struct cache_memory){true, redis.used_bytes, redis.max_bytes, redis.evicted};
    }
}
