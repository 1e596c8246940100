/*
 * A connection on which Redis tells of every key below a prefix that has changed, expired or been
 * evicted, in the order in which that happened.
 */
#ifndef REFRAIN_REDIS_WATCH_H
#define REFRAIN_REDIS_WATCH_H

#include "base/result.h"
#include "base/slice.h"

#include <stdint.h>

struct kv_watch;

struct kv_watch_options {
    const char *url;    /* as of kv_open() */
    const char *prefix; /* of the keys; outlives the watch */
    /* Called by kv_watch_listen() and kv_watch_settle(). An empty key stands for every key: all
     * were flushed. */
    void (*told)(void *context, struct slice key);
    void *context;
};

/* Connects and asks Redis to tell. What happens to a key after it has returned is told.
 * RESULT_UNAVAILABLE with cause and cure where Redis does not let its user watch. */
enum result kv_watch_open(const struct kv_watch_options *options, int64_t deadline_us,
                          struct kv_watch **watch, struct error *error) MUST_CHECK;
void kv_watch_close(struct kv_watch **watch);

/* Which server process it is, as of kv_node(); 0: it does not say. */
uint64_t kv_watch_node(const struct kv_watch *watch);

/* Hands on what is told until a time. A failure is the end of the watch: it must be closed, and
 * what happened for some time before that may not have been told. Likewise with the next. */
enum result kv_watch_listen(struct kv_watch *watch, int64_t until_us,
                            struct error *error) MUST_CHECK;

/* Hands on everything that happened before any answer that the caller already has from the same
 * server. RESULT_UNAVAILABLE where Redis has not said before the deadline that this is all. */
enum result kv_watch_settle(struct kv_watch *watch, int64_t deadline_us,
                            struct error *error) MUST_CHECK;

#endif
