/*
 * What a process tells of its connections to one server. It may lie in memory that other processes
 * read, hence the atomics; only the process that it belongs to writes it.
 */
#ifndef REFRAIN_BASE_SERVER_STATS_H
#define REFRAIN_BASE_SERVER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

struct server_stats {
    /* Of now. */
    _Atomic uint64_t connections; /* open, lent out or not */
    _Atomic uint64_t lent;
    _Atomic uint64_t waiting; /* for a connection */
    _Atomic uint64_t breaker; /* enum breaker_state */
    /* Ever. */
    _Atomic uint64_t connected;
    _Atomic uint64_t connects_failed;
    _Atomic uint64_t calls_failed; /* no answer in time, or a broken connection */
    _Atomic uint64_t breaker_opened;
};

#endif
