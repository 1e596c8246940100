#include "service/exposition.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A row of a table of cache/metrics.h; the first of a metric has the help. */
struct row {
    const char *metric, *label, *help;
};

#define ROW(name, metric, label, help, ...) {metric, label, help},
static const struct row counters[] = {CACHE_COUNTERS(ROW)};
static const struct row times[] = {CACHE_TIMES(ROW)};
static const struct row levels[] = {CACHE_LEVELS(ROW)};
#undef ROW

static const enum cache_level_kind level_kinds[] = {
#define ROW(name, metric, label, help, kind) CACHE_LEVEL_KIND_##kind,
    CACHE_LEVELS(ROW)
#undef ROW
};

static const char *const server_names[] = {
    [CACHE_SERVER_REDIS] = "redis",
    [CACHE_SERVER_POSTGRESQL] = "postgresql",
};

#define AT(member) offsetof(struct cache_server_total, member)
/* The same of each server. */
static const struct server_row {
    const char *metric, *type, *help;
    const char *label; /* beside the server's */
    size_t at;
} server_rows[] = {
    {"refrain_server_connections", "gauge", "Open connections.", ",state=\"idle\"",
     AT(connections)}, /* less those that are lent */
    {"refrain_server_connections", "", "", ",state=\"lent\"", AT(lent)},
    {"refrain_server_waiting", "gauge", "Threads that wait for a connection.", "", AT(waiting)},
    {"refrain_server_breaker_processes", "gauge", "Processes, by the state of their breaker.",
     ",state=\"closed\"", AT(breakers[BREAKER_CLOSED])},
    {"refrain_server_breaker_processes", "", "", ",state=\"half_open\"",
     AT(breakers[BREAKER_HALF_OPEN])},
    {"refrain_server_breaker_processes", "", "", ",state=\"open\"", AT(breakers[BREAKER_OPEN])},
    {"refrain_server_connects_total", "counter", "Tries to connect.", ",result=\"ok\"",
     AT(connected)},
    {"refrain_server_connects_total", "", "", ",result=\"failed\"", AT(connects_failed)},
    {"refrain_server_calls_failed_total", "counter",
     "Calls without an answer in time, or on a connection that broke.", "", AT(calls_failed)},
    {"refrain_server_breaker_opened_total", "counter", "How often a breaker has opened.", "",
     AT(breaker_opened)},
};
#undef AT

