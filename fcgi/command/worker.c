#include "worker/worker.h"

#include "base/log.h"
#include "cache/scripts.h"
#include "command/command.h"

/* A poll takes a millisecond. A database or Redis that needs so much longer does not keep up with
 * the heartbeats. */
enum { POLL_MAX_MS = 2000, ROUND_TRIP_MAX_MS = 250 };

/* What the relay holds beside the command's own connections. */
struct parts {
    struct cache_metrics *metrics;
    struct db *db;
    struct kv *kv;
    struct relay *relay;
};

static enum result open_parts(const struct config *config, struct parts *parts,
                              struct error *error)
{
    enum result result =
        cache_metrics_open(config_text(config, CONFIG_PATHS_RUNTIME), &parts->metrics, error);
    if (result != RESULT_OK) {
        return result;
    }
    const struct db_options db = {
        .url = config_text(config, CONFIG_DATABASE_URL),
        .pool_size = 1,
        .statement_timeout_ms = POLL_MAX_MS,
        .stats = cache_metrics_server(parts->metrics, CACHE_SERVER_POSTGRESQL),
    };
    const struct kv_options kv = {
        .url = config_text(config, CONFIG_REDIS_URL),
        .pool_size = 1,
        .timeout_ms = ROUND_TRIP_MAX_MS,
        .scripts = cache_scripts,
        .scripts_count = cache_scripts_count,
        .stats = cache_metrics_server(parts->metrics, CACHE_SERVER_REDIS),
    };
    result = db_open(&db, &parts->db, error);
    if (result == RESULT_OK) {
        result = kv_open(&kv, &parts->kv, error);
    }
    if (result == RESULT_OK) {
        const struct relay_options relay = {parts->kv, parts->db, parts->metrics};
        parts->relay = relay_create(&relay);
        result = parts->relay == NULL
                     ? error_set(error, RESULT_NO_MEMORY, "worker", "out of memory")
                     : RESULT_OK;
    }
    return result;
}

static void close_parts(struct parts *parts)
{
    relay_destroy(&parts->relay);
    kv_close(&parts->kv);
    db_close(&parts->db);
    cache_metrics_close(&parts->metrics);
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
        result = worker_run(context->db, parts.relay, &error);
    }
    close_parts(&parts);
    if (result != RESULT_OK) {
        log_error("worker-failed", result, &error);
        return command_fail(&error);
    }
    return COMMAND_OK;
}
