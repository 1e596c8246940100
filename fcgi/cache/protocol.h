/*
 * The times of the protocol. A leased read misses no change that is older than twice the life of a
 * heartbeat, if the clock of Redis is right; the guard against a wrong one is the age of a heartbeat.
 */
#ifndef REFRAIN_CACHE_PROTOCOL_H
#define REFRAIN_CACHE_PROTOCOL_H

/* In milliseconds. */
enum {
    CACHE_HEARTBEAT_MS = 1000,
    CACHE_HEARTBEAT_AGE_MAX_MS = 2500,
    /* No longer than the bound: who joins a lease relies on what was read under it. */
    CACHE_LEASE_MS = 2000,
    CACHE_LOCK_MS = 2000,
    CACHE_LOCK_WAIT_MS = 150,
    CACHE_VERSION_LIFE_MS = 86400000,
    CACHE_OUTAGE_LIFE_MS = 86400000, /* beyond its time a value is kept for an outage */
    /* How often a process looks at the heartbeats for what it holds itself, and for how long a look
     * lets it use that: a few looks may come late. */
    CACHE_LOOK_MS = 100,
    CACHE_LOOK_TRUST_MS = 400,
};

#endif
