#include "import/import.h"

#include "base/clock.h"
#include "json/json.h"
#include "import/format.h"
#include "import/records.h"
#include "listen/submission.h"

#include <stdlib.h>

static const struct import_format *const formats[] = {
    &import_listenbrainz_list,
    &import_listenbrainz_lines,
    &import_spotify,
    &import_lastfm_list,
    &import_lastfm_page,
    &import_lastfm_answers,
    &import_lastfm_answer,
    &import_lastfm_table,
    &import_lastfm1k,
    &import_audioscrobbler,
    &import_maloja,
    &import_koito,
};
enum { formats_count = sizeof formats / sizeof *formats };

struct import {
    struct import_options options;
    struct import_context context;
    const struct import_format *format;
    struct input *input;
    struct items items;
    struct buffer listen; /* the last row as a submission has it */
    bool in_file;
    const char *path;
    const struct import_format *first_known; /* of the first file that was of any */
    bool empty_list; /* a file of the zip was one */
    bool too_large;      /* the last record was, and has been passed */
    size_t record_bytes; /* of the last record, to be passed before the next is read */
    int64_t record_lines;
    int64_t line;
};

/* ── helpers of the formats ── */

const struct import_format *import_format_at(size_t index)
{
    return index < formats_count ? formats[index] : NULL;
}

bool import_take_line(struct slice *text, struct slice *line)
{
    if (text->size_bytes == 0) {
        return false;
    }
    const char *end = memchr(text->data, '\n', text->size_bytes);
    size_t length = end == NULL ? text->size_bytes : (size_t)(end - text->data);
    size_t taken = end == NULL ? length : length + 1;
    *line = slice_of(text->data, length);
    *text = slice_of(text->data + taken, text->size_bytes - taken);
    return true;
}

bool import_begins(struct slice text, char c)
{
    size_t at = 0;
    while (at < text.size_bytes && strchr(" \t\r\n", text.data[at]) != NULL) {
        at++;
    }
    return at < text.size_bytes && text.data[at] == c;
}

bool import_contains(struct slice text, const char *part)
{
    return text.size_bytes > 0
           && memmem(text.data, text.size_bytes, part, strlen(part)) != NULL;
}

enum result import_refuse(enum import_row *row, struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *row = IMPORT_REFUSED;
    (void)error_set_list(error, RESULT_OK, "import", format, args);
    va_end(args);
    return RESULT_OK;
}

enum result import_skip(enum import_row *row, struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *row = IMPORT_SKIPPED;
    (void)error_set_list(error, RESULT_OK, "import", format, args);
    va_end(args);
    return RESULT_OK;
}

static enum result tell(enum result result, struct error *error)
{
    return result == RESULT_NO_MEMORY ? error_set(error, result, "import", "out of memory")
                                      : result;
}

/* ── opening ── */

static enum result fail_unknown(const char *path, const char *how, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import",
                     "%s %s; these can be read: exports of ListenBrainz, Spotify (extended "
                     "history), Last.fm (JSON, CSV, TSV), Last.fm-1K, Audioscrobbler logs, Maloja "
                     "and Koito, as they are or within zip or gzip",
                     path, how);
}

static enum result fail_empty(const char *path, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s holds no listens", path);
}

/* An array of nothing, which may be of any format. */
static bool is_empty_list(struct slice text)
{
    static const char brackets[] = "[]";
    size_t met = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (strchr(" \t\r\n", text.data[i]) != NULL && text.data[i] != '\0') {
            continue;
        }
        if (met == 2 || text.data[i] != brackets[met]) {
            return false;
        }
        met++;
    }
    return met == 2;
}

/* NULL where the file that the window begins with is of none. */
static const struct import_format *find_format(const struct import *import)
{
    for (size_t i = 0; i < formats_count; i++) {
        if (formats[i]->knows(input_window(import->input))) {
            return formats[i];
        }
    }
    return NULL;
}

