#include "base/text.h"

#include <stdio.h>
#include <time.h>

bool text_parse_int(struct slice text, int64_t *value)
{
    size_t i = 0;
    bool negative = text.size_bytes > 0 && text.data[0] == '-';
    if (text.size_bytes > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        i = 1;
    }
    if (i == text.size_bytes) {
        return false;
    }
    int64_t sum = 0;
    for (; i < text.size_bytes; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum)
            || __builtin_sub_overflow(sum, digit, &sum)) {
            return false;
        }
    }
    /* Summed below zero, because the negative range is the larger one. */
    if (!negative && __builtin_mul_overflow(sum, -1, &sum)) {
        return false;
    }
    *value = sum;
    return true;
}

/* The code point at `p` and its length in bytes; 0 where it is malformed. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80) {
        *point = p[0];
        return 1;
    }
    size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || size > left) {
        return 0;
    }
    uint32_t sum = p[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        sum = sum << 6 | (p[i] & 0x3f);
    }
    if (sum < smallest[size] || (sum >= 0xd800 && sum <= 0xdfff) || sum > 0x10ffff) {
        return 0;
    }
    *point = sum;
    return size;
}

bool text_is_utf8(struct slice text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    size_t i = 0;
    while (i < text.size_bytes) {
        uint32_t point;
        size_t size = decode(p + i, text.size_bytes - i, &point);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

bool text_is_plain(struct slice text)
{
    /* Blocks of a fixed size, because compilers make a few vector instructions of one. */
    enum { block_bytes = 16 };
    const unsigned char *p = (const unsigned char *)text.data;
    size_t at = 0;
    unsigned char others = 0;
    for (; text.size_bytes - at >= block_bytes; at += block_bytes) {
        for (size_t i = 0; i < block_bytes; i++) {
            others |= !is_plain(p[at + i]);
        }
    }
    for (; at < text.size_bytes; at++) {
        others |= !is_plain(p[at]);
    }
    return others == 0;
}

size_t text_char_size(struct slice text)
{
    uint32_t point;
    return text.size_bytes == 0
               ? 0
               : decode((const unsigned char *)text.data, text.size_bytes, &point);
}

size_t text_count_chars(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

struct slice text_start(struct slice text, size_t bytes_max)
{
    if (text.size_bytes <= bytes_max) {
        return text;
    }
    size_t size = bytes_max;
    while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return slice_of(text.data, size);
}

void text_clean(char *text)
{
    const char *end = text + strlen(text);
    char *p = text;
    while (p < end) {
        size_t size = text_char_size(slice_of(p, (size_t)(end - p)));
        if (size == 0 || (unsigned char)*p < ' ' || *p == 0x7f) {
            *p = '?';
            size = 1;
        }
        p += size;
    }
}

static bool is_blank(uint32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x20) || point == 0x85
           || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a)
           || point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f
           || point == 0x3000;
}

struct slice text_trim(struct slice text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    size_t start = 0;
    size_t end = text.size_bytes;
    uint32_t point;
    while (start < end) {
        size_t size = decode(p + start, end - start, &point);
        if (size == 0 || !is_blank(point)) {
            break;
        }
        start += size;
    }
    while (end > start) {
        size_t at = end - 1;
        while (at > start && (p[at] & 0xc0) == 0x80) {
            at--;
        }
        if (decode(p + at, end - at, &point) != end - at || !is_blank(point)) {
            break;
        }
        end = at;
    }
    return slice_of(text.data + start, end - start);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_parse_uuid(struct slice text, unsigned char uuid[16])
{
    static const char urn[] = "urn:uuid:";
    if (text.size_bytes >= sizeof urn - 1 && memcmp(text.data, urn, sizeof urn - 1) == 0) {
        text = slice_of(text.data + sizeof urn - 1, text.size_bytes - (sizeof urn - 1));
    }
    size_t digits = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        char c = text.data[i];
        if (c == '-' || c == '{' || c == '}') {
            continue;
        }
        int digit = hex_digit(c);
        if (digit < 0 || digits == 32) {
            return false;
        }
        unsigned char *byte = &uuid[digits / 2];
        *byte = (unsigned char)(digits % 2 == 0 ? digit << 4 : *byte | digit);
        digits++;
    }
    return digits == 32;
}

void text_format_hex(const unsigned char *bytes, size_t size_bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size_bytes; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size_bytes] = '\0';
}

void text_format_uuid(const unsigned char uuid[16], char text[UUID_TEXT_SIZE])
{
    static const struct {
        size_t from, count, at;
    } groups[] = {{0, 4, 0}, {4, 2, 9}, {6, 2, 14}, {8, 2, 19}, {10, 6, 24}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        text_format_hex(uuid + groups[i].from, groups[i].count, text + groups[i].at);
        text[groups[i].at + 2 * groups[i].count] = '-';
    }
    text[UUID_TEXT_SIZE - 1] = '\0';
}

/* `count` digits at `at`, as a number. */
static int digits_at(struct slice text, size_t at, size_t count)
{
    int sum = 0;
    for (size_t i = at; i < at + count; i++) {
        sum = sum * 10 + (text.data[i] - '0');
    }
    return sum;
}

/* What may follow the seconds: nothing, a fraction, a Z. */
static bool is_time_tail(struct slice tail)
{
    size_t i = 0;
    if (i < tail.size_bytes && tail.data[i] == '.') {
        i++;
        size_t first = i;
        while (i < tail.size_bytes && tail.data[i] >= '0' && tail.data[i] <= '9') {
            i++;
        }
        if (i == first) {
            return false;
        }
    }
    if (i < tail.size_bytes && tail.data[i] == 'Z') {
        i++;
    }
    return i == tail.size_bytes;
}

bool text_parse_time(struct slice text, int64_t *time_s)
{
    static const char shape[] = "0000-00-00T00:00:00";
    enum { shape_size = sizeof shape - 1 };
    if (text.size_bytes < shape_size) {
        return false;
    }
    for (size_t i = 0; i < shape_size; i++) {
        char c = text.data[i];
        bool fits = shape[i] == '0' ? c >= '0' && c <= '9'
                                    : c == shape[i] || (shape[i] == 'T' && c == ' ');
        if (!fits) {
            return false;
        }
    }
    struct tm utc = {
        .tm_year = digits_at(text, 0, 4) - 1900,
        .tm_mon = digits_at(text, 5, 2) - 1,
        .tm_mday = digits_at(text, 8, 2),
        .tm_hour = digits_at(text, 11, 2),
        .tm_min = digits_at(text, 14, 2),
        .tm_sec = digits_at(text, 17, 2),
    };
    struct tm read = utc;
    time_t seconds = timegm(&utc);
    bool real = read.tm_mon == utc.tm_mon && read.tm_mday == utc.tm_mday
                && read.tm_hour == utc.tm_hour && read.tm_min == utc.tm_min
                && read.tm_sec == utc.tm_sec && read.tm_year == utc.tm_year;
    if (!real
        || !is_time_tail(slice_of(text.data + shape_size, text.size_bytes - shape_size))) {
        return false;
    }
    *time_s = seconds;
    return true;
}
