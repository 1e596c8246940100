/*
 * Whether what this process knows of a user is still so. One thread has Redis tell it of every
 * change of versions and looks at the heartbeats; whoever keeps what he has read notes a sighting
 * before he reads, and may use it for as long as the vigil vouches for that.
 */
#ifndef REFRAIN_CACHE_VIGIL_H
#define REFRAIN_CACHE_VIGIL_H

#include "cache/metrics.h"
#include "cache/slots.h"

#include <stdbool.h>

struct vigil;

struct vigil_options {
    const char *redis_url;
    int timeout_ms;                  /* of one command */
    const struct cache_slots *slots; /* these two outlive the vigil */
    struct cache_metrics *metrics;
};

/* Starts the thread, which takes the signal mask of the caller; Redis may be away. RESULT_INVALID
 * names what is wrong with the URL. */
enum result vigil_start(const struct vigil_options *options, struct vigil **vigil,
                        struct error *error) MUST_CHECK;
/* Waits for what the thread is at: some tenths of a second. */
void vigil_stop(struct vigil **vigil);

/* The three are safe from any thread, and cost a few loads. */

/* What to note before Redis is asked for a user's versions: a number that changes with every event
 * that may have made them outdated. It counts events, and says nothing else. */
uint64_t vigil_sighting(const struct vigil *vigil, const struct cache_subject *subject);

/* Whether what vigil_node() answered after `sighting` was noted is still so, at now_us
 * (clock_boot_us(), read after the request came): what it does not show is younger than twice the life
 * of a heartbeat, and nothing that a process of this host wrote and acknowledged. */
bool vigil_vouches(const struct vigil *vigil, const struct cache_subject *subject,
                   uint64_t sighting, int64_t now_us);

/* Which server is watched, as of kv_node(); to be asked after the answer. 0: none, and then no
 * versions may be kept: not even those of a server which is 0 itself. */
uint64_t vigil_node(const struct vigil *vigil);

/* The round (the database's time) of the bucket's heartbeat as it was last looked at; to be asked
 * after the answer as well: the versions that came with an older heartbeat may not be kept. */
int64_t vigil_round_us(const struct vigil *vigil, const struct cache_subject *subject);

#endif
