/*
 * What the cache does, counted. The counters of all processes of a host lie in one mapped file, a
 * slot a process, so that any of them can tell the sum; a slot that a process left behind is
 * continued by the next one, so the sums never go back. What tells of now counts only while its
 * process lives.
 */
#ifndef REFRAIN_CACHE_METRICS_H
#define REFRAIN_CACHE_METRICS_H

#include "base/result.h"
#include "base/server_stats.h"

#include <stdint.h>

/* What became of a cached read. One row an outcome: name, the class that the hit rate counts it in.
 * Of several, the last of the table is told: it is ordered from best to worst. */
#define CACHE_OUTCOMES(ROW)                                                                        \
    ROW(HIT_L1, "hit_l1", HIT)                 /* in the process itself */                         \
    ROW(HIT, "hit", HIT)                       /* its version is vouched for in Redis */           \
    ROW(HIT_VALIDATED, "hit_validated", HIT)   /* its version was read from the database */        \
    ROW(HIT_304, "hit_304", HIT)               /* and the client had it already */                 \
    ROW(UNVERIFIED, "unverified", HIT)         /* as far as is known: the database is away */      \
    ROW(MISS_ABSENT, "miss_absent", MISS)      /* not there, not readable, or too old */           \
    ROW(MISS_VERSION, "miss_version", MISS)    /* there, but older than the data */                \
    ROW(MISS_LEASE, "miss_lease", MISS)        /* there, but nobody knows how old the data are */  \
    ROW(BYPASS_BREAKER, "bypass_breaker", BYPASS) /* Redis does not answer */                      \
    ROW(ERROR, "error", NEITHER)               /* no answer could be given */

enum cache_outcome {
#define ROW(name, ...) CACHE_##name,
    CACHE_OUTCOMES(ROW)
#undef ROW
        CACHE_OUTCOMES_COUNT
};

/* One row a view: the unit by which reads are counted and told apart. */
#define CACHE_VIEWS(ROW)                                                                           \
    ROW(HISTORY_LISTENS, "history_listens")                                                        \
    ROW(HISTORY_COUNT, "history_count")                                                            \
    ROW(STATS_ARTISTS, "stats_artists")                                                            \
    ROW(STATS_RELEASES, "stats_releases")                                                          \
    ROW(STATS_RELEASE_GROUPS, "stats_release_groups")                                              \
    ROW(STATS_RECORDINGS, "stats_recordings")                                                      \
    ROW(STATS_LISTENING_ACTIVITY, "stats_listening_activity")                                      \
    ROW(STATS_DAILY_ACTIVITY, "stats_daily_activity")                                              \
    ROW(STATS_ARTIST_ACTIVITY, "stats_artist_activity")                                            \
    ROW(STATS_ARTIST_EVOLUTION, "stats_artist_evolution")                                          \
    ROW(STATS_GENRE_ACTIVITY, "stats_genre_activity")                                              \
    ROW(STATS_SUMMARY, "stats_summary")                                                            \
    ROW(STATS_CUSTOM, "stats_custom")                                                              \
    ROW(STATS_SESSIONS, "stats_sessions")                                                          \
    ROW(STATS_STREAKS, "stats_streaks")                                                            \
    ROW(STATS_DISCOVERIES, "stats_discoveries")                                                    \
    ROW(STATS_CHANGES, "stats_changes")                                                            \
    ROW(STATS_ON_THIS_DAY, "stats_on_this_day")                                                    \
    ROW(STATS_SITE, "stats_site")                                                                  \
    ROW(TOP_GENRES, "top_genres")                                                                  \
    ROW(TOP_ARTISTS, "top_artists")                                                                \
    ROW(TOP_TRACKS, "top_tracks")

enum cache_view {
#define ROW(name, text) CACHE_VIEW_##name,
    CACHE_VIEWS(ROW)
#undef ROW
        CACHE_VIEWS_COUNT
};

/* One row a counter: name in C, metric, its label (or ""), what the metric tells. Rows of one metric
 * stand together. */