static enum result open_file(struct import *import, const char *path, struct error *error)
{
    enum result result = input_open(path, &import->input, error);
    if (result != RESULT_OK || input_is_zip(import->input)) {
        return result;
    }
    import->first_known = find_format(import);
    if (import->first_known != NULL) {
        return RESULT_OK;
    }
    return is_empty_list(input_window(import->input))
               ? fail_empty(path, error)
               : fail_unknown(path, "does not look like a listening history", error);
}

static enum result open_all(struct import *import, const char *path, struct error *error)
{
    import->context.options = &import->options;
    import->context.row_arena = arena_create();
    import->context.file_arena = arena_create();
    if (import->context.row_arena == NULL || import->context.file_arena == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (import->options.source_user != NULL) {
        import->options.source_user =
            arena_copy(import->context.file_arena, slice_text(import->options.source_user));
        if (import->options.source_user == NULL) {
            return RESULT_NO_MEMORY;
        }
    }
    import->path = arena_copy(import->context.file_arena, slice_text(path));
    return import->path == NULL ? RESULT_NO_MEMORY : open_file(import, path, error);
}

enum result import_open(const char *path, const struct import_options *options,
                        struct import **import, struct error *error)
{
    struct import *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tell(RESULT_NO_MEMORY, error);
    }
    made->options = *options;
    enum result result = open_all(made, path, error);
    if (result != RESULT_OK) {
        import_close(&made);
        return tell(result, error);
    }
    *import = made;
    return RESULT_OK;
}

void import_close(struct import **import)
{
    if (*import == NULL) {
        return;
    }
    input_close(&(*import)->input);
    arena_destroy(&(*import)->context.row_arena);
    arena_destroy(&(*import)->context.file_arena);
    buffer_free(&(*import)->listen);
    free(*import);
    *import = NULL;
}

/* ── reading ── */

/* What a format begins with is passed, and told it. */
static void begin_file(struct import *import)
{
    const struct import_format *format = import->format;
    import->items = (struct items){.path = format->path};
    import->context.file = (struct import_file){0};
    import->line = 1;
    import->record_lines = 0;
    if (format->begin == NULL) {
        return;
    }
    struct slice head = input_window(import->input);
    size_t size = format->begin(&import->context, head);
    for (size_t i = 0; i < size; i++) {
        import->line += head.data[i] == '\n';
    }
    input_pass(import->input, size);
}

static enum result read_record(struct import *import, struct slice *record, bool *found,
                               struct error *error)
{
    const struct import_format *format = import->format;
    input_pass(import->input, import->record_bytes);
    import->line += import->record_lines;
    import->record_bytes = 0;
    import->record_lines = 1;
    *found = false;
    if (format->path != NULL) {
        return items_next(&import->items, import->input, record, &import->record_bytes, found,
                          error);
    }
    if (format->is_table) {
        return rows_next(import->input, &import->context.file, record, &import->record_bytes,
                         &import->record_lines, found, error);
    }
    return lines_next(import->input, record, &import->record_bytes, found, error);
}

static enum result next_in_file(struct import *import, struct slice *record, bool *found,
                                struct error *error)
{
    enum result result = read_record(import, record, found, error);
    import->too_large = result == RESULT_TOO_LARGE;
    if (!import->too_large) {
        return result;
    }
    *found = true;
    struct error unread;
    result = import->format->path == NULL ? lines_pass(import->input, &unread) : RESULT_OK;
    if (result != RESULT_OK) {
        *error = unread;
    }
    return result;
}

static enum result end_files(const struct import *import, struct error *error)
{
    if (import->first_known != NULL) {
        return RESULT_OK;
    }
    return import->empty_list
               ? fail_empty(import->path, error)
               : fail_unknown(import->path, "is a zip that holds no listening history", error);
}

