#include "cache/key.h"

#include "base/secret.h"
#include "cache/codec.h"

#include <assert.h>
#include <stdio.h>

void cache_subject_of(struct slice folded_name, struct cache_subject *subject)
{
    unsigned char hash[SHA256_SIZE];
    secret_sha256(folded_name, hash);
    static_assert(CACHE_BUCKETS == 256, "the bucket is the first byte");
    subject->bucket = hash[0];
    text_format_hex(hash, CACHE_USER_HEX / 2, subject->hash);
}

size_t cache_key_format(const struct cache_subject *subject, const struct cache_name *name,
                        char key[CACHE_KEY_MAX])
{
    int size = snprintf(key, CACHE_KEY_MAX, "rf%d:{%d}d:%s:%s:%s:%s:%d", CACHE_FORMAT,
                        subject->bucket, subject->hash, name->service, name->kind, name->window,
                        name->chunk);
    assert(size > 0 && size < CACHE_KEY_MAX);
    return (size_t)size;
}
