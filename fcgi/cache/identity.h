/*
 * Cached identities: whose data it is (a user's profile) and who asks (the owner of a token). They
 * are values like others, judged by the user's `auth`: a codec header, then what is written here.
 */
#ifndef REFRAIN_CACHE_IDENTITY_H
#define REFRAIN_CACHE_IDENTITY_H

#include "base/buffer.h"
#include "base/slice.h"
#include "cache/key.h"

#include <stdbool.h>
#include <stdint.h>

/* Whose data it is, and who asks. */
struct cache_profile {
    int64_t user_id;
    struct slice user_name; /* as stored */
    bool is_public;
    int64_t viewer_id; /* 0: nobody, or an unknown token */
    int64_t viewer_scopes;
    bool viewer_is_admin;
};

/* Whom a token belongs to. */
struct cache_account {
    struct cache_subject subject;
    int64_t user_id;
    struct slice user_name; /* as stored */
    int64_t scopes;
    bool is_admin;
};

/* Only what belongs to the user goes into a cached profile. */
void cache_profile_encode(struct buffer *to, const struct cache_profile *profile);
/* False where the bytes are no profile. The viewer is nobody; the name points into `bytes`. */
bool cache_profile_decode(struct slice bytes, struct cache_profile *profile);

void cache_account_encode(struct buffer *to, const struct cache_account *account);
bool cache_account_decode(struct slice bytes, struct cache_account *account);

#endif
