/*
 * JSON in and out. In: the bytes are first checked against RFC 8259 by a scanner of ours, since the
 * library behind the values (json-c) lets NaN, single quotes, raw tabs, overlong UTF-8 and
 * surrogates pass and saturates big integers. What must be kept exactly as sent is taken as a slice
 * of the checked text; what must be understood is taken as a value.
 */
#ifndef REFRAIN_JSON_JSON_H
#define REFRAIN_JSON_JSON_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64 };

/* One value and nothing after it but blanks: RFC 8259, well-formed UTF-8, no lone surrogate in an
 * escape, at most JSON_DEPTH_MAX deep. RESULT_INVALID with a text that names the byte (the first is
 * 1) and what was expected there. */
enum result jtext_check(struct slice text, struct error *error) MUST_CHECK;

/* The same for a request's body, which must be an object: RESULT_INVALID with the texts that the
 * ListenBrainz contract has for it. */
enum result jtext_check_object(struct slice text, struct error *error) MUST_CHECK;

/* The functions on slices want text that jtext_check() has passed, or a part that they gave out. */

/* The kind of the value that `value` is. */
enum json_kind jtext_kind(struct slice value);

/* Walks an array or an object: start with a zeroed cursor; false at the end. `key` is the raw text
 * between the quotes, escapes and all. */
struct jtext_cursor {
    size_t at;
};
bool jtext_next_item(struct slice array, struct jtext_cursor *cursor, struct slice *item);
bool jtext_next_member(struct slice object, struct jtext_cursor *cursor, struct slice *key,
                       struct slice *value);

/* Walks all strings (keys too), numbers and words of a value at whatever depth, as they stand. */
bool jtext_next_scalar(struct slice value, struct jtext_cursor *cursor, struct slice *scalar);

/* The value of a member, the last one where a key is doubled. Keys are compared unescaped. */
bool jtext_member(struct slice object, const char *key, struct slice *value);

/* What is between the quotes of a string value. */
struct slice jtext_inside(struct slice string);
/* Whether raw text between quotes holds U+0000, which PostgreSQL can't. */
bool jtext_has_nul(struct slice raw);
/* The bytes that raw text between quotes stands for: `raw` itself where nothing is escaped, else a
 * copy in the arena. RESULT_NO_MEMORY at worst. */
enum result jtext_unescape(struct slice raw, struct arena *arena, struct slice *text) MUST_CHECK;

/* Members with their keys unescaped, in the order in which the keys first came. */
struct jmember {
    struct slice key;
    struct slice value;
};
struct jmembers {
    struct jmember *items;
    size_t count;
    size_t room;
};
/* The members of an object, each key once: the last value counts. In the arena, except for values
 * and plain keys, which are parts of `object`. RESULT_NO_MEMORY at worst. */
enum result jmembers_read(struct slice object, struct arena *arena,
                          struct jmembers *members) MUST_CHECK;
/* Adds one at the end, doubled or not. */
enum result jmembers_add(struct jmembers *members, struct arena *arena, struct slice key,
                         struct slice value) MUST_CHECK;
/* Leaves each key once, at its first place with its last value, in n·log n steps at worst. */
enum result jmembers_unite(struct jmembers *members, struct arena *arena) MUST_CHECK;
/* NULL where there is none; good for a few look-ups, not for many. */
struct jmember *jmembers_find(const struct jmembers *members, const char *key);

/* A value understood, over json-c. One owner: the one who parsed it; parts live as long as it. */
struct jvalue;
/* `text` as jtext_check() passes it. RESULT_INVALID where a key holds U+0000, because json-c would
 * take what stands before it for the key. */
enum result jvalue_parse(struct slice text, struct jvalue **value, struct error *error) MUST_CHECK;
void jvalue_free(struct jvalue **value);
enum json_kind jvalue_kind(const struct jvalue *value);
/* A part of an object, NULL where it is absent (a null is there and of kind JSON_NULL). */
const struct jvalue *jvalue_member(const struct jvalue *object, const char *key);
size_t jvalue_count(const struct jvalue *array);
const struct jvalue *jvalue_item(const struct jvalue *array, size_t index);
/* The unescaped bytes of a string (NULs included), valid as long as the value. */
struct slice jvalue_text(const struct jvalue *string);
/* False unless it is a number without point and exponent whose amount is below 2^63. */
bool jvalue_int(const struct jvalue *value, int64_t *number);
/* The value as JSON, valid as long as it; numbers beyond 64 bits are cut. Empty where memory is
 * short. */
struct slice jvalue_json(const struct jvalue *value);

/* Appends `text` as a JSON string with its quotes; well-formed UTF-8 is kept, only what must be
 * escaped is. */
void jwrite_string(struct buffer *to, struct slice text);

#endif
