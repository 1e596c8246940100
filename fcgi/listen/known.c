#include "listen/known.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

enum { slots_count = 64 * 1024 };

struct known {
    /* Each stands at its lowest bits. Zero is an empty slot, and so a hash that is never known. */
    _Atomic uint64_t slots[slots_count];
};

struct known *known_create(void)
{
    return calloc(1, sizeof(struct known));
}

void known_destroy(struct known **known)
{
    free(*known);
    *known = NULL;
}

bool known_has(const struct known *known, uint64_t hash)
{
    return hash != 0
           && atomic_load_explicit(&known->slots[hash % slots_count], memory_order_relaxed) == hash;
}

void known_note(struct known *known, uint64_t hash)
{
    atomic_store_explicit(&known->slots[hash % slots_count], hash, memory_order_relaxed);
}
