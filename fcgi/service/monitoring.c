#include "service/monitoring.h"

#include "base/clock.h"
#include "db/migrate.h"
#include "service/access.h"

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
    struct account account;
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
    write_views(body, &totals);
    buffer_append_format(body,
                         ",\"redis\":{\"up\":%s,\"used_bytes\":%" PRId64 ",\"max_bytes\":%" PRId64
                         ",\"evicted\":%" PRId64 "}}\n",
                         memory.is_up ? "true" : "false", memory.used_bytes, memory.max_bytes,
                         memory.evicted);
    http_header(response, "Cache-Control", "no-store");
}

static void write_requests(struct buffer *body, const struct cache_totals *totals)
{
    buffer_append_text(body, "# HELP refrain_cache_requests_total Cached reads, by what became of "
                             "them.\n# TYPE refrain_cache_requests_total counter\n");
    for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
        for (int outcome = 0; outcome < CACHE_OUTCOMES_COUNT; outcome++) {
            buffer_append_format(
                body,
                "refrain_cache_requests_total{view=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                cache_view_name((enum cache_view)view),
                cache_outcome_name((enum cache_outcome)outcome), totals->counts[view][outcome]);
        }
    }
}

static void write_gauge(struct buffer *body, const char *name, const char *help, int64_t value)
{
    buffer_append_format(body, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 "\n", name, help,
                         name, name, value);
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
    struct buffer *body = &response->body;
    write_requests(body, &totals);
    write_gauge(body, "refrain_redis_up", "Whether Redis answers.", memory.is_up);
    write_gauge(body, "refrain_redis_memory_used_bytes", "Memory that Redis uses.",
                memory.used_bytes);
    write_gauge(body, "refrain_redis_memory_max_bytes", "Memory that Redis may use; 0: any.",
                memory.max_bytes);
    http_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    http_header(response, "Cache-Control", "no-store");
}
