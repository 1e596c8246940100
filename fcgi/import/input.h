/*
 * Private to import/: the bytes of a file, or of the members of a zip one after the other, through
 * a window that grows with the record that stands in it and no further than INPUT_RECORD_MAX_BYTES.
 */
#ifndef REFRAIN_IMPORT_INPUT_H
#define REFRAIN_IMPORT_INPUT_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    INPUT_RECORD_MAX_BYTES = 16 << 20, /* above the longest listen that a submission can make */
    INPUT_HEAD_BYTES = 64 << 10,
};

struct input;

/* RESULT_INVALID: it can't be opened or read, is a directory, empty, or in another form than UTF-8
 * text, be it packed by zip or gzip. Of a file that is no zip, the window holds the head (as much of
 * it as there is). */
enum result input_open(const char *path, struct input **input, struct error *error) MUST_CHECK;
void input_close(struct input **input);

bool input_is_zip(const struct input *input);

/* Goes to the next file (there is one, unless it is a zip) and past its byte order mark; the window
 * holds its head. */
enum result input_next(struct input *input, bool *found, struct error *error) MUST_CHECK;

/* What has been read and not passed; valid until the next call that reads or passes. */
struct slice input_window(const struct input *input);
/* Makes the window longer; *more is false at the end of the file. RESULT_TOO_LARGE, and nothing has
 * changed, where it is as long as it can be. */
enum result input_read(struct input *input, bool *more, struct error *error) MUST_CHECK;
void input_pass(struct input *input, size_t size_bytes);

/* The file, or the member. */
const char *input_name(const struct input *input);

#endif