static void write_head(struct buffer *body, const char *metric, const char *type, const char *help)
{
    if (help[0] != '\0') {
        buffer_append_format(body, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
    }
}

/* The name, with its labels if there are any, and the blank before the value. */
static void write_name(struct buffer *body, const char *metric, const char *label)
{
    if (label[0] != '\0') {
        buffer_append_format(body, "%s{%s} ", metric, label);
    } else {
        buffer_append_format(body, "%s ", metric);
    }
}

static void write_sample(struct buffer *body, const char *metric, const char *label,
                         uint64_t value)
{
    write_name(body, metric, label);
    buffer_append_format(body, "%" PRIu64 "\n", value);
}

static void write_seconds(struct buffer *body, const char *metric, const char *label, uint64_t us)
{
    write_name(body, metric, label);
    buffer_append_format(body, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

static void write_requests(struct buffer *body, const struct cache_totals *totals)
{
    static const char metric[] = "refrain_cache_requests_total";
    write_head(body, metric, "counter", "Cached reads, by what became of them.");
    for (int view = 0; view < CACHE_VIEWS_COUNT; view++) {
        for (int outcome = 0; outcome < CACHE_OUTCOMES_COUNT; outcome++) {
            char label[128];
            snprintf(label, sizeof label, "view=\"%s\",outcome=\"%s\"",
                     cache_view_name((enum cache_view)view),
                     cache_outcome_name((enum cache_outcome)outcome));
            write_sample(body, metric, label, totals->counts[view][outcome]);
        }
    }
}

static void write_counters(struct buffer *body, const struct cache_totals *totals)
{
    for (int i = 0; i < CACHE_COUNTERS_COUNT; i++) {
        write_head(body, counters[i].metric, "counter", counters[i].help);
        write_sample(body, counters[i].metric, counters[i].label, totals->counters[i]);
    }
}

/* Buckets are told as sums: each counts what the ones before it do. */
static void write_histogram(struct buffer *body, const struct row *row,
                            const struct cache_time_total *total)
{
    char metric[128];
    char label[128];
    uint64_t count = 0;
    const char *comma = row->label[0] != '\0' ? "," : "";
    snprintf(metric, sizeof metric, "%s_bucket", row->metric);
    for (int i = 0; i <= CACHE_TIME_BOUNDS; i++) {
        char bound[32] = "+Inf";
        if (i < CACHE_TIME_BOUNDS) {
            snprintf(bound, sizeof bound, "%g", (double)cache_time_bounds_us[i] / 1e6);
        }
        snprintf(label, sizeof label, "%s%sle=\"%s\"", row->label, comma, bound);
        count += total->counts[i];
        write_sample(body, metric, label, count);
    }
    snprintf(metric, sizeof metric, "%s_sum", row->metric);
    write_seconds(body, metric, row->label, total->sum_us);
    snprintf(metric, sizeof metric, "%s_count", row->metric);
    write_sample(body, metric, row->label, count);
}

static void write_times(struct buffer *body, const struct cache_totals *totals)
{
    for (int i = 0; i < CACHE_TIMES_COUNT; i++) {
        write_head(body, times[i].metric, "histogram", times[i].help);
        write_histogram(body, &times[i], &totals->times[i]);
    }
}

static void write_levels(struct buffer *body, const struct cache_totals *totals)
{
    for (int i = 0; i < CACHE_LEVELS_COUNT; i++) {
        write_head(body, levels[i].metric, "gauge", levels[i].help);
        if (level_kinds[i] == CACHE_LEVEL_KIND_AGE_US) {
            write_seconds(body, levels[i].metric, levels[i].label, totals->levels[i]);
        } else {
            write_sample(body, levels[i].metric, levels[i].label, totals->levels[i]);
        }
    }
}

static uint64_t value_of(const struct cache_server_total *server, const struct server_row *row)
{
    uint64_t value;
    memcpy(&value, (const char *)server + row->at, sizeof value);
    return value;
}

static void write_servers(struct buffer *body, const struct cache_totals *totals)
{
    struct cache_server_total servers[CACHE_SERVERS_COUNT];
    memcpy(servers, totals->servers, sizeof servers);
    for (int i = 0; i < CACHE_SERVERS_COUNT; i++) {
        /* The two were not read at one instant. */
        uint64_t lent = servers[i].lent;
        servers[i].connections -= lent < servers[i].connections ? lent : servers[i].connections;
    }
    for (size_t i = 0; i < sizeof server_rows / sizeof *server_rows; i++) {
        const struct server_row *row = &server_rows[i];
        write_head(body, row->metric, row->type, row->help);
        for (int server = 0; server < CACHE_SERVERS_COUNT; server++) {
            char label[128];
            snprintf(label, sizeof label, "server=\"%s\"%s", server_names[server], row->label);
            write_sample(body, row->metric, label, value_of(&servers[server], row));
        }
    }
}

static void write_single(struct buffer *body, const char *metric, const char *type,
                         const char *help, int64_t value)
{
    write_head(body, metric, type, help);
    write_sample(body, metric, "", value > 0 ? (uint64_t)value : 0);
}

static void write_redis(struct buffer *body, const struct cache_memory *memory)
{
    write_single(body, "refrain_cache_buckets", "gauge", "Buckets that users are spread over.",
                 CACHE_BUCKETS);
    write_single(body, "refrain_cache_heartbeat_live_buckets", "gauge",
                 "Buckets that a relay vouches for; 0 while Redis does not answer.",
                 memory->live_buckets);
    write_single(body, "refrain_redis_up", "gauge", "Whether Redis answers.", memory->is_up);
    if (!memory->is_up) {
        return;
    }
    write_single(body, "refrain_redis_memory_used_bytes", "gauge", "Memory that Redis uses.",
                 memory->used_bytes);
    write_single(body, "refrain_redis_memory_max_bytes", "gauge",
                 "Memory that Redis may use; 0: any.", memory->max_bytes);
    write_single(body, "refrain_redis_memory_fragmentation_bytes", "gauge",
                 "Memory that Redis holds and cannot use.", memory->fragmentation_bytes);
    write_single(body, "refrain_redis_evicted_keys_total", "counter",
                 "Keys that Redis has removed to make room.", memory->evicted);
    write_single(body, "refrain_redis_policy_fits", "gauge",
                 "Whether Redis has a limit, and then evicts what is read least.",
                 memory->policy_fits);
}

void exposition_write(struct buffer *body, const struct cache_totals *totals,
                      const struct cache_memory *memory)
{
    write_requests(body, totals);
    write_counters(body, totals);
    write_times(body, totals);
    write_levels(body, totals);
    write_servers(body, totals);
    write_redis(body, memory);
}
