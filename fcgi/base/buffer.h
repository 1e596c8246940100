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

void buffer_append(struct buffer *buffer, const void *data, size_t size_bytes);
void buffer_append_slice(struct buffer *buffer, struct slice slice);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_int(struct buffer *buffer, int64_t value);
void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Room for `size_bytes` more, written by the caller, who then calls buffer_grown() with what was
 * used. NULL (and latched) where memory is short. */
char *buffer_reserve(struct buffer *buffer, size_t size_bytes);
void buffer_grown(struct buffer *buffer, size_t size_bytes);

/* The content, valid until the next append. */
struct slice buffer_slice(const struct buffer *buffer);

/* RESULT_NO_MEMORY if any append since the last clear failed. */
enum result buffer_result(const struct buffer *buffer) MUST_CHECK;

#endif
