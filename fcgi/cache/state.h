/*
 * Who asks, whose data it is, and the versions that are true now: one primary-key read.
 */
#ifndef REFRAIN_CACHE_STATE_H
#define REFRAIN_CACHE_STATE_H

#include "cache/cache.h"

struct cache_state {
    struct cache_profile profile;
    struct cache_versions versions;
};

/* Asks for the state; the answer is fetched by cache_state_finish(), which gives the connection
 * back, whatever comes of it. RESULT_NOT_FOUND: no such user. Texts lie in the request's arena. */
enum result cache_state_begin(struct db *db, const struct cache_request *request,
                              struct db_conn **conn, struct error *error) MUST_CHECK;
enum result cache_state_finish(struct db_conn **conn, const struct cache_request *request,
                               struct cache_state *state, struct error *error) MUST_CHECK;

#endif
