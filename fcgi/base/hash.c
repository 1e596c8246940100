#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_64(struct slice bytes)
{
    return XXH3_64bits(bytes.data, bytes.size_bytes);
}

uint64_t hash_pair(uint64_t first, uint64_t second)
{
    const uint64_t both[] = {first, second};
    return XXH3_64bits(both, sizeof both);
}

void hash_uuid(struct slice bytes, unsigned char uuid[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data, bytes.size_bytes));
    memcpy(uuid, canonical.digest, sizeof canonical.digest);
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80);
}