#define CACHE_COUNTERS(ROW)                                                                        \
    ROW(IDENTITY_PROFILE_HIT, "refrain_identity_requests_total",                                   \
        "kind=\"profile\",outcome=\"hit\"", "Looked up: whose data, and who asks.")                \
    ROW(IDENTITY_PROFILE_MISS, "refrain_identity_requests_total",                                  \
        "kind=\"profile\",outcome=\"miss\"", "")                                                   \
    ROW(IDENTITY_PROFILE_UNVERIFIED, "refrain_identity_requests_total",                            \
        "kind=\"profile\",outcome=\"unverified\"", "")                                             \
    ROW(IDENTITY_TOKEN_HIT, "refrain_identity_requests_total", "kind=\"token\",outcome=\"hit\"",   \
        "")                                                                                        \
    ROW(IDENTITY_TOKEN_MISS, "refrain_identity_requests_total", "kind=\"token\",outcome=\"miss\"", \
        "")                                                                                        \
    ROW(IDENTITY_TOKEN_UNVERIFIED, "refrain_identity_requests_total",                              \
        "kind=\"token\",outcome=\"unverified\"", "")                                               \
    ROW(FILL_STORED, "refrain_cache_fills_total", "result=\"stored\"",                             \
        "Values computed, by what became of them.")                                                \
    ROW(FILL_REFUSED_VERSION, "refrain_cache_fills_total", "result=\"refused_version\"", "")       \
    ROW(FILL_REFUSED_LEASE, "refrain_cache_fills_total", "result=\"refused_lease\"", "")           \
    ROW(FILL_UNCACHED, "refrain_cache_fills_total", "result=\"uncached\"", "")                     \
    ROW(FILL_FAILED, "refrain_cache_fills_total", "result=\"failed\"", "")                         \
    ROW(FLIGHT_SHARED, "refrain_cache_flights_shared_total", "",                                   \
        "Misses answered by what another request of the process has computed.")                    \
    ROW(LOCK_SHARED, "refrain_cache_lock_waits_total", "result=\"shared\"",                        \
        "Misses that waited for another process, by what came of it.")                             \
    ROW(LOCK_EXPIRED, "refrain_cache_lock_waits_total", "result=\"expired\"", "")                  \
    ROW(LOADS_SHED, "refrain_cache_loads_shed_total", "",                                          \
        "Misses turned away because too many others were being computed.")                         \
    ROW(SQL_SAVED, "refrain_cache_sql_saved_total", "",                                            \
        "Values served without computing them.")                                                   \
    ROW(STATE_READS, "refrain_cache_state_reads_total", "",                                        \
        "Versions read from the database by key.")                                                 \
    ROW(WARM_HIT, "refrain_cache_warm_requests_total", "outcome=\"hit\"",                           \
        "Users whose pages were looked up ahead of their readers, by what became of it.")          \
    ROW(WARM_FILLED, "refrain_cache_warm_requests_total", "outcome=\"filled\"", "")                \
    ROW(WARM_FAILED, "refrain_cache_warm_requests_total", "outcome=\"failed\"", "")                \
    ROW(WARM_PAUSES, "refrain_cache_warm_pauses_total", "",                                        \
        "Pauses of computing ahead, because a server was slow or away.")                           \
    ROW(WARM_DROPPED, "refrain_cache_warm_dropped_total", "",                                      \
        "Changes that nothing was computed for: too many, or the database did not answer.")        \
    ROW(PHANTOMS, "refrain_cache_phantom_versions_total", "",                                      \
        "Versions in Redis that the database does not know, removed.")                             \
    ROW(UNREADABLE, "refrain_cache_unreadable_total", "",                                          \
        "Keys in Redis that hold something else than they should.")                                \
    ROW(APPLY_WRITER_OK, "refrain_cache_applies_total", "by=\"writer\",result=\"ok\"",             \
        "Changes told to Redis.")                                                                  \
    ROW(APPLY_WRITER_FAILED, "refrain_cache_applies_total", "by=\"writer\",result=\"failed\"", "") \
    ROW(APPLY_RELAY_OK, "refrain_cache_applies_total", "by=\"relay\",result=\"ok\"", "")           \
    ROW(APPLY_RELAY_FAILED, "refrain_cache_applies_total", "by=\"relay\",result=\"failed\"", "")   \
    ROW(ROUND_OK, "refrain_cache_relay_rounds_total", "result=\"ok\"", "Rounds of the relay.")     \
    ROW(ROUND_REFUSED, "refrain_cache_relay_rounds_total", "result=\"refused\"", "")               \
    ROW(ROUND_FAILED, "refrain_cache_relay_rounds_total", "result=\"failed\"", "")                 \
    ROW(ROUND_STANDBY, "refrain_cache_relay_rounds_total", "result=\"standby\"", "")               \
    ROW(TAKEOVERS, "refrain_cache_relay_takeovers_total", "",                                      \
        "Buckets that a relay has begun to vouch for.")                                            \
    ROW(EPOCHS_POSITION, "refrain_cache_epoch_raises_total", "reason=\"position\"",                \
        "Buckets whose values were all made invalid.")                                             \
    ROW(EPOCHS_HISTORY, "refrain_cache_epoch_raises_total", "reason=\"history\"", "")            \
    ROW(EPOCHS_CHANGES, "refrain_cache_epoch_raises_total", "reason=\"changes\"", "")             \
    ROW(L1_PUSHES, "refrain_cache_l1_pushes_total", "",                                            \
        "Changed versions that Redis has told processes of; a flush counts as one.")           \
    ROW(L1_TRUST_LOSSES, "refrain_cache_l1_trust_losses_total", "",                                \
        "Processes that could no longer watch Redis and stopped using what they hold.")

enum cache_counter {
#define ROW(name, ...) CACHE_COUNT_##name,
    CACHE_COUNTERS(ROW)
#undef ROW
        CACHE_COUNTERS_COUNT
};

