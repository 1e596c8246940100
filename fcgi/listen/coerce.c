#include "listen/coerce.h"

#include "base/text.h"
#include "json/json.h"

enum {
    digits_max = 1000,       /* on either side of the point */
    float_digits_max = 309,  /* a double with more before the point is infinite */
    exponent_max = 100000,   /* where counting stops; far over both */
};

/* A number taken apart. `digits` may hold a point and underscores. */
struct decimal {
    bool negative;
    bool whole; /* neither point nor exponent */
    struct slice digits;
    int64_t before; /* digits before the point */
    int64_t after;  /* digits after the point */
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A run of digits, single underscores between them; how many, or -1 if underscores are wrong. */
static int64_t read_digits(struct slice text, size_t *at)
{
    int64_t count = 0;
    for (; *at < text.size_bytes; (*at)++) {
        char c = text.data[*at];
        if (c == '_') {
            bool between = count > 0 && text.data[*at - 1] != '_' && *at + 1 < text.size_bytes
                           && is_digit(text.data[*at + 1]);
            if (!between) {
                return -1;
            }
        } else if (is_digit(c)) {
            count++;
        } else {
            break;
        }
    }
    return count;
}

static bool read_exponent(struct slice text, size_t *at, int64_t *exponent)
{
    (*at)++;
    bool negative = *at < text.size_bytes && text.data[*at] == '-';
    if (*at < text.size_bytes && (text.data[*at] == '-' || text.data[*at] == '+')) {
        (*at)++;
    }
    size_t start = *at;
    if (read_digits(text, at) <= 0) {
        return false;
    }
    int64_t sum = 0;
    for (size_t i = start; i < *at; i++) {
        if (is_digit(text.data[i]) && sum < exponent_max) {
            sum = sum * 10 + (text.data[i] - '0');
        }
    }
    *exponent = negative ? -sum : sum;
    return true;
}

/* [sign] digits [. digits] [e [sign] digits], where the digits on one side may be missing. */
static bool read_decimal(struct slice text, struct decimal *decimal)
{
    *decimal = (struct decimal){.whole = true};
    size_t at = 0;
    if (text.size_bytes > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        decimal->negative = text.data[0] == '-';
        at++;
    }
    size_t start = at;
    decimal->before = read_digits(text, &at);
    if (at < text.size_bytes && text.data[at] == '.') {
        at++;
        decimal->whole = false;
        decimal->after = read_digits(text, &at);
    }
    if (decimal->before < 0 || decimal->after < 0 || decimal->before + decimal->after == 0) {
        return false;
    }
    decimal->digits = slice_of(text.data + start, at - start);
    if (at < text.size_bytes && (text.data[at] | 0x20) == 'e') {
        decimal->whole = false;
        if (!read_exponent(text, &at, &decimal->exponent)) {
            return false;
        }
    }
    return at == text.size_bytes;
}

/* The whole part, cut towards zero; false where the number is infinite as a double. */
static bool truncate_decimal(const struct decimal *decimal, int64_t *number)
{
    int64_t left = decimal->before + decimal->exponent; /* digits that count */
    int64_t sum = 0;
    bool leading = true;
    bool huge = false;
    for (size_t i = 0; i < decimal->digits.size_bytes && left > 0; i++) {
        char c = decimal->digits.data[i];
        if (!is_digit(c)) {
            continue;
        }
        leading = leading && c == '0';
        if (!leading && !decimal->whole && left > float_digits_max) {
            return false;
        }
        huge = huge || __builtin_mul_overflow(sum, 10, &sum)
               || __builtin_add_overflow(sum, c - '0', &sum);
        left--;
    }
    for (; left > 0 && sum > 0 && !huge; left--) {
        huge = __builtin_mul_overflow(sum, 10, &sum);
    }
    sum = huge ? INT64_MAX : sum;
    *number = decimal->negative ? -sum : sum;
    return true;
}

static enum result coerce(struct slice value, bool fraction_in_string, struct arena *arena,
                          int64_t *number)
{
    struct slice text = value;
    enum json_kind kind = jtext_kind(value);
    if (kind == JSON_BOOL) {
        *number = value.data[0] == 't';
        return RESULT_OK;
    }
    if (kind == JSON_STRING) {
        enum result result = jtext_unescape(jtext_inside(value), arena, &text);
        if (result != RESULT_OK) {
            return result;
        }
        text = text_trim(text);
    } else if (kind != JSON_NUMBER) {
        return RESULT_INVALID;
    }
    struct decimal decimal;
    bool fine = read_decimal(text, &decimal)
                && (decimal.whole || fraction_in_string || kind == JSON_NUMBER)
                && truncate_decimal(&decimal, number);
    return fine ? RESULT_OK : RESULT_INVALID;
}

enum result coerce_int(struct slice value, struct arena *arena, int64_t *number)
{
    return coerce(value, false, arena, number);
}

enum result coerce_float(struct slice value, struct arena *arena, int64_t *number)
{
    return coerce(value, true, arena, number);
}

static bool is_zero(struct slice number)
{
    for (size_t i = 0; i < number.size_bytes && (number.data[i] | 0x20) != 'e'; i++) {
        if (number.data[i] >= '1' && number.data[i] <= '9') {
            return false;
        }
    }
    return true;
}

bool coerce_is_falsy(struct slice value)
{
    struct jtext_cursor cursor = {0};
    struct slice key;
    struct slice part;
    switch (jtext_kind(value)) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return value.data[0] == 'f';
    case JSON_NUMBER:
        return is_zero(value);
    case JSON_STRING:
        return value.size_bytes == 2;
    case JSON_ARRAY:
        return !jtext_next_item(value, &cursor, &part);
    case JSON_OBJECT:
        break;
    }
    return !jtext_next_member(value, &cursor, &key, &part);
}

bool coerce_fits_numeric(struct slice number)
{
    struct decimal decimal;
    if (number.size_bytes <= digits_max && memchr(number.data, 'e', number.size_bytes) == NULL
        && memchr(number.data, 'E', number.size_bytes) == NULL) {
        return true;
    }
    return read_decimal(number, &decimal) && decimal.before + decimal.exponent <= digits_max
           && decimal.after - decimal.exponent <= digits_max && decimal.before <= digits_max
           && decimal.after <= digits_max;
}
