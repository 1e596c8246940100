/*
 * What a thread of the warmer does when it has work: asks the database who is worth it, and fetches
 * his pages. Private to the warmer; a loader belongs to one thread.
 */
#ifndef REFRAIN_WORKER_WARM_LOAD_H
#define REFRAIN_WORKER_WARM_LOAD_H

#include "worker/warm.h"

struct warm_loader;

/* NULL where memory is short. The options are copied. */
struct warm_loader *warm_loader_create(const struct warm_options *options);
void warm_loader_destroy(struct warm_loader **loader);

/* Where the last batch of a day's readers ended; all zeros: before the first. */
struct warm_place {
    char read_at[40];
    int64_t user_id;
};

/* Users and the names of their pages: rows of a name in column `name_at` and pages in the next. */
struct warm_users {
    struct db_rows *rows; /* the caller frees them */
    size_t name_at;
};

/* Those of these subjects who have been read of late. */
enum result warm_ask_wanted(struct warm_loader *loader, char hashes[][CACHE_USER_HEX + 1],
                            size_t hashes_count, struct warm_users *users,
                            struct error *error) MUST_CHECK;

/* The next of those who have been read within a day, and moves the place; no row: that was all. */
enum result warm_ask_recent(struct warm_loader *loader, struct warm_place *place,
                            struct warm_users *users, struct error *error) MUST_CHECK;

/* The busiest hour of the day, 0 to 23 in UTC; -1: not known yet. */
enum result warm_ask_peak(struct warm_loader *loader, int64_t *hour,
                          struct error *error) MUST_CHECK;

/* Fetches the pages of the user in a row, and counts that. False if the next one should wait: it
 * took too long, or a server does not answer. */
bool warm_load(struct warm_loader *loader, const struct warm_users *users, size_t row);

#endif
