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

/* RESULT_NOT_FOUND: no such user. Texts lie in the request's arena. */
enum result cache_state_read(struct db *db, const struct cache_request *request,
                             struct cache_state *state, struct error *error) MUST_CHECK;

#endif
