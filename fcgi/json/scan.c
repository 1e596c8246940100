/*
 * The check that comes before everything else. No recursion: `objects` remembers for each level
 * whether it is an object, and what may come next is one of a few states.
 */
#include "json/json.h"

#include "base/text.h"

#include <assert.h>

struct scan {
    const unsigned char *start;
    const unsigned char *at;
    const unsigned char *end;
    uint64_t objects; /* a bit a level, the innermost is the lowest */
    int depth;
    struct error *error;
};

static_assert(JSON_DEPTH_MAX <= 64, "a bit a level");

enum next {
    NEXT_VALUE,
    NEXT_VALUE_OR_CLOSE, /* after [ */
    NEXT_KEY,
    NEXT_KEY_OR_CLOSE, /* after { */
    NEXT_COMMA_OR_CLOSE,
    NEXT_END,
};

static enum result fail(const struct scan *scan, const char *expected)
{
    if (scan->at == scan->end) {
        return error_set(scan->error, RESULT_INVALID, "json",
                         "the text ends after byte %td, where %s was expected",
                         scan->end - scan->start, expected);
    }
    return error_set(scan->error, RESULT_INVALID, "json", "byte %td: expected %s",
                     scan->at - scan->start + 1, expected);
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end
           && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* ── strings ── */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether eight bytes are all plain, by arithmetic on them at once: in each byte of `odd` the top
 * bit is set if (but because of borrows not only if) that byte is not plain. */
static bool are_plain(const unsigned char *bytes)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t escapes = word ^ (ones * '\\');
    uint64_t odd = word | (word - ones * 0x20) | (quotes - ones) | (escapes - ones);
    return (odd & (ones * 0x80)) == 0;
}

static void skip_plain(struct scan *scan)
{
    while (scan->end - scan->at >= 8 && are_plain(scan->at)) {
        scan->at += 8;
    }
    while (scan->at < scan->end && is_plain(*scan->at)) {
        scan->at++;
    }
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX. */
static enum result scan_hex(struct scan *scan, int *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        int digit = scan->at < scan->end ? hex_value(*scan->at) : -1;
        if (digit < 0) {
            return fail(scan, "four hexadecimal digits after \\u");
        }
        *unit = *unit * 16 + digit;
    }
    return RESULT_OK;
}

static enum result scan_unicode_escape(struct scan *scan)
{
    static const char lone[] = "both halves of a surrogate pair";
    const unsigned char *start = scan->at;
    int unit;
    enum result result = scan_hex(scan, &unit);
    if (result != RESULT_OK || unit < 0xd800 || unit > 0xdfff) {
        return result;
    }
    if (unit > 0xdbff) {
        scan->at = start;
        return fail(scan, lone);
    }
    if (scan->end - scan->at < 2 || scan->at[0] != '\\' || scan->at[1] != 'u') {
        return fail(scan, lone);
    }
    scan->at += 2;
    start = scan->at;
    result = scan_hex(scan, &unit);
    if (result == RESULT_OK && (unit < 0xdc00 || unit > 0xdfff)) {
        scan->at = start;
        return fail(scan, lone);
    }
    return result;
}

static enum result scan_escape(struct scan *scan)
{
    scan->at++;
    if (scan->at == scan->end || *scan->at == '\0'
        || strchr("\"\\/bfnrtu", *scan->at) == NULL) {
        return fail(scan, "one of \" \\ / b f n r t u after a backslash");
    }
    return *scan->at++ == 'u' ? scan_unicode_escape(scan) : RESULT_OK;
}

/* From the opening quote to behind the closing one. */
static enum result scan_string(struct scan *scan)
{
    scan->at++;
    for (;;) {
        skip_plain(scan);
        if (scan->at == scan->end) {
            return fail(scan, "the end of a string");
        }
        if (*scan->at == '"') {
            scan->at++;
            return RESULT_OK;
        }
        if (*scan->at == '\\') {
            enum result result = scan_escape(scan);
            if (result != RESULT_OK) {
                return result;
            }
        } else if (*scan->at < 0x20) {
            return fail(scan, "control characters to be escaped");
        } else {
            size_t size = text_char_size(
                slice_of((const char *)scan->at, (size_t)(scan->end - scan->at)));
            if (size == 0) {
                return fail(scan, "well-formed UTF-8");
            }
            scan->at += size;
        }
    }
}

/* ── numbers and words ── */

static bool skip_digits(struct scan *scan)
{
    const unsigned char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return scan->at > start;
}

static enum result scan_number(struct scan *scan)
{
    if (*scan->at == '-') {
        scan->at++;
    }
    if (scan->at < scan->end && *scan->at == '0') {
        scan->at++;
    } else if (!skip_digits(scan)) {
        return fail(scan, "a digit");
    }
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!skip_digits(scan)) {
            return fail(scan, "a digit after the point");
        }
    }
    if (scan->at < scan->end && (*scan->at | 0x20) == 'e') {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-')) {
            scan->at++;
        }
        if (!skip_digits(scan)) {
            return fail(scan, "a digit in the exponent");
        }
    }
    return RESULT_OK;
}

