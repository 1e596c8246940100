/*
 * Chance, so that those who failed together don't try again together.
 */
#ifndef REFRAIN_BASE_JITTER_H
#define REFRAIN_BASE_JITTER_H

#include <stdint.h>
#include <sys/random.h>

/* From 0 to limit, which must not be negative. A system call. */
static inline int64_t jitter_up_to(int64_t limit)
{
    uint64_t random = 0;
    /* Without chance there is no harm but the one that this is against. */
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) {
        random = 0;
    }
    return (int64_t)(random % ((uint64_t)limit + 1));
}

#endif
