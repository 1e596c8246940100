/*
 * Memory that is freed all at once: what a request needs lives until the request has been answered.
 * Not shared between threads.
 */
#ifndef REFRAIN_BASE_ARENA_H
#define REFRAIN_BASE_ARENA_H

#include "base/slice.h"

#include <stddef.h>

struct arena;

/* NULL where memory is short. The caller owns it. */
struct arena *arena_create(void);
void arena_destroy(struct arena **arena);

/* Forgets everything handed out, and keeps the first block for the next user. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type, valid until reset or destroy; NULL where memory is short. */
void *arena_alloc(struct arena *arena, size_t size_bytes);

/* A terminated copy. NULL where memory is short. */
char *arena_copy(struct arena *arena, struct slice slice);

#endif
