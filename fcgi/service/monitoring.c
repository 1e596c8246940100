#include "service/monitoring.h"

#include "base/clock.h"
#include "db/migrate.h"
#include "service/access.h"
#include "service/exposition.h"

#include <inttypes.h>

static const int64_t probe_max_us = 1000000;

void monitoring_get_health(void *context, const struct http_request *request,
                           struct http_response *response)
{
    (void)context;
    (void)request;
    http_header(response, "Cache-Control", "no-store");
    buffer_append_text(&response->body, "{\"status\":\"ok\"}\n");
}

void monitoring_get_readiness(void *context, const struct http_request *request,
                              struct http_response *response)
{
    (void)request;
    const struct service *service = context;
    struct error error;
    struct cache_memory memory;
    bool database =
        db_check_schema(service->db, clock_mono_us() + probe_max_us, &error) == RESULT_OK;
    cache_memory(service->cache, &memory);
    const char *status = !database ? "down" : memory.is_up ? "ok" : "degraded";
    response->status = database ? 200 : 503;
    http_header(response, "Cache-Control", "no-store");
    if (!database) {
        http_header(response, "Retry-After", "5");
    }
    buffer_append_format(&response->body,
                         "{\"status\":\"%s\",\"postgresql\":\"%s\",\"redis\":\"%s\"}\n", status,
                         database ? "up" : "down", memory.is_up ? "up" : "down");
}

static bool is_on_this_host(const struct http_request *request)
{
    return slice_is(request->peer, "127.0.0.1") || slice_is(request->peer, "::1");
}

/* False with the response made an error for those who may not see the figures. */
static bool authorize(const struct service *service, const struct http_request *request,
                      struct http_response *response)
{
    if (service->open_on_loopback && is_on_this_host(request)) {
        return true;
    }
    struct cache_account account;
    struct error error;
    enum result result = account_authorize(service, request, SCOPE_MANAGE, &account, &error);
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
    } else if (!account.is_admin) {
        http_error(response, 403, "Only an administrator may see this.");
    }
    return result == RESULT_OK && account.is_admin;
}

struct sums {
    uint64_t hits, misses, bypasses;
};

static struct sums sum_view(const struct cache_totals *totals, int view)
{
    struct sums sums = {0};
    for (int outcome = 0; outcome < CACHE_OUTCOMES_COUNT; outcome++) {
        uint64_t count = totals->counts[view][outcome];
        switch (cache_outcome_class((enum cache_outcome)outcome)) {
        case CACHE_CLASS_HIT:
            sums.hits += count;
            break;
        case CACHE_CLASS_MISS:
            sums.misses += count;
            break;
        case CACHE_CLASS_BYPASS:
            sums.bypasses += count;
            break;
        case CACHE_CLASS_NEITHER:
            break;
        }
    }
    return sums;
}

/* "hit_rate": … and the counts; the rate is null while nothing has been looked up. */
static void write_sums(struct buffer *body, const struct sums *sums)
{
    uint64_t lookups = sums->hits + sums->misses + sums->bypasses;
    buffer_append_text(body, "\"hit_rate\":");
    if (lookups == 0) {
        buffer_append_text(body, "null");
    } else {
        buffer_append_format(body, "%.6f", (double)sums->hits / (double)lookups);
    }
    buffer_append_format(body,
                         ",\"hits\":%" PRIu64 ",\"misses\":%" PRIu64 ",\"bypasses\":%" PRIu64,
                         sums->hits, sums->misses, sums->bypasses);
}

static void write_views(struct buffer *body, const struct cache_totals *totals)
{
    buffer_append_text(body, ",\"views\":{");
    for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
        struct sums sums = sum_view(totals, view);
        buffer_append_format(body, "%s\"%s\":{", view > 0 ? "," : "",
                             cache_view_name((enum cache_view)view));
        write_sums(body, &sums);
        buffer_append_char(body, '}');
    }
    buffer_append_char(body, '}');
}

