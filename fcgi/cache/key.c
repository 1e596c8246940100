#include "cache/key.h"

#include "cache/codec.h"

#include <assert.h>

void cache_subject_of(struct slice folded_name, struct cache_subject *subject)
{
    unsigned char hash[SHA256_SIZE];
    secret_sha256(folded_name, hash);
    static_assert(CACHE_BUCKETS == 256, "the bucket is the first byte");
    subject->bucket = hash[0];
    subject->index = (uint16_t)(hash[0] << 8 | hash[1]);
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
    int index = 0;
    for (int i = 0; i < 4; i++) {
        index = index * 16 + hex_digit(hash.data[i]);
    }
    subject->bucket = index >> 8;
    subject->index = (uint16_t)index;
    return true;
}

/* Every read needs a key or two, so they are put together by hand. */
struct writer {
    char *key;
    size_t size;
};

static inline void put(struct writer *to, const char *text, size_t size)
{
    assert(to->size + size < CACHE_KEY_MAX);
    memcpy(to->key + to->size, text, size);
    to->size += size;
}

static void put_text(struct writer *to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_number(struct writer *to, int number)
{
    size_t size = 1;
    for (int64_t limit = 10; number >= limit; limit *= 10) {
        size++;
    }
    assert(number >= 0 && to->size + size < CACHE_KEY_MAX);
    to->size += size;
    for (char *digit = to->key + to->size; size > 0; size--) {
        *--digit = (char)('0' + number % 10);
        number /= 10;
    }
}

/* "<prefix>{<bucket>}": with that all keys begin. */
static inline struct writer start(char key[CACHE_KEY_MAX], const char *prefix, int bucket)
{
    struct writer to = {key, 0};
    put(&to, prefix, strlen(prefix));
    put(&to, "{", 1);
    put_number(&to, bucket);
    put(&to, "}", 1);
    return to;
}

/* Of what belongs to the protocol, and of what belongs to the format of values. */
static_assert(CACHE_PROTOCOL == 1 && CACHE_FORMAT == 2, "the prefixes hold them");
static const char protocol_prefix[] = "rf1:";
static const char format_prefix[] = "rf2:";

static size_t finish(struct writer *to)
{
    to->key[to->size] = '\0';
    return to->size;
}

size_t cache_key_heartbeat(int bucket, char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, protocol_prefix, bucket);
    put(&to, "hb", 2);
    return finish(&to);
}

size_t cache_key_position(int bucket, char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, protocol_prefix, bucket);
    put(&to, "pos", 3);
    return finish(&to);
}

size_t cache_key_version(const struct cache_subject *subject, char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, CACHE_VERSION_PREFIX, subject->bucket);
    put(&to, subject->hash, CACHE_USER_HEX);
    return finish(&to);
}

bool cache_key_version_parse(struct slice key, struct cache_subject *subject)
{
    char same[CACHE_KEY_MAX];
    return key.size_bytes > CACHE_USER_HEX
           && cache_subject_parse(
               slice_of(key.data + key.size_bytes - CACHE_USER_HEX, CACHE_USER_HEX), subject)
           && slice_equal(key, slice_of(same, cache_key_version(subject, same)));
}

/* What a value is, and whose. */
static size_t put_name(struct writer *to, const struct cache_subject *subject,
                       const struct cache_name *name)
{
    put(to, subject->hash, CACHE_USER_HEX);
    put(to, ":", 1);
    put_text(to, name->service);
    put(to, ":", 1);
    put_text(to, name->kind);
    put(to, ":", 1);
    put_text(to, name->window);
    put(to, ":", 1);
    put_number(to, name->chunk);
    return finish(to);
}

size_t cache_key_lock(const struct cache_subject *subject, const struct cache_name *name,
                      char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, protocol_prefix, subject->bucket);
    put(&to, "k:", 2);
    return put_name(&to, subject, name);
}

size_t cache_key_value(const struct cache_subject *subject, const struct cache_name *name,
                       char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, format_prefix, subject->bucket);
    put(&to, "d:", 2);
    return put_name(&to, subject, name);
}

size_t cache_key_profile(const struct cache_subject *subject, char key[CACHE_KEY_MAX])
{
    struct writer to = start(key, format_prefix, subject->bucket);
    put(&to, "u:", 2);
    put(&to, subject->hash, CACHE_USER_HEX);
    return finish(&to);
}

size_t cache_key_token(const unsigned char hash[SECRET_HASH_SIZE], char key[CACHE_KEY_MAX])
{
    char hex[2 * SECRET_HASH_SIZE + 1];
    text_format_hex(hash, SECRET_HASH_SIZE, hex);
    struct writer to = start(key, format_prefix, hash[0]);
    put(&to, "t:", 2);
    put(&to, hex, 2 * SECRET_HASH_SIZE);
    return finish(&to);
}
