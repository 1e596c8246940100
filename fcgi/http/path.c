#include "http/path.h"

static bool has_doubled_slash(struct slice raw)
{
    for (size_t i = 1; i < raw.size_bytes; i++) {
        if (raw.data[i] == '/' && raw.data[i - 1] == '/') {
            return true;
        }
    }
    return false;
}

static struct slice without_doubled_slashes(struct arena *arena, struct slice raw)
{
    if (!has_doubled_slash(raw)) {
        return raw;
    }
    char *copy = arena_alloc(arena, raw.size_bytes);
    if (copy == NULL) {
        return raw;
    }
    size_t size = 0;
    for (size_t i = 0; i < raw.size_bytes; i++) {
        if (raw.data[i] != '/' || size == 0 || copy[size - 1] != '/') {
            copy[size++] = raw.data[i];
        }
    }
    return slice_of(copy, size);
}

/* True if `path` is `prefix`, or goes on below it. */
static bool is_at_or_below(struct slice path, struct slice prefix)
{
    return path.size_bytes >= prefix.size_bytes
           && memcmp(path.data, prefix.data, prefix.size_bytes) == 0
           && (path.size_bytes == prefix.size_bytes || path.data[prefix.size_bytes] == '/');
}

static struct slice after(struct slice path, size_t size_bytes)
{
    return slice_of(path.data + size_bytes, path.size_bytes - size_bytes);
}

struct slice http_path_canonical(struct arena *arena, enum http_method method, struct slice raw)
{
    struct slice path = without_doubled_slashes(arena, raw);
    struct slice prefix = slice_text("/apis/listenbrainz");
    if (is_at_or_below(path, prefix)) {
        path = after(path, prefix.size_bytes);
    }
    while (is_at_or_below(path, slice_text("/1/1"))) {
        path = after(path, strlen("/1"));
    }
    if (path.size_bytes > 1 && path.data[path.size_bytes - 1] == '/') {
        path.size_bytes--;
    }
    if (path.size_bytes == 0) {
        path = slice_text("/");
    }
    bool submits = (method & (HTTP_POST | HTTP_OPTIONS)) != 0
                   && (slice_is(path, "/") || slice_is(path, "/1"));
    return submits ? slice_text("/1/submit-listens") : path;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is decoded is mostly short, and calling memchr() twice would take longer. */
static bool is_escaped(struct slice raw, bool plus_is_blank)
{
    for (size_t i = 0; i < raw.size_bytes; i++) {
        if (raw.data[i] == '%' || (raw.data[i] == '+' && plus_is_blank)) {
            return true;
        }
    }
    return false;
}

struct slice http_path_decode(struct arena *arena, struct slice raw, bool plus_is_blank)
{
    if (!is_escaped(raw, plus_is_blank)) {
        return raw;
    }
    char *decoded = arena_alloc(arena, raw.size_bytes);
    if (decoded == NULL) {
        return raw;
    }
    size_t size = 0;
    for (size_t i = 0; i < raw.size_bytes; i++) {
        char c = raw.data[i];
        if (c == '%' && raw.size_bytes - i > 2) {
            int high = hex_digit(raw.data[i + 1]);
            int low = hex_digit(raw.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        decoded[size++] = c;
    }
    return slice_of(decoded, size);
}
