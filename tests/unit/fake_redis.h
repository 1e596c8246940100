/*
 * A Redis of a few words, for tests: it answers what it is told to, on a free port of this host.
 * What must not fail is asserted.
 */
#ifndef REFRAIN_TESTS_FAKE_REDIS_H
#define REFRAIN_TESTS_FAKE_REDIS_H

#include <stddef.h>

struct fake_redis;

/* What is sent for a command that begins with these words, as they are sent ("INFO memory"). */
struct fake_rule {
    const char *words;
    const char *reply; /* as on the wire; FAKE_SILENT, FAKE_HANGS_UP */
    int times;         /* 0: always */
};
#define FAKE_SILENT ""
#define FAKE_HANGS_UP "hang up"

enum { FAKE_RULES_MAX = 8 };

/* The first rule that fits and is not used up decides, up to one without words. Where none does, it
 * answers like a Redis 7.0.15 that is set up well: AUTH, CLIENT, INFO, SCRIPT, PING; and ECHO with
 * its last word. */
struct fake_redis *fake_redis_start(const struct fake_rule *rules);
void fake_redis_stop(struct fake_redis **fake);

/* For kv_open(); with a name and a password. */
const char *fake_redis_url(const struct fake_redis *fake);

/* Other rules from now on. */
void fake_redis_change(struct fake_redis *fake, const struct fake_rule *rules);

/* How many commands that begin with these words have come. */
int fake_redis_count(struct fake_redis *fake, const char *words);

#endif