static bool skip_word(struct scan *scan, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0) {
        return false;
    }
    scan->at += size;
    return true;
}

/* ── structure ── */

static enum result open_container(struct scan *scan, enum next *next)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        return error_set(scan->error, RESULT_INVALID, "json",
                         "byte %td: nested deeper than %d levels", scan->at - scan->start + 1,
                         JSON_DEPTH_MAX);
    }
    bool object = *scan->at == '{';
    scan->objects = scan->objects << 1 | object;
    scan->depth++;
    scan->at++;
    *next = object ? NEXT_KEY_OR_CLOSE : NEXT_VALUE_OR_CLOSE;
    return RESULT_OK;
}

/* What follows a value on the level where it stood. */
static enum next after_value(const struct scan *scan)
{
    return scan->depth == 0 ? NEXT_END : NEXT_COMMA_OR_CLOSE;
}

static void close_container(struct scan *scan, enum next *next)
{
    scan->at++;
    scan->objects >>= 1;
    scan->depth--;
    *next = after_value(scan);
}

static enum result scan_value(struct scan *scan, enum next *next)
{
    *next = after_value(scan);
    switch (*scan->at) {
    case '{':
    case '[':
        return open_container(scan, next);
    case '"':
        return scan_string(scan);
    case 't':
        return skip_word(scan, "true") ? RESULT_OK : fail(scan, "a value");
    case 'f':
        return skip_word(scan, "false") ? RESULT_OK : fail(scan, "a value");
    case 'n':
        return skip_word(scan, "null") ? RESULT_OK : fail(scan, "a value");
    default:
        if (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9')) {
            return scan_number(scan);
        }
        return fail(scan, "a value");
    }
}

static enum result scan_key(struct scan *scan, enum next *next)
{
    if (*scan->at != '"') {
        return fail(scan, *next == NEXT_KEY ? "a key in double quotes"
                                            : "a key in double quotes or }");
    }
    enum result result = scan_string(scan);
    if (result != RESULT_OK) {
        return result;
    }
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != ':') {
        return fail(scan, "a colon after the key");
    }
    scan->at++;
    *next = NEXT_VALUE;
    return RESULT_OK;
}

static enum result scan_comma(struct scan *scan, enum next *next)
{
    bool object = scan->objects & 1;
    if (*scan->at == ',') {
        scan->at++;
        *next = object ? NEXT_KEY : NEXT_VALUE;
        return RESULT_OK;
    }
    if (*scan->at == (object ? '}' : ']')) {
        close_container(scan, next);
        return RESULT_OK;
    }
    return fail(scan, object ? "a comma or }" : "a comma or ]");
}

static enum result scan_next(struct scan *scan, enum next *next)
{
    switch (*next) {
    case NEXT_VALUE_OR_CLOSE:
        if (*scan->at == ']') {
            close_container(scan, next);
            return RESULT_OK;
        }
        return scan_value(scan, next);
    case NEXT_VALUE:
        return scan_value(scan, next);
    case NEXT_KEY_OR_CLOSE:
        if (*scan->at == '}') {
            close_container(scan, next);
            return RESULT_OK;
        }
        return scan_key(scan, next);
    case NEXT_KEY:
        return scan_key(scan, next);
    case NEXT_COMMA_OR_CLOSE:
        return scan_comma(scan, next);
    case NEXT_END:
        break;
    }
    return fail(scan, "nothing after the value");
}

static const char *name_of(const struct scan *scan, enum next next)
{
    switch (next) {
    case NEXT_KEY:
    case NEXT_KEY_OR_CLOSE:
        return "a key";
    case NEXT_COMMA_OR_CLOSE:
        return scan->objects & 1 ? "a comma or }" : "a comma or ]";
    default:
        return "a value";
    }
}

enum result jtext_check(struct slice text, struct error *error)
{
    struct scan scan = {.start = (const unsigned char *)text.data,
                        .at = (const unsigned char *)text.data,
                        .end = (const unsigned char *)text.data + text.size_bytes,
                        .error = error};
    enum next next = NEXT_VALUE;
    for (;;) {
        skip_blanks(&scan);
        if (scan.at == scan.end) {
            return next == NEXT_END ? RESULT_OK : fail(&scan, name_of(&scan, next));
        }
        enum result result = scan_next(&scan, &next);
        if (result != RESULT_OK) {
            return result;
        }
    }
}

enum result jtext_check_object(struct slice text, struct error *error)
{
    struct error cause;
    enum result result = jtext_check(text, &cause);
    if (result != RESULT_OK) {
        return error_set(error, result, "json", "Cannot parse JSON document: %s", cause.text);
    }
    if (jtext_kind(text) != JSON_OBJECT) {
        return error_set(error, RESULT_INVALID, "json",
                         "Invalid JSON document submitted. Top level of JSON document should be a"
                         " json object.");
    }
    return RESULT_OK;
}
