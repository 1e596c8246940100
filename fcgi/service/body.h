/*
 * Bodies of requests that are understood, not kept: small JSON objects. What they are labelled as
 * (Content-Type) is not looked at, because some clients send nothing and some the wrong thing.
 */
#ifndef REFRAIN_SERVICE_BODY_H
#define REFRAIN_SERVICE_BODY_H

#include "http/http.h"
#include "json/json.h"

enum { BODY_MAX_BYTES = 262144 };

/* The body as an object; the caller frees it, and its parts live as long. RESULT_INVALID with the
 * contract's text, RESULT_TOO_LARGE over BODY_MAX_BYTES. */
enum result body_parse(const struct http_request *request, struct jvalue **object,
                       struct error *error) MUST_CHECK;

/* What Python's int() makes of a value (see listen/coerce.h); false where it would raise an error,
 * or memory is short. */
bool body_int(const struct jvalue *value, struct arena *arena, int64_t *number);

/* A text that is a UUID in any of Python's forms. */
bool body_uuid(const struct jvalue *value, unsigned char uuid[16]);

/* A value as an error text repeats it: a text without quotes, all else as JSON; the start of long
 * ones. */
struct slice body_shown(const struct jvalue *value);

/* RESULT_INVALID with the contract's text: what `key` holds, as body_shown() or the query shows it, is
 * no UUID. */
enum result body_wrong_uuid(const char *key, struct slice text, struct error *error) MUST_CHECK;

#endif
