/*
 * A Redis of the test's own, empty, on a socket in a temporary folder. What must not fail is
 * asserted.
 */
#ifndef REFRAIN_TESTS_REAL_REDIS_H
#define REFRAIN_TESTS_REAL_REDIS_H

struct real_redis;

/* NULL where no server is installed. Returns once it answers. It ends with this process. */
struct real_redis *real_redis_start(void);
void real_redis_stop(struct real_redis **redis);

/* For kv_open(). */
const char *real_redis_url(const struct real_redis *redis);

/* Runs a command of words ended by NULL, which Redis must not refuse. The answer, if it is a text,
 * is valid until the next call. */
const char *real_redis_do(struct real_redis *redis, ...) __attribute__((sentinel));

/* SIGSTOP, SIGCONT. */
void real_redis_signal(const struct real_redis *redis, int signal);
/* Ends it; starts it anew, empty, at the same place. */
void real_redis_end(struct real_redis *redis);
void real_redis_begin(struct real_redis *redis);

#endif
