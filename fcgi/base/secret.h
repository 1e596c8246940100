/*
 * Random bytes, and digests of what must not be stored as it is.
 */
#ifndef REFRAIN_BASE_SECRET_H
#define REFRAIN_BASE_SECRET_H

#include "base/result.h"
#include "base/slice.h"
#include "base/text.h"

enum { SECRET_HASH_SIZE = 32, SHA256_SIZE = 32, PASSWORD_HASH_SIZE = 128 };

/* Must have succeeded once, before threads start, before anything else here is used. */
enum result secret_init(struct error *error) MUST_CHECK;

/* Bytes that nobody can guess. */
void secret_random(unsigned char *bytes, size_t size_bytes);

/* A new random UUIDv4, as tokens are handed out. */
void secret_make_token(char token[UUID_TEXT_SIZE]);

/* The digest under which a token is stored and looked up. Tokens are random, so no salt is needed. The
 * base64 of a token has the digest of the token: Jellyfin's plugin sends it so when it reads. */
void secret_hash_token(struct slice token, unsigned char hash[SECRET_HASH_SIZE]);

/* SHA-256, for what SQL must be able to compute as well. */
void secret_sha256(struct slice bytes, unsigned char hash[SHA256_SIZE]);

/* Argon2id at the interactive cost (64 MiB): takes tens of milliseconds, call it off hot paths. */
enum result secret_hash_password(struct slice password, char hash[PASSWORD_HASH_SIZE],
                                 struct error *error) MUST_CHECK;

#endif
