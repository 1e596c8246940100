/*
 * What Python makes of JSON values, as far as the ListenBrainz contract builds on it. Values are
 * slices of checked JSON.
 */
#ifndef REFRAIN_LISTEN_COERCE_H
#define REFRAIN_LISTEN_COERCE_H

#include "base/arena.h"
#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* int(value): numbers are cut to whole ones, true is 1, a string must hold a whole number (blanks
 * around it and underscores between digits are fine). What is beyond int64_t becomes its nearest
 * end. RESULT_INVALID where Python would raise an error. */
enum result coerce_int(struct slice value, struct arena *arena, int64_t *number) MUST_CHECK;

/* int(float(value)): a string may also hold a fraction or an exponent. */
enum result coerce_float(struct slice value, struct arena *arena, int64_t *number) MUST_CHECK;

/* null, false, 0, "", [] and {}. */
bool coerce_is_falsy(struct slice value);

/* Whether PostgreSQL's numeric takes the number, and writes it in a length near to that sent:
 * at most 1000 digits on either side of the point once the exponent is worked in. */
bool coerce_fits_numeric(struct slice number);

#endif
