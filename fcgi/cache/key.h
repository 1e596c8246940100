/*
 * The names of everything in Redis (docs/cache-keys.md). All keys of a user share one hash tag, so
 * that they lie on one slot of a cluster; the URL alone names them, no look-up precedes.
 */
#ifndef REFRAIN_CACHE_KEY_H
#define REFRAIN_CACHE_KEY_H

#include "base/buffer.h"
#include "base/secret.h"
#include "base/slice.h"

enum { CACHE_BUCKETS = 256, CACHE_USER_HEX = 32, CACHE_KEY_MAX = 128 };

/* Values that one fetch may ask for. */
enum { CACHE_ITEMS_MAX = 40 };

/* Users are told apart by so many numbers where events are counted. */
enum { CACHE_SLOTS = 65536 };

/* Changes only with the protocol: part of the keys that several releases share. */
enum { CACHE_PROTOCOL = 1 };

/* Whose data: one hash of the folded name, the same in sql/functions (user_subject). */
struct cache_subject {
    int bucket;
    uint16_t index; /* of CACHE_SLOTS: the first 16 bits of the hash; some users share one */
    char hash[CACHE_USER_HEX + 1];
};
void cache_subject_of(struct slice folded_name, struct cache_subject *subject);
/* From the hash alone, in hexadecimal digits. False if it is none. */
bool cache_subject_parse(struct slice hash, struct cache_subject *subject) MUST_CHECK;

/* What a value is. `kind` and `window` are words of a closed set: letters, digits and _-@. */
struct cache_name {
    const char *service; /* "stats", "history" */
    const char *kind;    /* "artists" */
    const char *window;  /* "all_time", "week@2026-11-16" */
    int chunk;
};

/* Each writes a key and gives its length. */
size_t cache_key_heartbeat(int bucket, char key[CACHE_KEY_MAX]);
size_t cache_key_position(int bucket, char key[CACHE_KEY_MAX]);
size_t cache_key_version(const struct cache_subject *subject, char key[CACHE_KEY_MAX]);
/* What these keys begin with, and no others. */
#define CACHE_VERSION_PREFIX "rf1v:"
/* Back from such a key. False if it is none. */
bool cache_key_version_parse(struct slice key, struct cache_subject *subject) MUST_CHECK;
size_t cache_key_lock(const struct cache_subject *subject, const struct cache_name *name,
                      char key[CACHE_KEY_MAX]);
size_t cache_key_value(const struct cache_subject *subject, const struct cache_name *name,
                       char key[CACHE_KEY_MAX]);
size_t cache_key_profile(const struct cache_subject *subject, char key[CACHE_KEY_MAX]);
size_t cache_key_token(const unsigned char hash[SECRET_HASH_SIZE], char key[CACHE_KEY_MAX]);

#endif
