/*
 * Hashes: quick ones for tables, checksums and ids.
 */
#ifndef REFRAIN_BASE_HASH_H
#define REFRAIN_BASE_HASH_H

#include "base/slice.h"

#include <stdint.h>

/* XXH3, 64 bits. */
uint64_t hash_64(struct slice bytes);

/* Of two hashes, in this order. */
uint64_t hash_pair(uint64_t first, uint64_t second);

/* The UUIDv8 made of the XXH3 128-bit hash (canonical byte order) of `bytes`: the same everywhere
 * and for ever, because ids are stored. */
void hash_uuid(struct slice bytes, unsigned char uuid[16]);

#endif
