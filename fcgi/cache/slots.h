/*
 * What the processes of a host tell each other of writes: 64 Ki counters in one file that all of
 * them map. A writer raises its user's counter before it answers its client; who finds a counter as
 * it was knows of no write by this host since.
 */
#ifndef REFRAIN_CACHE_SLOTS_H
#define REFRAIN_CACHE_SLOTS_H

#include "base/result.h"
#include "cache/key.h"

#include <stdint.h>

struct cache_slots;

/* Maps the file "slots" in an existing folder, and makes it where it is missing. RESULT_UNAVAILABLE
 * with cause and cure where the folder can't be written, or the file is none of ours. */
enum result slots_open(const char *folder, struct cache_slots **slots,
                       struct error *error) MUST_CHECK;
/* The same for who serves nobody, and only tells: RESULT_NOT_FOUND where the file is missing, since
 * then nobody on this host wants to be told. */
enum result slots_join(const char *folder, struct cache_slots **slots,
                       struct error *error) MUST_CHECK;
void slots_close(struct cache_slots **slots);

/* A user's counter is that of its subject's index. Both are safe from any thread, and take a few
 * nanoseconds. */
void slots_raise(struct cache_slots *slots, const struct cache_subject *subject);
uint64_t slots_read(const struct cache_slots *slots, const struct cache_subject *subject);

#endif
