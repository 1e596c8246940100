/*
 * A run of bytes that belongs to somebody else: pointer and length, not terminated.
 */
#ifndef REFRAIN_BASE_SLICE_H
#define REFRAIN_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t size_bytes;
};

/* For printf's "%.*s". */
#define SLICE_ARGS(s) (int)(s).size_bytes, (s).data

static inline struct slice slice_of(const char *data, size_t size_bytes)
{
    return (struct slice){data, size_bytes};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size_bytes == b.size_bytes
           && (a.size_bytes == 0 || memcmp(a.data, b.data, a.size_bytes) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_text(text));
}

#endif
