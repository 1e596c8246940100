/*
 * Finding one's way in text that jtext_check() has passed, so that nothing here needs to look for
 * mistakes: it only skips.
 */
#include "json/json.h"

#include <assert.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t skip_blanks(struct slice text, size_t at)
{
    while (at < text.size_bytes && is_blank(text.data[at])) {
        at++;
    }
    return at;
}

/* From the opening quote to behind the closing one: the first quote that has an even number of
 * backslashes before it. */
static size_t skip_string(struct slice text, size_t at)
{
    for (;;) {
        size_t start = at + 1;
        const char *quote = memchr(text.data + start, '"', text.size_bytes - start);
        assert(quote != NULL);
        at = (size_t)(quote - text.data);
        size_t backslashes = 0;
        while (at - backslashes > start && text.data[at - backslashes - 1] == '\\') {
            backslashes++;
        }
        if (backslashes % 2 == 0) {
            return at + 1;
        }
    }
}

static size_t skip_container(struct slice text, size_t at)
{
    size_t depth = 0;
    do {
        char c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        at++;
    } while (depth > 0);
    return at;
}

static size_t skip_plain_scalar(struct slice text, size_t at)
{
    while (at < text.size_bytes && !is_blank(text.data[at]) && text.data[at] != ','
           && text.data[at] != ']' && text.data[at] != '}') {
        at++;
    }
    return at;
}

static size_t skip_value(struct slice text, size_t at)
{
    switch (text.data[at]) {
    case '"':
        return skip_string(text, at);
    case '{':
    case '[':
        return skip_container(text, at);
    default:
        return skip_plain_scalar(text, at);
    }
}

static struct slice part(struct slice text, size_t from, size_t to)
{
    return slice_of(text.data + from, to - from);
}

enum json_kind jtext_kind(struct slice value)
{
    size_t at = skip_blanks(value, 0);
    assert(at < value.size_bytes);
    switch (value.data[at]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

/* Moves to the next member or item; false at the closing bracket. */
static bool next_part(struct slice container, struct jtext_cursor *cursor)
{
    size_t at = cursor->at;
    if (at == 0) {
        at = skip_blanks(container, 0) + 1;
    }
    at = skip_blanks(container, at);
    if (container.data[at] == ',') {
        at = skip_blanks(container, at + 1);
    }
    cursor->at = at;
    return container.data[at] != ']' && container.data[at] != '}';
}

bool jtext_next_item(struct slice array, struct jtext_cursor *cursor, struct slice *item)
{
    assert(cursor->at > 0 || jtext_kind(array) == JSON_ARRAY);
    if (!next_part(array, cursor)) {
        return false;
    }
    size_t start = cursor->at;
    cursor->at = skip_value(array, start);
    *item = part(array, start, cursor->at);
    return true;
}

bool jtext_next_member(struct slice object, struct jtext_cursor *cursor, struct slice *key,
                       struct slice *value)
{
    assert(cursor->at > 0 || jtext_kind(object) == JSON_OBJECT);
    if (!next_part(object, cursor)) {
        return false;
    }
    size_t key_end = skip_string(object, cursor->at);
    *key = jtext_inside(part(object, cursor->at, key_end));
    size_t start = skip_blanks(object, skip_blanks(object, key_end) + 1);
    cursor->at = skip_value(object, start);
    *value = part(object, start, cursor->at);
    return true;
}

bool jtext_next_scalar(struct slice value, struct jtext_cursor *cursor, struct slice *scalar)
{
    size_t at = cursor->at;
    while (at < value.size_bytes
           && (is_blank(value.data[at]) || memchr("{}[],:", value.data[at], 6) != NULL)) {
        at++;
    }
    if (at >= value.size_bytes) {
        cursor->at = at;
        return false;
    }
    cursor->at = skip_value(value, at);
    *scalar = part(value, at, cursor->at);
    return true;
}

struct slice jtext_inside(struct slice string)
{
    assert(string.size_bytes >= 2);
    return slice_of(string.data + 1, string.size_bytes - 2);
}

/* ── escapes ── */

static unsigned hex4(const char *digits)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        unit = unit * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static size_t encode(unsigned point, char bytes[4])
{
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    bytes[0] = (char)(leads[size] | point);
    return size;
}

/* Reads the escape at *at (its backslash) and moves behind it; gives the bytes it stands for. */
static size_t unescape_one(const char **at, char bytes[4])
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    const char *p = *at + 1;
    if (*p != 'u') {
        const char *letter = memchr(letters, *p, sizeof letters - 1);
        bytes[0] = letter == NULL ? *p : meant[letter - letters];
        *at = p + 1;
        return 1;
    }
    unsigned point = hex4(p + 1);
    p += 5;
    if (point >= 0xd800 && point <= 0xdbff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (hex4(p + 2) - 0xdc00);
        p += 6;
    }
    *at = p;
    return encode(point, bytes);
}

bool jtext_has_nul(struct slice raw)
{
    const char *p = raw.data;
    const char *end = raw.data + raw.size_bytes;
    while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        char bytes[4];
        if (unescape_one(&p, bytes) == 1 && bytes[0] == '\0') {
            return true;
        }
    }
    return false;
}

enum result jtext_unescape(struct slice raw, struct arena *arena, struct slice *text)
{
    *text = raw;
    if (raw.size_bytes == 0 || memchr(raw.data, '\\', raw.size_bytes) == NULL) {
        return RESULT_OK;
    }
    char *copy = arena_alloc(arena, raw.size_bytes);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    size_t size = 0;
    const char *end = raw.data + raw.size_bytes;
    for (const char *p = raw.data; p < end;) {
        if (*p == '\\') {
            size += unescape_one(&p, copy + size);
        } else {
            copy[size++] = *p++;
        }
    }
    *text = slice_of(copy, size);
    return RESULT_OK;
}

/* Whether raw text between quotes stands for `key`, without unescaping it into memory. */
static bool key_is(struct slice raw, const char *key)
{
    size_t left = strlen(key);
    const char *end = raw.data + raw.size_bytes;
    for (const char *p = raw.data; p < end;) {
        char bytes[4] = {*p};
        size_t size = 1;
        if (*p == '\\') {
            size = unescape_one(&p, bytes);
        } else {
            p++;
        }
        if (size > left || memcmp(bytes, key, size) != 0) {
            return false;
        }
        key += size;
        left -= size;
    }
    return left == 0;
}

bool jtext_member(struct slice object, const char *key, struct slice *value)
{
    bool found = false;
    struct jtext_cursor cursor = {0};
    struct slice name;
    struct slice each;
    while (jtext_next_member(object, &cursor, &name, &each)) {
        if (key_is(name, key)) {
            *value = each;
            found = true;
        }
    }
    return found;
}