/* Durations, of which a histogram is kept: name in C, metric, label (or ""), what it tells. */
#define CACHE_TIMES(ROW)                                                                           \
    ROW(FILL, "refrain_cache_fill_duration_seconds", "", "Computing what a miss lacks.")           \
    ROW(LOCK_WAIT, "refrain_cache_lock_wait_seconds", "", "Waiting for another process to fill.")  \
    ROW(REDIS_READ, "refrain_cache_redis_duration_seconds", "op=\"read\"", "Round trips to Redis.") \
    ROW(REDIS_ACQUIRE, "refrain_cache_redis_duration_seconds", "op=\"acquire\"", "")               \
    ROW(REDIS_STORE, "refrain_cache_redis_duration_seconds", "op=\"store\"", "")                   \
    ROW(REDIS_APPLY, "refrain_cache_redis_duration_seconds", "op=\"apply\"", "")                   \
    ROW(REDIS_ROUND, "refrain_cache_redis_duration_seconds", "op=\"round\"", "")                   \
    ROW(ROUND, "refrain_cache_relay_round_duration_seconds", "", "A whole round of the relay.")

enum cache_time {
#define ROW(name, ...) CACHE_TIME_##name,
    CACHE_TIMES(ROW)
#undef ROW
        CACHE_TIMES_COUNT
};

/* What is so now, over the processes that live: name in C, metric, label, what it tells, and how
 * processes are put together: COUNT: the sum; AGE_US: the greatest, in µs, told in seconds. */
#define CACHE_LEVELS(ROW)                                                                          \
    ROW(L1_ENTRIES, "refrain_cache_l1_entries", "", "Entries of L1, values and versions.", COUNT)  \
    ROW(L1_BYTES, "refrain_cache_l1_bytes", "", "Memory that L1 takes.", COUNT)                    \
    ROW(RELAY_BUCKETS, "refrain_cache_relay_buckets", "", "Buckets that relays of this host hold.", \
        COUNT)                                                                                     \
    ROW(RELAY_PENDING_US, "refrain_cache_relay_oldest_pending_seconds", "",                        \
        "Age of the oldest change that the last round found; 0: none.", AGE_US)                    \
    ROW(L1_TRUSTED_BUCKETS, "refrain_cache_l1_trusted_buckets", "",                                \
        "Buckets of which processes may use what they hold; of each process up to 256.", COUNT)

enum cache_level_kind { CACHE_LEVEL_KIND_COUNT, CACHE_LEVEL_KIND_AGE_US };

enum cache_level {
#define ROW(name, ...) CACHE_LEVEL_##name,
    CACHE_LEVELS(ROW)
#undef ROW
        CACHE_LEVELS_COUNT
};

enum cache_server { CACHE_SERVER_REDIS, CACHE_SERVER_POSTGRESQL, CACHE_SERVERS_COUNT };

struct cache_metrics;

/* Maps the file (made where it is missing, or of another layout) in an existing folder and takes a
 * slot. RESULT_UNAVAILABLE where the folder can't be written or all slots are in use. */
enum result cache_metrics_open(const char *folder, struct cache_metrics **metrics,
                               struct error *error) MUST_CHECK;
void cache_metrics_close(struct cache_metrics **metrics);

/* All of these are safe from any thread, and take a few nanoseconds. */
void cache_metrics_count(struct cache_metrics *metrics, enum cache_view view,
                         enum cache_outcome outcome);
void cache_metrics_add(struct cache_metrics *metrics, enum cache_counter counter, uint64_t count);
void cache_metrics_time(struct cache_metrics *metrics, enum cache_time time, int64_t duration_us);
void cache_metrics_set(struct cache_metrics *metrics, enum cache_level level, uint64_t value);

/* Where this process's connections to a server are counted. */
struct server_stats *cache_metrics_server(struct cache_metrics *metrics, enum cache_server server);

enum { CACHE_TIME_BOUNDS = 16 };
/* Upper bounds of the histograms, in µs, rising. */
extern const int64_t cache_time_bounds_us[CACHE_TIME_BOUNDS];

struct cache_time_total {
    uint64_t counts[CACHE_TIME_BOUNDS + 1]; /* the last is for what exceeds all bounds */
    uint64_t sum_us;
};
struct cache_server_total {
    uint64_t connections, lent, waiting;
    uint64_t breakers[3]; /* processes, by enum breaker_state */
    uint64_t connected, connects_failed, calls_failed, breaker_opened;
};
struct cache_totals {
    uint64_t counts[CACHE_VIEWS_COUNT][CACHE_OUTCOMES_COUNT];
    uint64_t counters[CACHE_COUNTERS_COUNT];
    struct cache_time_total times[CACHE_TIMES_COUNT];
    uint64_t levels[CACHE_LEVELS_COUNT];
    struct cache_server_total servers[CACHE_SERVERS_COUNT];
};
/* The sums over all processes of the host: of counters past and present ones, of levels and of the
 * state of connections present ones. */
void cache_metrics_read(const struct cache_metrics *metrics, struct cache_totals *totals);

enum cache_class { CACHE_CLASS_HIT, CACHE_CLASS_MISS, CACHE_CLASS_BYPASS, CACHE_CLASS_NEITHER };
enum cache_class cache_outcome_class(enum cache_outcome outcome);
const char *cache_outcome_name(enum cache_outcome outcome);
const char *cache_view_name(enum cache_view view);

#endif
