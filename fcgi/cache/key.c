#include "cache/key.h"

#include "cache/codec.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void cache_subject_of(struct slice folded_name, struct cache_subject *subject)
{
    unsigned char hash[SHA256_SIZE];
    secret_sha256(folded_name, hash);
    static_assert(CACHE_BUCKETS == 256, "the bucket is the first byte");
    subject->bucket = hash[0];
    text_format_hex(hash, CACHE_USER_HEX / 2, subject->hash);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cache_subject_parse(struct slice hash, struct cache_subject *subject)
{
    if (hash.size_bytes != CACHE_USER_HEX) {
        return false;
    }
    for (size_t i = 0; i < CACHE_USER_HEX; i++) {
        if (hex_digit(hash.data[i]) < 0) {
            return false;
        }
        subject->hash[i] = hash.data[i];
    }
    subject->hash[CACHE_USER_HEX] = '\0';
    subject->bucket = hex_digit(hash.data[0]) * 16 + hex_digit(hash.data[1]);
    return true;
}

static size_t PRINTF_LIKE(2, 3) format(char key[CACHE_KEY_MAX], const char *pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    int size = vsnprintf(key, CACHE_KEY_MAX, pattern, arguments);
    va_end(arguments);
    assert(size > 0 && size < CACHE_KEY_MAX);
    return (size_t)size;
}

size_t cache_key_heartbeat(int bucket, char key[CACHE_KEY_MAX])
{
    return format(key, "rf%d:{%d}hb", CACHE_PROTOCOL, bucket);
}

size_t cache_key_position(int bucket, char key[CACHE_KEY_MAX])
{
    return format(key, "rf%d:{%d}pos", CACHE_PROTOCOL, bucket);
}

size_t cache_key_version(const struct cache_subject *subject, char key[CACHE_KEY_MAX])
{
    return format(key, "rf%dv:{%d}%s", CACHE_PROTOCOL, subject->bucket, subject->hash);
}

size_t cache_key_lock(const struct cache_subject *subject, const struct cache_name *name,
                      char key[CACHE_KEY_MAX])
{
    return format(key, "rf%d:{%d}k:%s:%s:%s:%s:%d", CACHE_PROTOCOL, subject->bucket,
                  subject->hash, name->service, name->kind, name->window, name->chunk);
}

size_t cache_key_value(const struct cache_subject *subject, const struct cache_name *name,
                       char key[CACHE_KEY_MAX])
{
    return format(key, "rf%d:{%d}d:%s:%s:%s:%s:%d", CACHE_FORMAT, subject->bucket, subject->hash,
                  name->service, name->kind, name->window, name->chunk);
}

size_t cache_key_profile(const struct cache_subject *subject, char key[CACHE_KEY_MAX])
{
    return format(key, "rf%d:{%d}u:%s", CACHE_FORMAT, subject->bucket, subject->hash);
}

size_t cache_key_token(const unsigned char hash[SECRET_HASH_SIZE], char key[CACHE_KEY_MAX])
{
    char hex[2 * SECRET_HASH_SIZE + 1];
    text_format_hex(hash, SECRET_HASH_SIZE, hex);
    return format(key, "rf%d:{%d}t:%s", CACHE_FORMAT, hash[0], hex);
}
