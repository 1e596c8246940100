/*
 * What Redis tells of itself (INFO), and whether it is set up as a cache ought to be. Private to
 * redis/.
 */
#ifndef REFRAIN_REDIS_INFO_H
#define REFRAIN_REDIS_INFO_H

#include "base/result.h"
#include "base/slice.h"
#include "redis/kv.h"

#include <stdbool.h>

struct kv_info {
    char version[24]; /* empty: not told */
    char role[16];
    char policy[24]; /* of eviction */
    char run_id[48];  /* of the server process */
    char history[48]; /* of its data */
    struct kv_memory memory;
};

/* Reads the fields that the text of INFO holds; the others stay. */
void kv_info_read(struct slice text, struct kv_info *info);

/* RESULT_UNAVAILABLE, with what would be right, for a Redis that is too old, or a replica. What is
 * not known is taken for fine. */
enum result kv_info_check(const struct kv_info *info, struct error *error) MUST_CHECK;

/* What is wrong with how its memory is set up. */
enum kv_advice {
    KV_ADVICE_NONE,
    KV_ADVICE_LIMIT,     /* maxmemory */
    KV_ADVICE_POLICY,    /* maxmemory-policy */
    KV_ADVICE_FORBIDDEN, /* INFO is */
};
enum kv_advice kv_info_advice(const struct kv_info *info);
/* One warning that names cause and cure; `cause` is Redis' text for KV_ADVICE_FORBIDDEN. */
void kv_info_warn(enum kv_advice advice, const struct kv_info *info, const char *cause);

#endif
