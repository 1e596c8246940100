#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const size_t first_room_bytes = 256;

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_EMPTY;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size_bytes = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

char *buffer_reserve(struct buffer *buffer, size_t size_bytes)
{
    if (buffer->failed || size_bytes > SIZE_MAX / 4 - buffer->size_bytes) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->size_bytes + size_bytes + 1;
    if (needed > buffer->room_bytes) {
        size_t room = buffer->room_bytes < first_room_bytes ? first_room_bytes : buffer->room_bytes;
        while (room < needed) {
            room *= 2;
        }
        char *data = realloc(buffer->data, room);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->room_bytes = room;
    }
    return buffer->data + buffer->size_bytes;
}

void buffer_grown(struct buffer *buffer, size_t size_bytes)
{
    buffer->size_bytes += size_bytes;
    buffer->data[buffer->size_bytes] = '\0';
}

void buffer_append(struct buffer *buffer, const void *data, size_t size_bytes)
{
    char *end = buffer_reserve(buffer, size_bytes);
    if (end != NULL) {
        if (size_bytes > 0) {
            memcpy(end, data, size_bytes);
        }
        buffer_grown(buffer, size_bytes);
    }
}

void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
    buffer_append(buffer, slice.data, slice.size_bytes);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_append_int(struct buffer *buffer, int64_t value)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *p = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--p = '-';
    }
    buffer_append(buffer, p, (size_t)(end - p));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *end = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size);
    if (end != NULL) {
        vsnprintf(end, (size_t)size + 1, format, again);
        buffer_grown(buffer, (size_t)size);
    } else {
        buffer->failed = true;
    }
    va_end(again);
}

struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->data == NULL ? "" : buffer->data, buffer->size_bytes);
}

enum result buffer_result(const struct buffer *buffer)
{
    return buffer->failed ? RESULT_NO_MEMORY : RESULT_OK;
}
