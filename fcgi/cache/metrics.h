/*
 * What became of every cached read, counted once each. The counters of all processes of a host lie
 * in one mapped file, a slot a process, so that any of them can tell the sum; a slot that a process
 * left behind is continued by the next one, so the sums never go back.
 */
#ifndef REFRAIN_CACHE_METRICS_H
#define REFRAIN_CACHE_METRICS_H

#include "base/result.h"

#include <stdint.h>

/* One row an outcome: name, the class that the hit rate counts it in. */
#define CACHE_OUTCOMES(ROW)                                                                        \
    ROW(HIT_VALIDATED, "hit_validated", HIT)   /* its version was read from the database */        \
    ROW(MISS_ABSENT, "miss_absent", MISS)      /* not there, or not readable */                    \
    ROW(MISS_VERSION, "miss_version", MISS)    /* there, but older than the data */                \
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
    ROW(STATS_RECORDINGS, "stats_recordings")

enum cache_view {
#define ROW(name, text) CACHE_VIEW_##name,
    CACHE_VIEWS(ROW)
#undef ROW
        CACHE_VIEWS_COUNT
};

struct cache_metrics;

/* Maps the file (made where it is missing, or of another layout) in an existing folder and takes a
 * slot. RESULT_UNAVAILABLE where the folder can't be written or all slots are in use. */
enum result cache_metrics_open(const char *folder, struct cache_metrics **metrics,
                               struct error *error) MUST_CHECK;
void cache_metrics_close(struct cache_metrics **metrics);

/* Safe from any thread. */
void cache_metrics_count(struct cache_metrics *metrics, enum cache_view view,
                         enum cache_outcome outcome);

struct cache_totals {
    uint64_t counts[CACHE_VIEWS_COUNT][CACHE_OUTCOMES_COUNT];
};
/* The sums over all processes of the host, past and present. */
void cache_metrics_read(const struct cache_metrics *metrics, struct cache_totals *totals);

enum cache_class { CACHE_CLASS_HIT, CACHE_CLASS_MISS, CACHE_CLASS_BYPASS, CACHE_CLASS_NEITHER };
enum cache_class cache_outcome_class(enum cache_outcome outcome);
const char *cache_outcome_name(enum cache_outcome outcome);
const char *cache_view_name(enum cache_view view);

#endif
