/*
 * How many loads may run at a time, and how many may wait for their turn: what comes in addition is
 * turned away at once, so that a cold cache cannot bury PostgreSQL.
 */
#ifndef REFRAIN_CACHE_GATE_H
#define REFRAIN_CACHE_GATE_H

#include "base/result.h"

#include <stddef.h>
#include <stdint.h>

struct gate;

/* NULL where memory is short. */
struct gate *gate_create(size_t inside_max, size_t waiting_max);
void gate_destroy(struct gate **gate);

/* First come, first served. RESULT_UNAVAILABLE where too many wait already, or at the deadline; else
 * gate_leave() must follow. */
enum result gate_enter(struct gate *gate, int64_t deadline_us, struct error *error) MUST_CHECK;
void gate_leave(struct gate *gate);

#endif
