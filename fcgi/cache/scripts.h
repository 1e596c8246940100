/*
 * The steps of the protocol that must be one step for Redis. Each is a file in scripts/, whose head
 * tells keys, arguments and answer.
 */
#ifndef REFRAIN_CACHE_SCRIPTS_H
#define REFRAIN_CACHE_SCRIPTS_H

#include "redis/kv.h"

extern const struct kv_script cache_script_acquire;
extern const struct kv_script cache_script_store;
extern const struct kv_script cache_script_apply;
extern const struct kv_script cache_script_discard;
extern const struct kv_script cache_script_mark;
extern const struct kv_script cache_script_beat;

/* All of them, for kv_open(). */
extern const struct kv_script *const cache_scripts[];
extern const size_t cache_scripts_count;

#endif
