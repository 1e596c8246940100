#include "command/command.h"

#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "command/stores.h"
#include "db/migrate.h"
#include "http/server.h"
#include "listen/known.h"
#include "service/service.h"
#include "view/readers.h"

#include <pthread.h>
#include <signal.h>

static const int64_t start_max_us = 10000000;

/* Everything that serve holds, torn down in one place. */
struct parts {
    struct cache_metrics *metrics;
    struct stores stores;
    struct cache_slots *slots;
    struct vigil *vigil; /* NULL: nothing is kept in the process */
    struct cache *cache;
    struct readers *readers;
    struct known *known;
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
    const struct stores_options options = {
        .config = config,
        .metrics = parts->metrics,
        .db_pool = (int)config_number(config, CONFIG_DATABASE_POOL),
        .db_statement_timeout_ms =
            (int)config_number(config, CONFIG_DATABASE_STATEMENT_TIMEOUT_MS),
        .kv_pool = (int)config_number(config, CONFIG_REDIS_POOL),
        .kv_timeout_ms = (int)config_number(config, CONFIG_REDIS_TIMEOUT_MS),
    };
    result = stores_open(&options, &parts->stores, error);
    return result == RESULT_OK
               ? db_check_schema(parts->stores.db, clock_mono_us() + start_max_us, error)
               : result;
}

static enum result open_vigil(const struct config *config, struct parts *parts,
                              struct error *error)
{
    enum result result =
        slots_open(config_text(config, CONFIG_PATHS_RUNTIME), &parts->slots, error);
    if (result != RESULT_OK || config_number(config, CONFIG_CACHE_L1_BYTES) == 0) {
        return result;
    }
    const struct vigil_options vigil = {
        .redis_url = config_text(config, CONFIG_REDIS_URL),
        .timeout_ms = (int)config_number(config, CONFIG_REDIS_TIMEOUT_MS),
        .slots = parts->slots,
        .metrics = parts->metrics,
    };
    return vigil_start(&vigil, &parts->vigil, error);
}

static enum result open_cache(const struct config *config, struct parts *parts,
                              struct error *error)
{
    size_t connections = (size_t)config_number(config, CONFIG_DATABASE_POOL);
    size_t threads = (size_t)config_number(config, CONFIG_HTTP_THREADS);
    struct cache_options options =
        stores_cache_options(&parts->stores, config, parts->metrics);
    /* One connection is left for looking up versions, submissions and notes of who is read. */
    options.loads_max = connections > 1 ? connections - 1 : 1;
    /* What need not be waited for must find a thread. */
    options.loads_waiting_max = threads / 2 + 1;
    options.sharers_max = threads / 4 + 1;
    options.l1_bytes_max = (size_t)config_number(config, CONFIG_CACHE_L1_BYTES);
    options.vigil = parts->vigil;
    options.slots = parts->slots;
    parts->cache = cache_create(&options);
    return parts->cache == NULL ? error_set(error, RESULT_NO_MEMORY, "serve", "out of memory")
                                : RESULT_OK;
}

static enum result open_known(struct parts *parts, struct error *error)
{
    parts->known = known_create();
    return parts->known == NULL ? error_set(error, RESULT_NO_MEMORY, "serve", "out of memory")
                                : RESULT_OK;
}

static enum result serve(const struct config *config, struct parts *parts, struct error *error)
{
    struct service service = {
        .cache = parts->cache,
        .db = parts->stores.db,
        .readers = parts->readers,
        .known = parts->known,
        .open_on_loopback = config_yes(config, CONFIG_MONITORING_OPEN_ON_LOOPBACK),
    };
    const struct http_server_options options = {
        .socket_path = config_text(config, CONFIG_HTTP_SOCKET),
        .threads = (int)config_number(config, CONFIG_HTTP_THREADS),
        .transfers_max = (int)config_number(config, CONFIG_HTTP_TRANSFERS),
        .body_max_bytes = (size_t)config_number(config, CONFIG_HTTP_BODY_MAX_BYTES),
        .upload_max_bytes = SERVICE_UPLOAD_MAX_BYTES,
        .request_max_us = config_number(config, CONFIG_HTTP_REQUEST_MAX_MS) * 1000,
        .stall_max_us = config_number(config, CONFIG_HTTP_STALL_MAX_MS) * 1000,
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

/* The threads that are started here leave the signals to the server. */
static void block_signals(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
}

static enum result open_parts(const struct config *config, struct parts *parts,
                              struct error *error)
{
    enum result result = open_stores(config, parts, error);
    block_signals();
    if (result == RESULT_OK) {
        result = open_vigil(config, parts, error);
    }
    if (result == RESULT_OK) {
        result = open_cache(config, parts, error);
    }
    if (result == RESULT_OK) {
        result = readers_start(parts->stores.db, config_number(config, CONFIG_WARM_ACTIVE_S),
                               &parts->readers, error);
    }
    return result == RESULT_OK ? open_known(parts, error) : result;
}

static void close_parts(struct parts *parts)
{
    http_server_destroy(&parts->server);
    known_destroy(&parts->known);
    readers_stop(&parts->readers);
    cache_destroy(&parts->cache);
    vigil_stop(&parts->vigil);
    slots_close(&parts->slots);
    stores_close(&parts->stores);
    cache_metrics_close(&parts->metrics);
}

int command_serve(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "serve takes no argument '%s'", argv[1]);
    }
    struct parts parts = {0};
    struct error error;
    enum result result = open_parts(context->config, &parts, &error);
    if (result == RESULT_OK) {
        result = serve(context->config, &parts, &error);
    }
    close_parts(&parts);
    if (result != RESULT_OK) {
        log_error("serve-failed", result, &error);
        return command_fail(&error);
    }
    log_event(LOG_INFO_LEVEL, "stopped", NULL);
    return COMMAND_OK;
}
