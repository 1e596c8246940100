/*
 * Private to import/: rows of tables. Fields are quoted as RFC 4180 has it: within quotes a
 * separator or a line end is text, and a quote is doubled. A field that begins with a quote and is
 * not quoted so ("Heroes" (live), or a quote that nothing closes) is what stands there, up to the
 * next separator.
 */
#ifndef REFRAIN_IMPORT_COLUMNS_H
#define REFRAIN_IMPORT_COLUMNS_H

#include "import/play.h"

/* What a column may be besides a field of a play. */
enum column {
    COLUMN_OTHER = PLAY_FIELDS, /* kept under its own name */
    COLUMN_USER,                /* whose listen it is */
    COLUMN_NONE,                /* left out */
};

/* Splits a line without quotes: how many columns there are, of which the first `room` are kept. */
size_t columns_split(struct slice line, char separator, struct slice *columns, size_t room);

/* The same with quotes; what had to be unescaped is in the arena. RESULT_NO_MEMORY at worst. */
enum result columns_split_quoted(struct slice row, char separator, struct arena *arena,
                                 struct slice *columns, size_t room, size_t *count) MUST_CHECK;

/* How lines form a row. */
enum columns_shape {
    COLUMNS_WHOLE,  /* they are one */
    COLUMNS_OPEN,   /* a quoted field goes on in the next line */
    COLUMNS_BROKEN, /* they are several */
};
enum columns_shape columns_shape(struct slice lines, char separator, size_t *count);

/* Looks for a header among the first lines: the names of the columns, with an artist, a track and a
 * time among them. Gives the columns, and how many bytes end with that line. */
bool columns_find_header(struct slice head, struct import_file *file, size_t *end);

/* Whether the row is of the listener whose listens are wanted. RESULT_INVALID where nobody has
 * said who that is: whether a file holds one person's listens only is known at its end, and then it
 * would be too late. */
enum result columns_choose_user(const struct import_context *context, struct slice user,
                                bool *wanted, struct error *error) MUST_CHECK;

#endif
