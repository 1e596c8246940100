/*
 * Folded names: what is compared where case, width and blanks shall not count.
 */
#ifndef REFRAIN_BASE_FOLD_H
#define REFRAIN_BASE_FOLD_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/result.h"
#include "base/slice.h"

/* Of a user's name, before it is folded. */
enum { USER_NAME_CHARS_MAX = 64 };

/* Appends NFKC, case-folded, trimmed, with runs of blanks as one space. The form is part of every
 * stored id: it never changes. RESULT_INVALID where `name` is not UTF-8; nothing is appended then. */
enum result fold_append(struct buffer *to, struct slice name) MUST_CHECK;

/* The same as bytes of the arena, terminated; for short ASCII names many times quicker. */
enum result fold_copy(struct arena *arena, struct slice name, struct slice *folded) MUST_CHECK;

#endif
