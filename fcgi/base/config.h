/*
 * The configuration: one table of options, an INI file, and the environment over it.
 */
#ifndef REFRAIN_BASE_CONFIG_H
#define REFRAIN_BASE_CONFIG_H

#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

/* One row an option: name in C, section, key, kind, default, smallest and largest number (or the
 * allowed words, parted by blanks), what it is. Texts have no bounds. The environment's name is
 * REFRAIN_SECTION_KEY. A new option is a line here and one in the sample configuration. */
#define CONFIG_OPTIONS(ROW)                                                                        \
    ROW(LOG_LEVEL, "log", "level", WORD, "info", 0, 0, "debug info warn error",                    \
        "what is logged")                                                                          \
    ROW(HTTP_SOCKET, "http", "socket", TEXT, "/run/refrain/serve.sock", 0, 0, "",                  \
        "unix socket on which serve answers nginx")                                                \
    ROW(HTTP_THREADS, "http", "threads", NUMBER, "96", 1, 4096, "",                                \
        "request threads; more than nginx workers x keepalive, + 32")                              \
    ROW(HTTP_TRANSFERS, "http", "transfers", NUMBER, "8", 1, 2048, "",                             \
        "uploads and exports at a time; half of the threads at most")                              \
    ROW(HTTP_BODY_MAX_BYTES, "http", "body_max_bytes", NUMBER, "10300000", 1024, 1073741824, "",   \
        "largest request body that is read")                                                       \
    ROW(HTTP_REQUEST_MAX_MS, "http", "request_max_ms", NUMBER, "10000", 100, 600000, "",           \
        "deadline of one request")                                                                 \
    ROW(HTTP_STALL_MAX_MS, "http", "stall_max_ms", NUMBER, "60000", 100, 600000, "",               \
        "how long who downloads an export may take nothing of it")                                 \
    ROW(DATABASE_URL, "database", "url", TEXT, "postgresql:///refrain", 0, 0, "",                  \
        "PostgreSQL, as libpq writes it")                                                          \
    ROW(DATABASE_POOL, "database", "pool", NUMBER, "8", 1, 1000, "",                               \
        "connections of one process at most; twice the processor's cores")                         \
    ROW(DATABASE_STATEMENT_TIMEOUT_MS, "database", "statement_timeout_ms", NUMBER, "5000", 10,     \
        600000, "", "limit of one statement of a request")                                         \
    ROW(REDIS_URL, "redis", "url", TEXT, "unix:///run/redis/redis.sock", 0, 0, "",                 \
        "unix:///PATH or redis://[USER:PASSWORD@]HOST[:PORT]")                                     \
    ROW(REDIS_POOL, "redis", "pool", NUMBER, "16", 1, 1000, "",                                    \
        "connections of one process at most; who finds none waits")                                \
    ROW(REDIS_TIMEOUT_MS, "redis", "timeout_ms", NUMBER, "50", 1, 10000, "",                       \
        "limit of one command; past it the database answers")                                      \
    ROW(CACHE_VALUE_MAX_BYTES, "cache", "value_max_bytes", NUMBER, "262144", 1024, 67108864, "",   \
        "larger values are not cached")                                                            \
    ROW(CACHE_L1_BYTES, "cache", "l1_bytes", NUMBER, "67108864", 0, 68719476736, "",               \
        "what each serve process may keep in its own memory; 0: nothing")                          \
    ROW(CACHE_TTL_OPEN_S, "cache", "ttl_open_s", NUMBER, "3600", 1, 2592000, "",                   \
        "life of values whose window is still running")                                            \
    ROW(CACHE_TTL_CLOSED_S, "cache", "ttl_closed_s", NUMBER, "86400", 1, 2592000, "",              \
        "life of values whose window is over")                                                     \
    ROW(CATALOGUE_REFRESH_S, "catalogue", "refresh_s", NUMBER, "3600", 1, 86400, "",               \
        "how long others may not see an MBID that has become known")                               \
    ROW(WARM_LOADS, "warm", "loads", NUMBER, "2", 0, 64, "",                                       \
        "users at a time for whom a worker computes pages ahead; 0: none")                         \
    ROW(WARM_DELAY_MS, "warm", "delay_ms", NUMBER, "300", 0, 60000, "",                            \
        "how long after a change, so that several in a row are one")                               \
    ROW(WARM_ACTIVE_S, "warm", "active_s", NUMBER, "900", 1, 86400, "",                            \
        "for so long after somebody has read a user's pages")                                      \
    ROW(WARM_SLOW_MS, "warm", "slow_ms", NUMBER, "250", 1, 60000, "",                              \
        "computing ahead pauses when it takes longer than this")                                   \
    ROW(IMPORT_STEP_ROWS, "import", "step_rows", NUMBER, "50000", 1, 50000, "",                    \
        "rows of a file that are stored in one transaction at most")                               \
    ROW(SITE_REFRESH_S, "site", "refresh_s", NUMBER, "600", 1, 86400, "",                          \
        "how old may be what the statistics of all public users tell")                             \
    ROW(USERS_DEFAULT_VISIBILITY, "users", "default_visibility", WORD, "private", 0, 0,            \
        "private public", "who may see a new user's listens")                                      \
    ROW(MONITORING_OPEN_ON_LOOPBACK, "monitoring", "open_on_loopback", WORD, "no", 0, 0, "no yes", \
        "whether a client on this host may read the cache's figures without being an "             \
        "administrator")                                                                           \
    ROW(PATHS_DATA, "paths", "data", TEXT, REFRAIN_DATADIR, 0, 0, "",                              \
        "folder that holds sql/ and web/")                                                         \
    ROW(PATHS_RUNTIME, "paths", "runtime", TEXT, "/run/refrain", 0, 0, "",                         \
        "folder of the file in which the processes of a host keep their counters")

enum config_option {
#define ROW(name, ...) CONFIG_##name,
    CONFIG_OPTIONS(ROW)
#undef ROW
        CONFIG_COUNT
};

struct config;

/* Reads the defaults, then the file (NULL: the default one, which may be absent), then the
 * environment. RESULT_INVALID names file, line, option and what is allowed; *config is NULL then. */
enum result config_load(const char *path, struct config **config, struct error *error) MUST_CHECK;
void config_destroy(struct config **config);

/* Values live as long as the configuration. Asking for the wrong kind is a programmer's error. */
const char *config_text(const struct config *config, enum config_option option);
int64_t config_number(const struct config *config, enum config_option option);
/* Of an option whose words are no and yes. */
bool config_yes(const struct config *config, enum config_option option);

/* Where the file that was read stands; NULL if there was none. */
const char *config_path(const struct config *config);

/* "section.key", for messages. */
const char *config_name(enum config_option option);

#endif
