/*
 * Readers of listening histories in files. The format is found by looking into the file; memory is
 * bounded whatever the size of the file.
 */
#ifndef REFRAIN_IMPORT_IMPORT_H
#define REFRAIN_IMPORT_IMPORT_H

#include "base/text.h"
#include "listen/listen.h"

#include <stdbool.h>
#include <stdint.h>

struct import;

struct import_options {
    const char *source_user; /* whose listens, in a file that may hold several people's; else NULL */
    int64_t play_min_ms;     /* shorter plays are skipped where the file tells (30,000 by custom) */
};

enum import_row {
    IMPORT_LISTEN,
    IMPORT_FEEDBACK, /* see import_feedback() */
    IMPORT_SKIPPED, /* rightly left out: too short, a podcast, somebody else's, playing now; the
                     * reason, one of few, is in the error's text */
    IMPORT_REFUSED, /* a bad row: the reason is in the error's text */
    IMPORT_END,
};

/* Opens a file in one of the formats of docs/imports.md. The options are copied. RESULT_INVALID says
 * what is wrong with the file, and what can be read. */
enum result import_open(const char *path, const struct import_options *options,
                        struct import **import, struct error *error) MUST_CHECK;
void import_close(struct import **import);

/* The next row. The listen lives until the next call. A failure (not RESULT_OK) is about the file
 * as a whole (cut short, unreadable, of nobody named): reading can't go on, what came before
 * stands. Reasons, names of members and import_file() may repeat text of the file. */
enum result import_next(struct import *import, enum import_row *row, struct listen *listen,
                        struct error *error) MUST_CHECK;

/* That a recording is loved (1) or hated (-1), by either id or both, the other is empty. */
struct import_feedback {
    char msid[UUID_TEXT_SIZE];
    char mbid[UUID_TEXT_SIZE];
    int score;
    int64_t created_s; /* in the range of listens */
};
/* What the last row was, where it was IMPORT_FEEDBACK; valid until the next call. */
const struct import_feedback *import_feedback(const struct import *import);

struct import_survey {
    int64_t rows;
    char format[128];
};

/* Reads the whole file without making listens of it: whether it can be read to its end, as what, and
 * how many rows import_next() will give. goes_on is asked now and then; when it says no,
 * RESULT_UNAVAILABLE. */
enum result import_survey(const char *path, const struct import_options *options,
                          bool (*goes_on)(void *context), void *context,
                          struct import_survey *survey, struct error *error) MUST_CHECK;

/* Where the last row stood: the file (within a zip: its member) and the line or item, from 1. */
const char *import_file(const struct import *import);
int64_t import_line(const struct import *import);
/* That of the first file that is in any; "none" before a zip has come to it. */
const char *import_format_name(const struct import *import);

#endif
