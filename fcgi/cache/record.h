/*
 * The small texts that the protocol keeps in Redis: who vouches for a bucket, and what is known of a
 * user's versions. They are text because scripts read them too.
 */
#ifndef REFRAIN_CACHE_RECORD_H
#define REFRAIN_CACHE_RECORD_H

#include "base/slice.h"
#include "cache/codec.h"

#include <stdbool.h>
#include <stdint.h>

enum { CACHE_NONCE_SIZE = 33, CACHE_RECORD_MAX = 160 };

/* A new random nonce: 32 hexadecimal digits. */
void cache_make_nonce(char nonce[CACHE_NONCE_SIZE]);

/* "L <nonce> <epoch> <time> <people> <catalogue> <model>": live. "B <nonce>": a relay is taking the
 * bucket over, and nobody vouches for it yet. */
struct cache_heartbeat {
    int64_t epoch;
    int64_t polled_at_us; /* the database's time of the round */
    int64_t people;
    int64_t catalogue;
    int64_t model;
};
/* False for anything but a live heartbeat. */
bool cache_heartbeat_parse(struct slice text, struct cache_heartbeat *heartbeat);

/* "L<nonce>": a lease; "<epoch> <live> <past> <auth>": the newest versions known. */
enum cache_mark_kind { CACHE_MARK_ABSENT, CACHE_MARK_LEASE, CACHE_MARK_NUMBER, CACHE_MARK_FOREIGN };
struct cache_mark {
    enum cache_mark_kind kind;
    struct slice nonce; /* of a lease; points into the text */
    int64_t epoch, live, past, auth;
};
void cache_mark_parse(struct slice text, struct cache_mark *mark);

#endif
