/*
 * Numbers in stored bytes: little-endian, at any address.
 */
#ifndef REFRAIN_BASE_BYTES_H
#define REFRAIN_BASE_BYTES_H

#include "base/buffer.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t bytes_get_u64(const char *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

static inline uint32_t bytes_get_u32(const char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

static inline void bytes_put_u64(char *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

static inline void bytes_append_u64(struct buffer *to, uint64_t value)
{
    value = htole64(value);
    buffer_append(to, &value, sizeof value);
}

static inline void bytes_append_u32(struct buffer *to, uint32_t value)
{
    value = htole32(value);
    buffer_append(to, &value, sizeof value);
}

#endif
