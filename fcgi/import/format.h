/*
 * Private to import/: what makes a format. A new one is a file with such a row, and its name in the
 * table of reader.c.
 */
#ifndef REFRAIN_IMPORT_FORMAT_H
#define REFRAIN_IMPORT_FORMAT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "import/import.h"

#include <stdbool.h>

/* What a format has at hand while a file is read. */
struct import_context {
    const struct import_options *options;
    struct arena *row_arena;  /* emptied before each record */
    struct arena *file_arena; /* lives as long as the import */
};

struct import_format {
    const char *name; /* as people call it */
    /* The way to the records within a JSON document (struct items); NULL: each line is one. */
    const char *const *path;
    /* Names of the files within a zip that are of this format (see unpack_has()); NULL: none. */
    const char *const *members;
    /* Whether a file that begins like this is of this format. The last line may be cut. */
    bool (*knows)(struct slice head);
    /* Appends the record as a listen of a submission ({"listened_at":…, "track_metadata":…}, well
     * formed; its values are checked afterwards), or sets *row to something else, with the reason
     * in the error where it is IMPORT_REFUSED. A failure ends the import. */
    enum result (*translate)(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error);
};

extern const struct import_format import_listenbrainz_list;
extern const struct import_format import_listenbrainz_lines;
extern const struct import_format import_spotify;
extern const struct import_format import_lastfm1k;

/* Takes the first line off `text`; false where there is none left. */
bool import_take_line(struct slice *text, struct slice *line);

/* Whether the first byte that is no blank is `c`. */
bool import_begins(struct slice text, char c);

bool import_contains(struct slice text, const char *part);

/* Refuses the row: RESULT_OK, with the reason in the error. */
enum result import_refuse(enum import_row *row, struct error *error, const char *format,
                          ...) PRINTF_LIKE(3, 4);

#define IMPORT_CLIENT "Refrain importer"

#endif
