/*
 * The one way to a usable connection to Redis. Private to redis/.
 */
#ifndef REFRAIN_REDIS_SETUP_H
#define REFRAIN_REDIS_SETUP_H

#include "redis/conn.h"
#include "redis/info.h"

struct kv_setup {
    struct kv_address address;
    const struct kv_script *const *scripts;
    size_t scripts_count;
    const char *name; /* of the connection, in Redis' list of clients */
    bool is_quiet;    /* somebody else of this process warns of how Redis is set up */
    _Atomic int advice; /* that the log has been given last, enum kv_advice */
};

/* Connects, gives name and password, checks which Redis this is and of what kind, loads the
 * scripts: one round trip after connecting. RESULT_UNAVAILABLE with Redis' words where it does not
 * want us. */
enum result kv_set_up(struct kv_setup *setup, int64_t deadline_us, struct kv_conn **conn,
                      struct error *error) MUST_CHECK;

/* Warns of how its memory is set up, once until that changes; `refusal` is Redis' text where INFO
 * is forbidden, else NULL. */
void kv_advise(struct kv_setup *setup, const struct kv_info *info, const char *refusal);

#endif
