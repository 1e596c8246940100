#include "db/db.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

void db_format_bytes(const unsigned char *bytes, size_t size_bytes, char *text)
{
    text[0] = '\\';
    text[1] = 'x';
    text_format_hex(bytes, size_bytes, text + 2);
}

void db_format_int(int64_t value, char text[DB_INT_TEXT_SIZE])
{
    snprintf(text, DB_INT_TEXT_SIZE, "%" PRId64, value);
}

void db_array_open(struct buffer *array)
{
    buffer_clear(array);
    buffer_append_char(array, '{');
}

static void separate(struct buffer *array)
{
    if (array->size_bytes > 1) {
        buffer_append_char(array, ',');
    }
}

void db_array_add_int(struct buffer *array, int64_t value)
{
    separate(array);
    buffer_append_int(array, value);
}

void db_array_add_null(struct buffer *array)
{
    separate(array);
    buffer_append_text(array, "NULL");
}

void db_array_add_text(struct buffer *array, struct slice text)
{
    separate(array);
    char *to = buffer_reserve(array, 2 * text.size_bytes + 2);
    if (to == NULL) {
        return;
    }
    size_t size = 0;
    to[size++] = '"';
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') {
            to[size++] = '\\';
        }
        to[size++] = text.data[i];
    }
    to[size++] = '"';
    buffer_grown(array, size);
}

void db_array_close(struct buffer *array)
{
    buffer_append_char(array, '}');
}
