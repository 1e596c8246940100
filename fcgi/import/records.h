/*
 * Private to import/: the records that an input consists of.
 */
#ifndef REFRAIN_IMPORT_RECORDS_H
#define REFRAIN_IMPORT_RECORDS_H

#include "import/format.h"
#include "import/input.h"

/* The next line of the input without its end; *found is false after the last. The line is valid
 * until the input is read or passed again; `size` is to be passed then. RESULT_TOO_LARGE where it
 * does not fit into the window. */
enum result lines_next(struct input *input, struct slice *line, size_t *size, bool *found,
                       struct error *error) MUST_CHECK;
/* Passes the line that lines_next() or rows_next() found too large. */
enum result lines_pass(struct input *input, struct error *error) MUST_CHECK;

/* The next row of a table, of a line or of up to eight, likewise; `table` tells its separator and
 * how many columns it should have. Where a quote opens a row that has no end near by, or another
 * number of columns at its end, only the line is given: what is wrong with it is said of the line,
 * and the next is read as usual. */
enum result rows_next(struct input *input, const struct import_file *table, struct slice *row,
                      size_t *size, int64_t *lines, bool *found, struct error *error) MUST_CHECK;

/* JSON values at a place in one large document, without the document in memory. */
struct items {
    /* The way to them: "[]" for every item of an array, else the name of a member; ended by NULL.
     * {"[]", "track", NULL} are the values of "track" in each object of the array. "[]?" at the end
     * are the items of an array, or what stands there in its stead. */
    const char *const *path;
    size_t level; /* containers on the way that have been entered */
    bool begun;   /* the document's outermost value has been reached */
    bool first;   /* nothing has been read in the innermost of them */
    bool at_value; /* the next byte that is no blank begins a value on the way */
};

/* The next value, not checked but for its end, else as lines_next(). RESULT_INVALID where the
 * document is cut short or has no such shape; what is beside the way is skipped unread.
 * RESULT_TOO_LARGE: this value has been passed, and can't be had. */
enum result items_next(struct items *items, struct input *input, struct slice *item, size_t *size,
                       bool *found, struct error *error) MUST_CHECK;

#endif
