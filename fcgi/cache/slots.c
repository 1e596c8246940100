/*
 * The file: CACHE_SLOTS counters of 64 bits in the processor's byte order, and nothing else. They
 * only grow, also over restarts of all processes, so a counter that is found as it was has not been
 * raised in between; at a raise a nanosecond it would take centuries to come round.
 *
 * Name and layout are for good, and the file is never replaced or cut: two releases that run side
 * by side must go on sharing it, and a process that had mapped the old one would never hear of
 * another write. That is why a file of a wrong size is an error, and why there is no head that a
 * release could want to change.
 *
 * Order: a writer raises after Redis has answered (or has not), and answers its client after that.
 * A reader that begins after the answer finds the raise: between processes the answer itself,
 * which passes through the kernel, carries the order. The raise releases and the reading acquires,
 * so that neither is moved past what its caller does before and after it.
 */
#include "cache/slots.h"

#include "cache/mapped.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(_Atomic uint64_t) == 8,
              "processes share no lock, and eight bytes a counter");

static const size_t size_bytes = CACHE_SLOTS * sizeof(_Atomic uint64_t);

struct cache_slots {
    _Atomic uint64_t *counters;
};

static enum result map(const char *folder, bool is_others, struct cache_slots **slots,
                       struct error *error)
{
    const struct mapped_file file = {.folder = folder,
                                     .name = "slots",
                                     .size_bytes = size_bytes,
                                     .is_others = is_others};
    *slots = calloc(1, sizeof **slots);
    if (*slots == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "slots", "out of memory");
    }
    int fd;
    void *bytes;
    enum result result = mapped_open(&file, &fd, &bytes, error);
    if (result == RESULT_OK) {
        close(fd);
        (*slots)->counters = bytes;
    } else {
        slots_close(slots);
    }
    return result;
}

enum result slots_open(const char *folder, struct cache_slots **slots, struct error *error)
{
    return map(folder, false, slots, error);
}

enum result slots_join(const char *folder, struct cache_slots **slots, struct error *error)
{
    return map(folder, true, slots, error);
}

void slots_close(struct cache_slots **slots)
{
    if (*slots == NULL) {
        return;
    }
    if ((*slots)->counters != NULL) {
        munmap((*slots)->counters, size_bytes);
    }
    free(*slots);
    *slots = NULL;
}

void slots_raise(struct cache_slots *slots, const struct cache_subject *subject)
{
    _Atomic uint64_t *counter = &slots->counters[subject->index];
    atomic_fetch_add_explicit(counter, 1, memory_order_acq_rel);
}

uint64_t slots_read(const struct cache_slots *slots, const struct cache_subject *subject)
{
    const _Atomic uint64_t *counter = &slots->counters[subject->index];
    return atomic_load_explicit(counter, memory_order_acquire);
}
