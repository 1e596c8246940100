/*
 * Redis as a store of values under keys that may go away at any time. Every wait is bounded; a
 * failure means "not cached", never a wrong value.
 */
#ifndef REFRAIN_REDIS_KV_H
#define REFRAIN_REDIS_KV_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct kv;
struct kv_get;

struct kv_options {
    const char *url; /* unix:///PATH or redis://[USER:PASSWORD@]HOST[:PORT] */
    int pool_size;
    int timeout_ms; /* of one command, from sending it to its whole answer */
};

/* Opens no connection yet. RESULT_INVALID names what is wrong with the URL. */
enum result kv_open(const struct kv_options *options, struct kv **kv,
                    struct error *error) MUST_CHECK;
void kv_close(struct kv **kv);

enum { KV_KEYS_MAX = 32 };

/* Asks for several keys (KV_KEYS_MAX at most) in one round trip: begin sends, and the caller may do
 * other things before finish waits for the answer, for timeout_ms. RESULT_UNAVAILABLE and *get NULL
 * where Redis does not answer: at once while a recent try has failed. */
enum result kv_get_begin(struct kv *kv, const struct slice *keys, size_t keys_count,
                         struct kv_get **get, struct error *error) MUST_CHECK;
enum result kv_get_finish(struct kv_get *get, struct error *error) MUST_CHECK;
/* After a successful finish: the bytes, valid until kv_get_free(); false for a key that is absent
 * or holds something else than a string. */
bool kv_get_value(const struct kv_get *get, size_t index, struct slice *value);
/* Ends a get at whatever stage. */
void kv_get_free(struct kv_get **get);

struct kv_item {
    struct slice key;
    struct slice value;
    int64_t ttl_ms;
};
/* Stores several values in one round trip. What was stored before a failure stays. */
enum result kv_set(struct kv *kv, const struct kv_item *items, size_t items_count,
                   struct error *error) MUST_CHECK;

struct kv_memory {
    int64_t used_bytes;
    int64_t max_bytes; /* 0: no limit */
    int64_t evicted;   /* keys, since Redis started */
};
/* What Redis says of its memory. */
enum result kv_memory(struct kv *kv, struct kv_memory *memory, struct error *error) MUST_CHECK;

#endif
