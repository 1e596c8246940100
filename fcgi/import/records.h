/*
 * Private to import/: the records that an input consists of.
 */
#ifndef REFRAIN_IMPORT_RECORDS_H
#define REFRAIN_IMPORT_RECORDS_H

#include "import/input.h"

/* The next line of the input without its end; *found is false after the last. The line is valid
 * until the input is read or passed again; `size` is to be passed then. */
enum result lines_next(struct input *input, struct slice *line, size_t *size, bool *found,
                       struct error *error) MUST_CHECK;

/* JSON values at a place in one large document, without the document in memory. */
struct items {
    /* The way to them: "[]" for every item of an array, else the name of a member; ended by NULL.
     * {"[]", "track", NULL} are the values of "track" in each object of the array. */
    const char *const *path;
    size_t level; /* containers on the way that have been entered */
    bool begun;   /* the document's outermost value has been reached */
    bool first;   /* nothing has been read in the innermost of them */
    bool at_value; /* the next byte that is no blank begins a value on the way */
};

/* The next value, not checked but for its end, else as lines_next(). RESULT_INVALID where the
 * document is cut short or has no such shape; what is beside the way is skipped unread. */
enum result items_next(struct items *items, struct input *input, struct slice *item, size_t *size,
                       bool *found, struct error *error) MUST_CHECK;

#endif