static void write_outcomes(struct buffer *body, const struct cache_totals *totals)
{
    buffer_append_text(body, ",\"outcomes\":{");
    for (int outcome = 0; outcome < CACHE_OUTCOMES_COUNT; outcome++) {
        uint64_t count = 0;
        for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
            count += totals->counts[view][outcome];
        }
        buffer_append_format(body, "%s\"%s\":%" PRIu64, outcome > 0 ? "," : "",
                             cache_outcome_name((enum cache_outcome)outcome), count);
    }
    buffer_append_char(body, '}');
}

struct figure {
    const char *name;
    enum cache_counter counter;
};

/* "title":{"name":count,…} */
static void write_figures(struct buffer *body, const struct cache_totals *totals,
                          const char *title, const struct figure *figures, size_t count)
{
    buffer_append_format(body, "\"%s\":{", title);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(body, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", figures[i].name,
                             totals->counters[figures[i].counter]);
    }
    buffer_append_char(body, '}');
}

static void write_work(struct buffer *body, const struct cache_totals *totals)
{
    static const struct figure profile[] = {{"hit", CACHE_COUNT_IDENTITY_PROFILE_HIT},
                                            {"miss", CACHE_COUNT_IDENTITY_PROFILE_MISS},
                                            {"unverified",
                                             CACHE_COUNT_IDENTITY_PROFILE_UNVERIFIED}};
    static const struct figure token[] = {{"hit", CACHE_COUNT_IDENTITY_TOKEN_HIT},
                                          {"miss", CACHE_COUNT_IDENTITY_TOKEN_MISS},
                                          {"unverified", CACHE_COUNT_IDENTITY_TOKEN_UNVERIFIED}};
    static const struct figure fills[] = {{"stored", CACHE_COUNT_FILL_STORED},
                                          {"refused_version", CACHE_COUNT_FILL_REFUSED_VERSION},
                                          {"refused_lease", CACHE_COUNT_FILL_REFUSED_LEASE},
                                          {"uncached", CACHE_COUNT_FILL_UNCACHED},
                                          {"failed", CACHE_COUNT_FILL_FAILED}};
    buffer_append_text(body, ",\"identity\":{");
    write_figures(body, totals, "profile", profile, sizeof profile / sizeof *profile);
    buffer_append_char(body, ',');
    write_figures(body, totals, "token", token, sizeof token / sizeof *token);
    buffer_append_text(body, "},");
    write_figures(body, totals, "fills", fills, sizeof fills / sizeof *fills);
    buffer_append_format(body, ",\"sql_saved\":%" PRIu64,
                         totals->counters[CACHE_COUNT_SQL_SAVED]);
}

/* Estimated as Prometheus does it: spread evenly within a bucket; beyond the last bound, that. */
static double quantile_s(const struct cache_time_total *total, uint64_t count, double share)
{
    double rank = share * (double)count;
    double below = 0;
    int64_t from_us = 0;
    for (int i = 0; i < CACHE_TIME_BOUNDS; i++) {
        int64_t to_us = cache_time_bounds_us[i];
        double inside = (double)total->counts[i];
        if (inside > 0 && below + inside >= rank) {
            return ((double)from_us + (double)(to_us - from_us) * (rank - below) / inside) / 1e6;
        }
        below += inside;
        from_us = to_us;
    }
    return (double)from_us / 1e6;
}

static void write_latency(struct buffer *body, const char *name,
                          const struct cache_time_total *total)
{
    uint64_t count = 0;
    for (int i = 0; i <= CACHE_TIME_BOUNDS; i++) {
        count += total->counts[i];
    }
    buffer_append_format(body, "\"%s\":{\"count\":%" PRIu64, name, count);
    if (count == 0) {
        buffer_append_text(body, ",\"p50_seconds\":null,\"p99_seconds\":null}");
    } else {
        buffer_append_format(body, ",\"p50_seconds\":%.6f,\"p99_seconds\":%.6f}",
                             quantile_s(total, count, 0.5), quantile_s(total, count, 0.99));
    }
}

static void write_latencies(struct buffer *body, const struct cache_totals *totals)
{
    buffer_append_text(body, ",\"latency\":{");
    write_latency(body, "redis_read", &totals->times[CACHE_TIME_REDIS_READ]);
    buffer_append_char(body, ',');
    write_latency(body, "fill", &totals->times[CACHE_TIME_FILL]);
    buffer_append_char(body, ',');
    write_latency(body, "round", &totals->times[CACHE_TIME_ROUND]);
    buffer_append_char(body, '}');
}

