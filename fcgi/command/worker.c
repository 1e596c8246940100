#include "worker/worker.h"

#include "base/log.h"
#include "command/command.h"
#include "command/stores.h"

/* A poll takes a millisecond. A database or Redis that needs so much longer does not keep up with
 * the heartbeats. */
enum { POLL_MAX_MS = 2000, ROUND_TRIP_MAX_MS = 250 };

/* What the relay and the warmer hold beside the command's own connections, each its own: neither
 * waits for the other. */
struct parts {
    struct cache_metrics *metrics;
    struct stores relay_stores;
    struct relay *relay;
    struct stores warm_stores;
    struct cache *cache; /* NULL: nothing is computed ahead */
};

static enum result no_memory(struct error *error)
{
    return error_set(error, RESULT_NO_MEMORY, "worker", "out of memory");
}

static enum result open_relay(const struct config *config, struct parts *parts,
                              struct error *error)
{
    const struct stores_options stores = {
        .config = config,
        .metrics = parts->metrics,
        .db_pool = 1,
        .db_statement_timeout_ms = POLL_MAX_MS,
        .kv_pool = 1,
        .kv_timeout_ms = ROUND_TRIP_MAX_MS,
    };
    enum result result = stores_open(&stores, &parts->relay_stores, error);
    if (result == RESULT_OK) {
        const struct relay_options relay = {parts->relay_stores.kv, parts->relay_stores.db,
                                            parts->metrics};
        parts->relay = relay_create(&relay);
        result = parts->relay == NULL ? no_memory(error) : RESULT_OK;
    }
    return result;
}

static enum result open_cache(const struct config *config, struct parts *parts,
                              struct error *error)
{
    int loads = (int)config_number(config, CONFIG_WARM_LOADS);
    const struct stores_options stores = {
        .config = config,
        .db_pool = loads + 1, /* one for the versions */
        .db_statement_timeout_ms =
            (int)config_number(config, CONFIG_DATABASE_STATEMENT_TIMEOUT_MS),
        .kv_pool = loads,
        .kv_timeout_ms = (int)config_number(config, CONFIG_REDIS_TIMEOUT_MS),
    };
    enum result result = stores_open(&stores, &parts->warm_stores, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct cache_options options =
        stores_cache_options(&parts->warm_stores, config, parts->metrics);
    options.loads_max = options.loads_waiting_max = options.sharers_max = (size_t)loads;
    parts->cache = cache_create(&options);
    return parts->cache == NULL ? no_memory(error) : RESULT_OK;
}

static enum result open_parts(const struct config *config, struct parts *parts,
                              struct error *error)
{
    enum result result =
        cache_metrics_open(config_text(config, CONFIG_PATHS_RUNTIME), &parts->metrics, error);
    if (result == RESULT_OK) {
        result = open_relay(config, parts, error);
    }
    if (result == RESULT_OK && config_number(config, CONFIG_WARM_LOADS) > 0) {
        result = open_cache(config, parts, error);
    }
    return result;
}

static void close_parts(struct parts *parts)
{
    cache_destroy(&parts->cache);
    stores_close(&parts->warm_stores);
    relay_destroy(&parts->relay);
    stores_close(&parts->relay_stores);
    cache_metrics_close(&parts->metrics);
}

static enum result run(const struct command_context *context, const struct parts *parts,
                       struct error *error)
{
    const struct config *config = context->config;
    const struct warm_options warm = {
        .db = parts->warm_stores.db,
        .cache = parts->cache,
        .metrics = parts->metrics,
        .delay_ms = config_number(config, CONFIG_WARM_DELAY_MS),
        .active_s = config_number(config, CONFIG_WARM_ACTIVE_S),
        .loads = (int)config_number(config, CONFIG_WARM_LOADS),
        .slow_ms = config_number(config, CONFIG_WARM_SLOW_MS),
    };
    const struct worker_options options = {
        .db = context->db,
        .relay = parts->relay,
        .warm = parts->cache == NULL ? NULL : &warm,
        .import_step_rows = config_number(config, CONFIG_IMPORT_STEP_ROWS),
        .catalogue_refresh_s = config_number(config, CONFIG_CATALOGUE_REFRESH_S),
        .site_refresh_s = config_number(config, CONFIG_SITE_REFRESH_S),
    };
    return worker_run(&options, error);
}

int command_worker(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "worker takes no argument '%s'", argv[1]);
    }
    struct parts parts = {0};
    struct error error;
    enum result result = open_parts(context->config, &parts, &error);
    if (result == RESULT_OK) {
        result = run(context, &parts, &error);
    }
    close_parts(&parts);
    if (result != RESULT_OK) {
        log_error("worker-failed", result, &error);
        return command_fail(&error);
    }
    return COMMAND_OK;
}
