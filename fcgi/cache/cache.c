#include "cache/cache.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "cache/heartbeats.h"
#include "cache/reader.h"

#include <stdlib.h>

static bool state_reaches(const void *state, const void *seen)
{
    (void)state;
    (void)seen;
    return false; /* who asks for a state has seen no versions that count */
}

/* Of those who wait for others when too many do. */
static const int64_t patience_us = 1000000;

static const struct flight_kind state_kind = {state_reaches, free};
static const struct flight_kind filled_kind = {cache_filled_reaches, cache_filled_free};

/* Of the places, what is asked for at anybody's pleasure may take these. */
static size_t ration_of(size_t places)
{
    return places < 4 ? 1 : places / 4;
}

struct cache *cache_create(const struct cache_options *options)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    cache->options = *options;
    cache->steps = (struct cache_steps){options->kv, options->metrics};
    cache->states = flights_create(&state_kind, options->sharers_max, patience_us);
    cache->fills = flights_create(&filled_kind, options->sharers_max, patience_us);
    cache->loads = gate_create(options->loads_max, options->loads_waiting_max);
    cache->rationed = gate_create(ration_of(options->loads_max),
                                  ration_of(options->loads_waiting_max));
    cache->l1 = options->l1_bytes_max > 0 ? l1_create(options->l1_bytes_max) : NULL;
    if (cache->states == NULL || cache->fills == NULL || cache->loads == NULL
        || cache->rationed == NULL
        || (cache->l1 == NULL && options->l1_bytes_max > 0)) {
        cache_destroy(&cache);
    }
    return cache;
}

void cache_destroy(struct cache **cache)
{
    if (*cache == NULL) {
        return;
    }
    flights_destroy(&(*cache)->states);
    flights_destroy(&(*cache)->fills);
    gate_destroy(&(*cache)->rationed);
    gate_destroy(&(*cache)->loads);
    l1_destroy(&(*cache)->l1);
    free(*cache);
    *cache = NULL;
}

struct cache_reader *cache_reader_open(struct cache *cache, const struct cache_request *request)
{
    struct cache_reader *reader = arena_alloc(request->arena, sizeof *reader);
    if (reader != NULL) {
        reader->cache = cache;
        reader->request = *request;
        reader->report =
            (struct cache_report){.outcome = CACHE_HIT_L1, .ttl_s = INT64_MAX, .stored = true};
    }
    return reader;
}

void cache_reader_close(struct cache_reader **reader)
{
    if (*reader == NULL) {
        return;
    }
    for (size_t i = 0; i < (*reader)->fetches_count; i++) {
        kv_free(&(*reader)->batches[i]);
        flight_leave(&(*reader)->flights[i]);
    }
    cache_near_release(*reader);
    *reader = NULL;
}

enum result cache_reader_profile(struct cache_reader *reader,
                                 const struct cache_profile **profile, struct error *error)
{
    enum result result = RESULT_OK;
    if (reader->trust == CACHE_TRUST_NONE) {
        struct cache_fetching nothing;
        nothing.items_count = nothing.parts_count = 0;
        result = cache_ask(reader, &nothing, error);
    }
    *profile = result == RESULT_OK ? &reader->profile : NULL;
    return result;
}

void cache_reader_report(const struct cache_reader *reader, struct cache_report *report)
{
    *report = reader->report;
    report->content_hash = hash_pair(report->content_hash, hash_64(reader->profile.user_name));
}

void cache_apply(struct cache *cache, const struct cache_subject *subject,
                 const struct cache_versions *versions)
{
    failpoint("before_apply");
    cache_apply_versions(&cache->steps, subject, versions);
    failpoint("after_apply");
    if (cache->options.slots != NULL) {
        slots_raise(cache->options.slots, subject);
    }
}

void cache_count(struct cache *cache, enum cache_view view, enum cache_outcome outcome)
{
    cache_metrics_count(cache->options.metrics, view, outcome);
}

void cache_totals(const struct cache *cache, struct cache_totals *totals)
{
    cache_metrics_read(cache->options.metrics, totals);
}

/* For how many buckets a relay vouches now. */
static int count_live_buckets(struct cache *cache)
{
    struct cache_heartbeats heartbeats;
    struct error error;
    enum result result = cache_heartbeats_read(cache->options.kv, &heartbeats, &error);
    return result == RESULT_OK ? heartbeats.live_count : 0;
}

void cache_memory(struct cache *cache, struct cache_memory *memory)
{
    struct kv_memory redis;
    struct error error;
    *memory = (struct cache_memory){.is_up = false};
    if (kv_memory(cache->options.kv, &redis, &error) == RESULT_OK) {
        *memory = (struct cache_memory){
            .is_up = true,
            .policy_fits = redis.policy_fits,
            .used_bytes = redis.used_bytes,
            .max_bytes = redis.max_bytes,
            .fragmentation_bytes = redis.fragmentation_bytes,
            .evicted = redis.evicted,
            .live_buckets = count_live_buckets(cache),
        };
    }
}
