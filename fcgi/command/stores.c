#include "command/stores.h"

#include "cache/scripts.h"

static struct server_stats *stats_of(const struct stores_options *options,
                                     enum cache_server server)
{
    return options->metrics == NULL ? NULL : cache_metrics_server(options->metrics, server);
}

enum result stores_open(const struct stores_options *options, struct stores *stores,
                        struct error *error)
{
    const struct db_options db = {
        .url = config_text(options->config, CONFIG_DATABASE_URL),
        .pool_size = options->db_pool,
        .statement_timeout_ms = options->db_statement_timeout_ms,
        .stats = stats_of(options, CACHE_SERVER_POSTGRESQL),
    };
    const struct kv_options kv = {
        .url = config_text(options->config, CONFIG_REDIS_URL),
        .pool_size = options->kv_pool,
        .timeout_ms = options->kv_timeout_ms,
        .scripts = cache_scripts,
        .scripts_count = cache_scripts_count,
        .stats = stats_of(options, CACHE_SERVER_REDIS),
    };
    *stores = (struct stores){NULL, NULL};
    enum result result = db_open(&db, &stores->db, error);
    return result == RESULT_OK ? kv_open(&kv, &stores->kv, error) : result;
}

void stores_close(struct stores *stores)
{
    kv_close(&stores->kv);
    db_close(&stores->db);
}

struct cache_options stores_cache_options(const struct stores *stores,
                                          const struct config *config,
                                          struct cache_metrics *metrics)
{
    return (struct cache_options){
        .kv = stores->kv,
        .db = stores->db,
        .metrics = metrics,
        .value_max_bytes = (size_t)config_number(config, CONFIG_CACHE_VALUE_MAX_BYTES),
        .ttl_open_s = config_number(config, CONFIG_CACHE_TTL_OPEN_S),
        .ttl_closed_s = config_number(config, CONFIG_CACHE_TTL_CLOSED_S),
    };
}
