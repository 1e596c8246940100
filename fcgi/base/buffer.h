/*
 * The one growable writer. A failed allocation latches: later appends do nothing, and the caller
 * asks once at the end.
 */
#ifndef REFRAIN_BASE_BUFFER_H
#define REFRAIN_BASE_BUFFER_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NULL while empty; always followed by a NUL that does not count */
    size_t size_bytes;
    size_t room_bytes;
    bool failed;
};

#define BUFFER_EMPTY ((struct buffer){0})

/* Frees the bytes; the buffer is empty afterwards and may be used again. */
void buffer_free(struct buffer *buffer);

/* Forgets the content and a latched failure, keeps the room. */
void buffer_clear(struct buffer *buffer);

/* The part of buffer_reserve() that may allocate. */
char *buffer_extend(struct buffer *buffer, size_t size_bytes);

/* Room for `size_bytes` more, written by the caller, who then calls buffer_grown() with what was
 * used. NULL (and latched) where memory is short. Like the appends below it is inline, because an
 * answer is some fifty appends of a few bytes, and where there is room they cost less than a call. */
static inline char *buffer_reserve(struct buffer *buffer, size_t size_bytes)
{
    bool fits = !buffer->failed && size_bytes < buffer->room_bytes - buffer->size_bytes;
    return fits ? buffer->data + buffer->size_bytes : buffer_extend(buffer, size_bytes);
}

static inline void buffer_grown(struct buffer *buffer, size_t size_bytes)
{
    buffer->size_bytes += size_bytes;
    buffer->data[buffer->size_bytes] = '\0';
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t size_bytes)
{
    char *end = buffer_reserve(buffer, size_bytes);
    if (end != NULL) {
        if (size_bytes > 0) {
            memcpy(end, data, size_bytes);
        }
        buffer_grown(buffer, size_bytes);
    }
}

static inline void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
    buffer_append(buffer, slice.data, slice.size_bytes);
}

static inline void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

static inline void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_append_int(struct buffer *buffer, int64_t value);
void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* The content, valid until the next append. */
struct slice buffer_slice(const struct buffer *buffer);

/* RESULT_NO_MEMORY if any append since the last clear failed. */
enum result buffer_result(const struct buffer *buffer) MUST_CHECK;

#endif