/* *found is false after the last file; a file of a zip may be of no format. */
static enum result next_file(struct import *import, bool *found, struct error *error)
{
    enum result result = input_next(import->input, found, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (!*found) {
        return end_files(import, error);
    }
    import->format = find_format(import);
    import->in_file = import->format != NULL;
    import->empty_list |= is_empty_list(input_window(import->input));
    if (import->in_file) {
        import->first_known =
            import->first_known == NULL ? import->format : import->first_known;
        begin_file(import);
    }
    return RESULT_OK;
}

static bool is_blank(struct slice record)
{
    size_t at = 0;
    while (at < record.size_bytes && strchr(" \t\r", record.data[at]) != NULL) {
        at++;
    }
    return at == record.size_bytes;
}

/* The next record that is more than blanks, in this file or the next of the zip, or the next file
 * that is of no format. */
static enum result next_record(struct import *import, struct slice *record, bool *found,
                               struct error *error)
{
    for (;;) {
        enum result result;
        if (!import->in_file) {
            result = next_file(import, found, error);
            if (result != RESULT_OK || !*found || !import->in_file) {
                return result;
            }
        }
        result = next_in_file(import, record, found, error);
        if (result != RESULT_OK) {
            return result;
        }
        if (*found && (import->too_large || !is_blank(*record))) {
            return RESULT_OK;
        }
        import->in_file = *found;
    }
}

/* What was not sent with the listen, unless it was found for another recording than that sent. */
static void add_mapping(const struct import_mapping *mapping, struct listen *listen)
{
    if (listen->recording_mbid.size_bytes > 0 && mapping->recording_mbid.size_bytes > 0
        && !slice_equal(listen->recording_mbid, mapping->recording_mbid)) {
        return;
    }
    const struct {
        struct slice *to;
        struct slice from;
    } fields[] = {
        {&listen->artist_mbids, mapping->artist_mbids},
        {&listen->recording_mbid, mapping->recording_mbid},
        {&listen->release_mbid, mapping->release_mbid},
        {&listen->release_group_mbid, mapping->release_group_mbid},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].to->size_bytes == 0) {
            *fields[i].to = fields[i].from;
        }
    }
}

static enum result read_row(struct import *import, enum import_row *row, struct listen *listen,
                            struct error *error)
{
    struct slice record;
    bool found;
    enum result result = next_record(import, &record, &found, error);
    if (result != RESULT_OK || !found) {
        *row = IMPORT_END;
        return result;
    }
    if (!import->in_file) {
        import->line = 1;
        return import_skip(row, error, "a file of the zip that holds no listens");
    }
    if (import->too_large) {
        *row = IMPORT_REFUSED;
        return RESULT_OK;
    }
    *row = IMPORT_LISTEN;
    result = import->format->translate(&import->context, record, &import->listen, row, error);
    if (result == RESULT_OK) {
        result = buffer_result(&import->listen);
    }
    if (result != RESULT_OK || *row != IMPORT_LISTEN) {
        return result;
    }
    result = submission_parse_listen(buffer_slice(&import->listen), SUBMISSION_IMPORT,
                                     clock_wall_s(), import->context.row_arena, listen, error);
    if (result == RESULT_INVALID) {
        *row = IMPORT_REFUSED;
        return RESULT_OK;
    }
    add_mapping(&import->context.mapping, listen);
    return result;
}

enum result import_next(struct import *import, enum import_row *row, struct listen *listen,
                        struct error *error)
{
    arena_reset(import->context.row_arena);
    buffer_clear(&import->listen);
    import->context.mapping = (struct import_mapping){0};
    return tell(read_row(import, row, listen, error), error);
}

const struct import_feedback *import_feedback(const struct import *import)
{
    return &import->context.feedback;
}

const char *import_file(const struct import *import)
{
    return input_name(import->input);
}

int64_t import_line(const struct import *import)
{
    return import->line;
}

const char *import_format_name(const struct import *import)
{
    return import->first_known == NULL ? "none" : import->first_known->name;
}