static void write_relay(struct buffer *body, const struct cache_totals *totals,
                        const struct cache_memory *memory)
{
    static const struct figure rounds[] = {{"ok", CACHE_COUNT_ROUND_OK},
                                           {"refused", CACHE_COUNT_ROUND_REFUSED},
                                           {"failed", CACHE_COUNT_ROUND_FAILED},
                                           {"standby", CACHE_COUNT_ROUND_STANDBY}};
    buffer_append_format(body,
                         ",\"relay\":{\"live_buckets\":%d,\"buckets\":%d,"
                         "\"pending_seconds\":%.3f,",
                         memory->live_buckets, CACHE_BUCKETS,
                         (double)totals->levels[CACHE_LEVEL_RELAY_PENDING_US] / 1e6);
    write_figures(body, totals, "rounds", rounds, sizeof rounds / sizeof *rounds);
    buffer_append_char(body, '}');
}

static void write_server(struct buffer *body, const char *name,
                         const struct cache_server_total *server)
{
    buffer_append_format(body,
                         "\"%s\":{\"connections\":%" PRIu64 ",\"lent\":%" PRIu64
                         ",\"waiting\":%" PRIu64 ",\"breaker\":{\"closed\":%" PRIu64
                         ",\"half_open\":%" PRIu64 ",\"open\":%" PRIu64 "}}",
                         name, server->connections, server->lent, server->waiting,
                         server->breakers[BREAKER_CLOSED], server->breakers[BREAKER_HALF_OPEN],
                         server->breakers[BREAKER_OPEN]);
}

static void write_servers(struct buffer *body, const struct cache_totals *totals,
                          const struct cache_memory *memory)
{
    buffer_append_text(body, ",\"servers\":{");
    write_server(body, "redis", &totals->servers[CACHE_SERVER_REDIS]);
    buffer_append_char(body, ',');
    write_server(body, "postgresql", &totals->servers[CACHE_SERVER_POSTGRESQL]);
    buffer_append_format(body,
                         "},\"redis\":{\"up\":%s,\"used_bytes\":%" PRId64
                         ",\"max_bytes\":%" PRId64 ",\"fragmentation_bytes\":%" PRId64
                         ",\"evicted\":%" PRId64 ",\"policy_fits\":%s}",
                         memory->is_up ? "true" : "false", memory->used_bytes, memory->max_bytes,
                         memory->fragmentation_bytes, memory->evicted,
                         memory->policy_fits ? "true" : "false");
}

void monitoring_get_cache(void *context, const struct http_request *request,
                          struct http_response *response)
{
    const struct service *service = context;
    if (!authorize(service, request, response)) {
        return;
    }
    struct cache_totals totals;
    struct cache_memory memory;
    struct sums all = {0};
    cache_totals(service->cache, &totals);
    cache_memory(service->cache, &memory);
    for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
        struct sums sums = sum_view(&totals, view);
        all.hits += sums.hits;
        all.misses += sums.misses;
        all.bypasses += sums.bypasses;
    }
    struct buffer *body = &response->body;
    buffer_append_format(body, "{\"now\":%" PRId64 ",", clock_wall_s());
    write_sums(body, &all);
    write_outcomes(body, &totals);
    write_views(body, &totals);
    write_work(body, &totals);
    write_latencies(body, &totals);
    write_relay(body, &totals, &memory);
    write_servers(body, &totals, &memory);
    buffer_append_text(body, "}\n");
    http_header(response, "Cache-Control", "no-store");
}

void monitoring_get_metrics(void *context, const struct http_request *request,
                            struct http_response *response)
{
    (void)request;
    const struct service *service = context;
    struct cache_totals totals;
    struct cache_memory memory;
    cache_totals(service->cache, &totals);
    cache_memory(service->cache, &memory);
    exposition_write(&response->body, &totals, &memory);
    http_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    http_header(response, "Cache-Control", "no-store");
}
