/*
 * The warmer computes ahead what somebody will want: after a change the pages of its user that have
 * been read of late, and, where all values were lost or the busiest hour of the day is near, those
 * of all who have been read within a day. It fills the cache as any reader does, through the same
 * leases, and gives way while the database is slow.
 */
#ifndef REFRAIN_WORKER_WARM_H
#define REFRAIN_WORKER_WARM_H

#include "cache/cache.h"
#include "cache/relay.h"

#include <stdbool.h>

struct warm;

struct warm_options {
    struct db *db;
    struct cache *cache;
    struct cache_metrics *metrics;
    int64_t delay_ms; /* after a change, so that several in a row are one */
    int64_t active_s; /* since a user's pages were last read */
    int loads;        /* at a time; a thread each, 1 to WARM_LOADS_MAX */
    int64_t slow_ms;  /* if a page takes longer than this to load, all pause */
};
enum { WARM_LOADS_MAX = 64 };

/* Starts the threads, and begins with all who have been read within a day. What the options point to
 * must outlive it. The threads take the signal mask of the caller. */
enum result warm_start(const struct warm_options *options, struct warm **warm,
                       struct error *error) MUST_CHECK;
/* Ends them after the user that each is at. NULL is fine. */
void warm_stop(struct warm **warm);

/* A user, by the hash of his subject, has changed. Safe from any thread; waits for nothing. */
void warm_note(struct warm *warm, const char *subject_hash);

/* Pages of all who have been read within a day are wanted, those last read first; where that is
 * being done, it is begun anew. Safe from any thread; waits for nothing. */
void warm_all(struct warm *warm);

/* From now on the relay tells the warmer of changes and losses. Before its first round. */
void warm_listen(struct warm *warm, struct relay *relay);

/* Whether it is one of the last twenty minutes (UTC) before an hour of the day, 0 to 23. */
bool warm_is_soon(int64_t hour, int64_t now_s);

#endif
