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

enum { IMPORT_COLUMNS_MAX = 64, IMPORT_COLUMN_NAME_SIZE = 48, IMPORT_CLIENT_SIZE = 128 };

struct import_column {
    int field; /* enum play_field or enum column */
    char name[IMPORT_COLUMN_NAME_SIZE];
};

/* What the first lines of a file tell about the others; zeroed where a file begins. */
struct import_file {
    char separator; /* of a table's columns */
    size_t columns_count;
    struct import_column columns[IMPORT_COLUMNS_MAX];
    char client[IMPORT_CLIENT_SIZE]; /* what has written the file */
};

/* MBIDs of a listen that were not sent with it, as struct listen has them. */
struct import_mapping {
    struct slice artist_mbids;
    struct slice recording_mbid;
    struct slice release_mbid;
    struct slice release_group_mbid;
};

/* What a format has at hand while a file is read. */
struct import_context {
    const struct import_options *options;
    struct arena *row_arena;  /* emptied before each record */
    struct arena *file_arena; /* lives as long as the import */
    struct import_file file;
    struct import_mapping mapping;   /* emptied before each record */
    struct import_feedback feedback; /* what a record was that became IMPORT_FEEDBACK */
};

struct import_format {
    const char *name; /* as people call it */
    /* The way to the records within a JSON document (struct items); NULL: each line is one. */
    const char *const *path;
    /* Each row of a table is a record, of one line or of several (see import/columns.h). */
    bool is_table;
    /* Takes down in context->file what the first lines tell: how many bytes they are, which are
     * no records. NULL: the first line is one. */
    size_t (*begin)(struct import_context *context, struct slice head);
    /* Whether a file that begins like this is of this format. The last line may be cut. */
    bool (*knows)(struct slice head);
    /* Appends the record as a listen of a submission ({"listened_at":…, "track_metadata":…}, well
     * formed; its values are checked afterwards), or sets *row to something else, with the reason
     * in the error (import_refuse(), import_skip()). A failure ends the import. */
    enum result (*translate)(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error);
};

extern const struct import_format import_listenbrainz_list;
extern const struct import_format import_listenbrainz_lines;
extern const struct import_format import_spotify;
extern const struct import_format import_lastfm_list;
extern const struct import_format import_lastfm_page;
extern const struct import_format import_lastfm_answers;
extern const struct import_format import_lastfm_answer;
extern const struct import_format import_lastfm_table;
extern const struct import_format import_lastfm1k;
extern const struct import_format import_audioscrobbler;
extern const struct import_format import_maloja;
extern const struct import_format import_koito;

/* The formats in the order in which they are tried; NULL behind the last. */
const struct import_format *import_format_at(size_t index);

/* Takes the first line off `text`; false where there is none left. */
bool import_take_line(struct slice *text, struct slice *line);

/* Whether the first byte that is no blank is `c`. */
bool import_begins(struct slice text, char c);

bool import_contains(struct slice text, const char *part);

/* Whether a JSON document that begins like this has a member of this name within so many containers:
 * of an object alone it is 1, of the objects of an array 2. */
bool import_has_key(struct slice head, size_t depth, const char *key);

/* Refuses the row: RESULT_OK, with the reason in the error. */
enum result import_refuse(enum import_row *row, struct error *error, const char *format,
                          ...) PRINTF_LIKE(3, 4);

/* Leaves the row out: RESULT_OK, with the reason in the error, one of few. */
enum result import_skip(enum import_row *row, struct error *error, const char *format,
                        ...) PRINTF_LIKE(3, 4);

#define IMPORT_CLIENT "Refrain importer"

#endif
