#include "command/command.h"

#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "cache/scripts.h"
#include "db/migrate.h"
#include "http/server.h"
#include "service/service.h"

static const int64_t start_max_us = 10000000;

/* Everything that serve holds, torn down in one place. */
struct parts {
    struct db *db;
    struct kv *kv;
    struct cache_metrics *metrics;
    struct cache *cache;
    struct http_server *server;
};

static enum result open_stores(const struct config *config, struct parts *parts,
                               struct error *error)
{
    enum result result =
        cache_metrics_open(config_text(config, CONFIG_PATHS_RUNTIME), &parts->metrics, error);
    if (result != RESULT_OK) {
        return result;
    }
    const struct db_options db = {
        .stats = cache_metrics_server(parts->metrics, CACHE_SERVER_POSTGRESQL),
        .url = config_text(config, CONFIG_DATABASE_URL),
        .pool_size = (int)config_number(config, CONFIG_DATABASE_POOL),
        .statement_timeout_ms =
            (int)config_number(config, CONFIG_DATABASE_STATEMENT_TIMEOUT_MS),
    };
    const struct kv_options kv = {
        .stats = cache_metrics_server(parts->metrics, CACHE_SERVER_REDIS),
        .scripts = cache_scripts,
        .scripts_count = cache_scripts_count,
        .url = config_text(config, CONFIG_REDIS_URL),
        .pool_size = (int)config_number(config, CONFIG_REDIS_POOL),
        .timeout_ms = (int)config_number(config, CONFIG_REDIS_TIMEOUT_MS),
    };
    result = db_open(&db, &parts->db, error);
    if (result == RESULT_OK) {
        result = db_check_schema(parts->db, clock_mono_us() + start_max_us, error);
    }
    if (result == RESULT_OK) {
        result = kv_open(&kv, &parts->kv, error);
    }
    return result;
}

static enum result open_cache(const struct config *config, struct parts *parts,
                              struct error *error)
{
    size_t connections = (size_t)config_number(config, CONFIG_DATABASE_POOL);
    size_t threads = (size_t)config_number(config, CONFIG_HTTP_THREADS);
    const struct cache_options options = {
        .kv = parts->kv,
        .db = parts->db,
        .metrics = parts->metrics,
        .value_max_bytes = (size_t)config_number(config, CONFIG_CACHE_VALUE_MAX_BYTES),
        .ttl_open_s = config_number(config, CONFIG_CACHE_TTL_OPEN_S),
        .ttl_closed_s = config_number(config, CONFIG_CACHE_TTL_CLOSED_S),
        /* One connection is left for looking up versions and for submissions. */
        .loads_max = connections > 1 ? connections - 1 : 1,
        /* What need not be waited for must find a thread. */
        .loads_waiting_max = threads / 2 + 1,
        .sharers_max = threads / 4 + 1,
    };
    parts->cache = cache_create(&options);
    return parts->cache == NULL ? error_set(error, RESULT_NO_MEMORY, "serve", "out of memory")
                                : RESULT_OK;
}

static enum result serve(const struct config *config, struct parts *parts, struct error *error)
{
    struct service service = {
        .cache = parts->cache,
        .db = parts->db,
        .open_on_loopback = config_yes(config, CONFIG_MONITORING_OPEN_ON_LOOPBACK),
    };
    const struct http_server_options options = {
        .socket_path = config_text(config, CONFIG_HTTP_SOCKET),
        .threads = (int)config_number(config, CONFIG_HTTP_THREADS),
        .body_max_bytes = (size_t)config_number(config, CONFIG_HTTP_BODY_MAX_BYTES),
        .request_max_us = config_number(config, CONFIG_HTTP_REQUEST_MAX_MS) * 1000,
        .routes = service_routes,
        .routes_count = service_routes_count,
        .context = &service,
    };
    enum result result = http_server_create(&options, &parts->server, error);
    if (result == RESULT_OK) {
        result = http_server_run(parts->server, error);
    }
    return result;
}

int command_serve(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "serve takes no argument '%s'", argv[1]);
    }
    struct parts parts = {0};
    struct error error;
    enum result result = open_stores(context->config, &parts, &error);
    if (result == RESULT_OK) {
        result = open_cache(context->config, &parts, &error);
    }
    if (result == RESULT_OK) {
        result = serve(context->config, &parts, &error);
    }
    http_server_destroy(&parts.server);
    cache_destroy(&parts.cache);
    kv_close(&parts.kv);
    db_close(&parts.db);
    cache_metrics_close(&parts.metrics);
    if (result != RESULT_OK) {
        log_error("serve-failed", result, &error);
        return command_fail(&error);
    }
    log_event(LOG_INFO_LEVEL, "stopped", NULL);
    return COMMAND_OK;
}
