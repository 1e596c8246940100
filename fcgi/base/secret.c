#include "base/secret.h"

#include <assert.h>
#include <sodium.h>

static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for libsodium's hash text");
static_assert(SHA256_SIZE == crypto_hash_sha256_BYTES, "SHA-256 is 32 bytes");

enum result secret_init(struct error *error)
{
    if (sodium_init() < 0) {
        return error_set(error, RESULT_INTERNAL, "secret", "libsodium cannot start");
    }
    return RESULT_OK;
}

void secret_random(unsigned char *bytes, size_t size_bytes)
{
    randombytes_buf(bytes, size_bytes);
}

void secret_make_token(char token[UUID_TEXT_SIZE])
{
    unsigned char bytes[16];
    secret_random(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    text_format_uuid(bytes, token);
    sodium_memzero(bytes, sizeof bytes);
}

static bool decode_token(struct slice encoded, char token[UUID_TEXT_SIZE])
{
    size_t size_bytes = 0;
    return sodium_base642bin((unsigned char *)token, UUID_TEXT_SIZE, encoded.data,
                             encoded.size_bytes, NULL, &size_bytes, NULL,
                             sodium_base64_VARIANT_ORIGINAL)
               == 0
           && size_bytes == UUID_TEXT_SIZE - 1;
}

void secret_hash_token(struct slice token, unsigned char hash[SECRET_HASH_SIZE])
{
    char plain[UUID_TEXT_SIZE];
    if (decode_token(token, plain)) {
        token = slice_of(plain, UUID_TEXT_SIZE - 1);
    }
    crypto_generichash(hash, SECRET_HASH_SIZE, (const unsigned char *)token.data,
                       token.size_bytes, NULL, 0);
}

void secret_sha256(struct slice bytes, unsigned char hash[SHA256_SIZE])
{
    crypto_hash_sha256(hash, (const unsigned char *)bytes.data, bytes.size_bytes);
}

enum result secret_hash_password(struct slice password, char hash[PASSWORD_HASH_SIZE],
                                 struct error *error)
{
    if (crypto_pwhash_str(hash, password.data, password.size_bytes,
                          crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE)
        != 0) {
        return error_set(error, RESULT_NO_MEMORY, "secret",
                         "hashing a password needs 64 MiB of memory, which is not to be had");
    }
    return RESULT_OK;
}
