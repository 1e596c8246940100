/*
 * Whose data it is, who asks, and the versions that are true now: one primary-key read of the
 * database.
 */
#ifndef REFRAIN_CACHE_STATE_H
#define REFRAIN_CACHE_STATE_H

#include "cache/codec.h"
#include "cache/identity.h"
#include "db/db.h"

struct cache_state {
    struct cache_profile profile;
    struct cache_subject subject;
    struct cache_versions versions;
    char name[]; /* what profile.user_name points to */
};

/* By folded name (and who the token, which may be NULL, belongs to), or by token alone where the
 * name is empty: then the viewer is the user. RESULT_NOT_FOUND: no such user, or an unknown token.
 * The state is freed with free(). */
enum result cache_state_read(struct db *db, struct slice folded_name,
                             const unsigned char *token_hash, int64_t deadline_us,
                             struct cache_state **state, struct error *error) MUST_CHECK;

#endif
