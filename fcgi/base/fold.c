#include "base/fold.h"

#include "base/text.h"

#include <stdlib.h>
#include <utf8proc.h>

/* Names are nearly always ASCII, and this form needs no tables and no allocation. */
static bool is_ascii(struct slice name)
{
    for (size_t i = 0; i < name.size_bytes; i++) {
        if ((unsigned char)name.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool is_ascii_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

/* Collapses blanks, drops those at both ends, and lowers ASCII letters (a no-op on what utf8proc has
 * folded). Writes at most name.size_bytes bytes, and returns how many. */
static size_t collapse(struct slice name, char *to)
{
    size_t size = 0;
    bool blank = false;
    for (size_t i = 0; i < name.size_bytes; i++) {
        char c = name.data[i];
        if (is_ascii_blank(c)) {
            blank = size > 0;
            continue;
        }
        if (blank) {
            to[size++] = ' ';
            blank = false;
        }
        to[size++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return size;
}

static enum result append_collapsed(struct buffer *to, struct slice name)
{
    char *end = buffer_reserve(to, name.size_bytes);
    if (end != NULL) {
        buffer_grown(to, collapse(name, end));
    }
    return buffer_result(to);
}

/* Unicode's own blanks become spaces, so that one loop collapses all of them. */
static utf8proc_int32_t blank_to_space(utf8proc_int32_t point, void *unused)
{
    (void)unused;
    bool blank = point == 0x85 || point == 0x1680 || point == 0x2028 || point == 0x2029
                 || point == 0x205f || point == 0x3000;
    return blank ? ' ' : point;
}

enum result fold_append(struct buffer *to, struct slice name)
{
    if (is_ascii(name)) {
        return append_collapsed(to, name);
    }
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t size = utf8proc_map_custom(
        (const utf8proc_uint8_t *)name.data, (utf8proc_ssize_t)name.size_bytes, &folded,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD, blank_to_space,
        NULL);
    if (size < 0) {
        free(folded);
        return size == UTF8PROC_ERROR_NOMEM ? RESULT_NO_MEMORY : RESULT_INVALID;
    }
    enum result result =
        append_collapsed(to, text_trim(slice_of((const char *)folded, (size_t)size)));
    free(folded);
    return result;
}

enum result fold_copy(struct arena *arena, struct slice name, struct slice *folded)
{
    if (is_ascii(name)) {
        char *copy = arena_alloc(arena, name.size_bytes + 1);
        if (copy == NULL) {
            return RESULT_NO_MEMORY;
        }
        *folded = slice_of(copy, collapse(name, copy));
        return RESULT_OK;
    }
    struct buffer buffer = BUFFER_EMPTY;
    enum result result = fold_append(&buffer, name);
    const char *copy = result == RESULT_OK ? arena_copy(arena, buffer_slice(&buffer)) : NULL;
    *folded = slice_of(copy, buffer.size_bytes);
    buffer_free(&buffer);
    return result == RESULT_OK && copy == NULL ? RESULT_NO_MEMORY : result;
}
