/*
 * The connections of a command that runs for long: to PostgreSQL and Redis, as far as they are
 * wanted.
 */
#ifndef REFRAIN_COMMAND_STORES_H
#define REFRAIN_COMMAND_STORES_H

#include "base/config.h"
#include "cache/cache.h"

struct stores {
    struct db *db;
    struct kv *kv; /* with the scripts of the cache */
};

struct stores_options {
    const struct config *config;
    struct cache_metrics *metrics; /* where the connections are counted; NULL: nowhere */
    int db_pool;
    int db_statement_timeout_ms;
    int kv_pool;
    int kv_timeout_ms;
};

/* Opens no connection yet. RESULT_INVALID names what is wrong with an address. What is open then is
 * the caller's, be the result what it may. */
enum result stores_open(const struct stores_options *options, struct stores *stores,
                        struct error *error) MUST_CHECK;
void stores_close(struct stores *stores);

/* A cache over them, as it is configured; the bounds of its loads are left to the caller. */
struct cache_options stores_cache_options(const struct stores *stores,
                                          const struct config *config,
                                          struct cache_metrics *metrics);

#endif
