/*
 * Strict readers of small texts: numbers, UTF-8, UUIDs, dates. Nothing is guessed or cut short.
 */
#ifndef REFRAIN_BASE_TEXT_H
#define REFRAIN_BASE_TEXT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* A decimal integer with an optional sign and nothing else; false also where it overflows. */
bool text_parse_int(struct slice text, int64_t *value);

/* Well-formed UTF-8 (no overlong forms, surrogates, or code points over U+10FFFF). */
bool text_is_utf8(struct slice text);

/* Visible ASCII without quotes and backslashes, so that it needs no escapes anywhere. */
bool text_is_plain(struct slice text);

/* The length in bytes of the code point that `text` begins with; 0 where that is no UTF-8. */
size_t text_char_size(struct slice text);

/* The number of code points of well-formed UTF-8. */
size_t text_count_chars(struct slice text);

/* The first bytes of well-formed UTF-8, at most so many, whole characters only. */
struct slice text_start(struct slice text, size_t bytes_max);

/* Makes a text that may come from a file fit for a terminal or a report: control bytes, and bytes that
 * are no UTF-8, become '?'. */
void text_clean(char *text);

/* Without the blanks at both ends, by the meaning of blank that Python's str.strip() has
 * (Unicode White_Space, and the separators U+001C to U+001F). Well-formed UTF-8 is expected. */
struct slice text_trim(struct slice text);

/* A UUID in any form that Python's uuid.UUID() takes: any case, dashes anywhere, braces, urn:uuid:
 * before it. */
bool text_parse_uuid(struct slice text, unsigned char uuid[16]);

enum { UUID_TEXT_SIZE = 37 };
/* 36 lower-case characters and a NUL. */
void text_format_uuid(const unsigned char uuid[16], char text[UUID_TEXT_SIZE]);

/* 2 × size characters and a NUL. */
void text_format_hex(const unsigned char *bytes, size_t size_bytes, char *text);

/* ISO 8601 in UTC, "2009-05-04T23:08:57Z" (the Z may be absent, a fraction is dropped, a blank may
 * stand for the T), to seconds since the epoch. False unless it is a real instant. */
bool text_parse_time(struct slice text, int64_t *time_s);

#endif
