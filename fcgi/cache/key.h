/*
 * The names under which values lie in Redis. All keys of a user share one hash tag, so that they lie
 * on one slot of a cluster; the URL alone names them, no look-up precedes.
 */
#ifndef REFRAIN_CACHE_KEY_H
#define REFRAIN_CACHE_KEY_H

#include "base/buffer.h"
#include "base/slice.h"

enum { CACHE_BUCKETS = 256, CACHE_USER_HEX = 32, CACHE_KEY_MAX = 128 };

/* Whose values: one hash of the folded name, the same in sql/functions (user_bucket). */
struct cache_subject {
    int bucket;
    char hash[CACHE_USER_HEX + 1];
};
void cache_subject_of(struct slice folded_name, struct cache_subject *subject);

/* What a value is. `kind` and `window` are words of a closed set: letters, digits and _-@. */
struct cache_name {
    const char *service; /* "stats", "history" */
    const char *kind;    /* "artists" */
    const char *window;  /* "all_time", "week@2026-11-16" */
    int chunk;
};

/* Writes rf<format>:{bucket}d:<user>:<service>:<kind>:<window>:<chunk> and gives its length. */
size_t cache_key_format(const struct cache_subject *subject, const struct cache_name *name,
                        char key[CACHE_KEY_MAX]);

#endif
