/*
 * Tables of tags: lines of artist, tag and, maybe, weight, parted by tabs, as they are or within zip
 * or gzip. Quotes are text. A header may stand above them, and tell another order.
 */
#ifndef REFRAIN_IMPORT_TAGS_H
#define REFRAIN_IMPORT_TAGS_H

#include "base/result.h"
#include "base/slice.h"

#include <stdint.h>

struct tags;

/* What a line says. Texts live until the next line is read. */
struct tags_row {
    unsigned char artist[16]; /* the MBID, or the msid of the name */
    struct slice tag;         /* not judged: what counts as one is for the database to tell */
    struct slice weight;      /* a decimal number above 0, "1" where there is none */
};

enum tags_line {
    TAGS_END,
    TAGS_ROW,
    TAGS_SKIPPED, /* a weight of 0 or less: whoever made the file says that it is no such artist */
    TAGS_REFUSED, /* a bad line; the error says why */
};

/* RESULT_INVALID: the file can't be read, or is no UTF-8 text. The caller owns the table. */
enum result tags_open(const char *path, struct tags **tags, struct error *error) MUST_CHECK;
void tags_close(struct tags **tags);

/* The next line that is neither blank nor a header. RESULT_INVALID, too, where a header tells of other
 * columns. */
enum result tags_next(struct tags *tags, enum tags_line *line, struct tags_row *row,
                      struct error *error) MUST_CHECK;

/* Where that line stands: the file, or the member of a zip, and the line in it. */
const char *tags_file(const struct tags *tags);
int64_t tags_line_number(const struct tags *tags);

#endif
