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

char *buffer_extend(struct buffer *buffer, size_t size_bytes)
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

void buffer_append_int(struct buffer *buffer, int64_t value)
{
    enum { most_bytes = 20 };
    char *end = buffer_reserve(buffer, most_bytes);
    if (end == NULL) {
        return;
    }
    uint64_t number = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t size = 1;
    for (uint64_t limit = 10; size < most_bytes - 1 && number >= limit; limit *= 10) {
        size++;
    }
    if (value < 0) {
        end[0] = '-';
        size++;
    }
    char *p = end + size;
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_grown(buffer, size);
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
