/*
 * What the database knows, private to the relay: all changes since a position, in one snapshot
 * (sql/functions/relay.sql).
 */
#ifndef REFRAIN_CACHE_RELAY_POLL_H
#define REFRAIN_CACHE_RELAY_POLL_H

#include "cache/key.h"
#include "db/db.h"

#include <stdbool.h>

/* The newest versions of a user who has changed. */
struct relay_change {
    struct cache_subject subject;
    struct slice live, past, auth; /* decimal numbers */
};

enum { RELAY_GENERATIONS_MAX = 96 };

/* Texts belong to it. */
struct relay_poll {
    struct db_rows *rows; /* private, as are the two that follow */
    size_t *order;
    size_t first[CACHE_BUCKETS + 1];
    bool is_continued; /* false: nobody knows what has changed since that position */
    bool is_foreign;   /* for it belongs to another history of the database */
    struct slice position;
    int64_t oldest_age_us; /* of the oldest change; 0: there is none */
    struct slice epochs[CACHE_BUCKETS];
    char generations[RELAY_GENERATIONS_MAX]; /* a heartbeat's words after the epoch */
};

/* A position is what an earlier poll gave; empty: none, and nothing has changed since. Whatever comes
 * of it, relay_poll_free() may follow, and must after RESULT_OK. */
enum result relay_poll_run(struct db *db, struct slice position, int64_t deadline_us,
                           struct relay_poll *poll, struct error *error) MUST_CHECK;
void relay_poll_free(struct relay_poll *poll);

/* The changes of a bucket have the numbers from that of relay_poll_first() to before that of the
 * next bucket; relay_poll_first(poll, CACHE_BUCKETS) is how many there are in all. */
size_t relay_poll_first(const struct relay_poll *poll, int bucket);
void relay_poll_change(const struct relay_poll *poll, size_t at, struct relay_change *change);

/* Makes all values of these buckets invalid. */
enum result relay_raise_epochs(struct db *db, const bool buckets[CACHE_BUCKETS],
                               const char *reason, int64_t deadline_us,
                               struct error *error) MUST_CHECK;

#endif
