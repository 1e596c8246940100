/*
 * Telling Redis and the processes of this host of a change, for programs that write to the database
 * beside `serve`.
 */
#ifndef REFRAIN_CACHE_TELL_H
#define REFRAIN_CACHE_TELL_H

#include "cache/slots.h"
#include "db/db.h"
#include "redis/kv.h"

/* Tells of the newest versions of whoever has, or had, this folded name (terminated); to be called
 * when the change has been committed. `slots` may be NULL: nobody serves here. That it fails is no
 * error: the relay tells Redis too. */
void cache_tell(struct kv *kv, struct cache_slots *slots, struct db *db, struct slice folded_name,
                int64_t deadline_us);

#endif
