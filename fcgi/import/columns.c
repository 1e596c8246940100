#include "import/columns.h"

#include "base/text.h"

#include <stdio.h>

/* ── rows ── */

/* Where the field at `at` ends that is not quoted. */
static size_t plain_end(struct slice row, size_t at, char separator)
{
    while (at < row.size_bytes && row.data[at] != separator && row.data[at] != '\n') {
        at++;
    }
    return at;
}

/* Where the field whose quote is at `at` ends, behind its last quote. */
static enum columns_shape quoted_end(struct slice row, size_t at, char separator, size_t *end)
{
    for (;;) {
        const char *quote = at + 1 < row.size_bytes
                                ? memchr(row.data + at + 1, '"', row.size_bytes - at - 1)
                                : NULL;
        if (quote == NULL) {
            return COLUMNS_OPEN;
        }
        at = (size_t)(quote - row.data) + 1;
        *end = at;
        if (at == row.size_bytes || row.data[at] == separator) {
            return COLUMNS_WHOLE;
        }
        if (row.data[at] != '"') {
            return COLUMNS_BROKEN;
        }
    }
}

enum columns_shape columns_shape(struct slice lines, char separator, size_t *count)
{
    size_t at = 0;
    for (*count = 1;; ++*count, at++) {
        enum columns_shape shape = COLUMNS_BROKEN;
        if (at < lines.size_bytes && lines.data[at] == '"') {
            size_t end;
            shape = quoted_end(lines, at, separator, &end);
            if (shape == COLUMNS_OPEN) {
                return shape;
            }
            at = shape == COLUMNS_WHOLE ? end : at;
        }
        if (shape == COLUMNS_BROKEN) {
            at = plain_end(lines, at, separator);
        }
        if (at == lines.size_bytes || lines.data[at] == '\n') {
            return at == lines.size_bytes ? COLUMNS_WHOLE : COLUMNS_BROKEN;
        }
    }
}

size_t columns_split(struct slice line, char separator, struct slice *columns, size_t room)
{
    size_t at = 0;
    for (size_t count = 1;; count++, at++) {
        const char *found = at == line.size_bytes
                                ? NULL
                                : memchr(line.data + at, separator, line.size_bytes - at);
        size_t end = found == NULL ? line.size_bytes : (size_t)(found - line.data);
        if (count <= room) {
            columns[count - 1] = slice_of(line.data + at, end - at);
        }
        if (found == NULL) {
            return count;
        }
        at = end;
    }
}

/* What is between the quotes, with the doubled ones made single. */
static enum result unquote(struct slice field, struct arena *arena, struct slice *text)
{
    *text = slice_of(field.data + 1, field.size_bytes - 2);
    if (text->size_bytes == 0 || memchr(text->data, '"', text->size_bytes) == NULL) {
        return RESULT_OK;
    }
    char *copy = arena_alloc(arena, text->size_bytes);
    if (copy == NULL) {
        return RESULT_NO_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < text->size_bytes; i++) {
        copy[size++] = text->data[i];
        i += text->data[i] == '"';
    }
    *text = slice_of(copy, size);
    return RESULT_OK;
}

enum result columns_split_quoted(struct slice row, char separator, struct arena *arena,
                                 struct slice *columns, size_t room, size_t *count)
{
    size_t at = 0;
    for (*count = 1;; ++*count, at++) {
        size_t end;
        bool quoted = at < row.size_bytes && row.data[at] == '"'
                      && quoted_end(row, at, separator, &end) == COLUMNS_WHOLE;
        end = quoted ? end : plain_end(row, at, separator);
        struct slice field = slice_of(row.data + at, end - at);
        enum result result = quoted ? unquote(field, arena, &field) : RESULT_OK;
        if (result != RESULT_OK) {
            return result;
        }
        if (*count <= room) {
            columns[*count - 1] = field;
        }
        if (end == row.size_bytes) {
            return RESULT_OK;
        }
        at = end;
    }
}

/* ── headers ── */

enum { header_lines_max = 8 }; /* notes may stand before it */

/* Names as columns_find_header() compares them: small letters and digits, nothing else. */
static const struct {
    const char *name;
    int column; /* enum play_field or enum column */
} known[] = {
    {"uts", PLAY_TIME},
    {"dateuts", PLAY_TIME},
    {"time", PLAY_TIME},
    {"timestamp", PLAY_TIME},
    {"unixtime", PLAY_TIME},
    {"unixtimestamp", PLAY_TIME},
    {"datetimeunix", PLAY_TIME},
    {"timestampunix", PLAY_TIME},
    {"listenedat", PLAY_TIME},
    {"playedat", PLAY_TIME},
    {"scrobbledat", PLAY_TIME},
    {"scrobbletime", PLAY_TIME},
    {"utctime", PLAY_TIME_SPELT},
    {"timestamputc", PLAY_TIME_SPELT},
    {"date", PLAY_TIME_SPELT},
    {"datetime", PLAY_TIME_SPELT},
    {"artist", PLAY_ARTIST},
    {"artistname", PLAY_ARTIST},
    {"track", PLAY_TRACK},
    {"trackname", PLAY_TRACK},
    {"tracktitle", PLAY_TRACK},
    {"title", PLAY_TRACK},
    {"name", PLAY_TRACK},
    {"song", PLAY_TRACK},
    {"songname", PLAY_TRACK},
    {"album", PLAY_RELEASE},
    {"albumname", PLAY_RELEASE},
    {"albumtitle", PLAY_RELEASE},
    {"release", PLAY_RELEASE},
    {"releasename", PLAY_RELEASE},
    {"albumartist", PLAY_RELEASE_ARTIST},
    {"releaseartistname", PLAY_RELEASE_ARTIST},
    {"artistmbid", PLAY_ARTIST_MBIDS},
    {"artistmbids", PLAY_ARTIST_MBIDS},
    {"mbid", PLAY_TRACK_MBID},
    {"trackmbid", PLAY_TRACK_MBID},
    {"recordingmbid", PLAY_RECORDING_MBID},
    {"albummbid", PLAY_RELEASE_MBID},
    {"releasembid", PLAY_RELEASE_MBID},
    {"releasegroupmbid", PLAY_RELEASE_GROUP_MBID},
    {"duration", PLAY_DURATION_S},
    {"length", PLAY_DURATION_S},
    {"durationms", PLAY_DURATION_MS},
    {"durationplayed", PLAY_PLAYED_S},
    {"tracknumber", PLAY_TRACK_NUMBER},
    {"tracknum", PLAY_TRACK_NUMBER},
    {"discnumber", PLAY_DISC_NUMBER},
    {"isrc", PLAY_ISRC},
    {"loved", PLAY_LOVED},
    {"url", PLAY_URL},
    {"trackurl", PLAY_URL},
    {"originurl", PLAY_URL},
    {"client", PLAY_CLIENT},
    {"originalsubmissionclient", PLAY_CLIENT},
    {"mediaplayer", PLAY_PLAYER},
    {"musicservice", PLAY_SERVICE},
    {"user", COLUMN_USER},
    {"username", COLUMN_USER},
    {"userid", COLUMN_USER},
    /* Names of a tool's own, and what submissions may have in another form only. */
    {"id", COLUMN_NONE},
    {"artistnames", COLUMN_NONE},
    {"recordingmsid", COLUMN_NONE},
    {"submissionclient", COLUMN_NONE},
    {"tags", COLUMN_NONE},
    {"workmbids", COLUMN_NONE},
};

/* Some tools append "#" and the listener's name. */
static void fold_name(struct slice name, char folded[IMPORT_COLUMN_NAME_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; i < name.size_bytes && name.data[i] != '#'; i++) {
        char c = name.data[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        bool counts = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (counts && size < IMPORT_COLUMN_NAME_SIZE - 1) {
            folded[size++] = c;
        }
    }
    folded[size] = '\0';
}

/* Long and odd names are not kept. */
static void keep_name(struct slice name, struct import_column *column)
{
    size_t size = name.size_bytes;
    if (size >= 2 && name.data[0] == '"' && name.data[size - 1] == '"') {
        name = slice_of(name.data + 1, size - 2);
    }
    bool plain = text_is_plain(name) && name.size_bytes < sizeof column->name;
    snprintf(column->name, sizeof column->name, "%.*s", plain ? (int)name.size_bytes : 0,
             name.data);
}

/* Of two columns for one field the first counts. */
static void add_column(struct import_file *file, struct slice name)
{
    struct import_column *column = &file->columns[file->columns_count++];
    char folded[IMPORT_COLUMN_NAME_SIZE];
    fold_name(name, folded);
    keep_name(name, column);
    column->field = column->name[0] == '\0' ? COLUMN_NONE : COLUMN_OTHER;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, folded) == 0) {
            column->field = known[i].column;
        }
    }
    for (size_t i = 0; i + 1 < file->columns_count; i++) {
        if (file->columns[i].field == column->field && column->field != COLUMN_OTHER) {
            column->field = COLUMN_NONE;
        }
    }
}

static bool has(const struct import_file *file, int field)
{
    size_t i = 0;
    while (i < file->columns_count && file->columns[i].field != field) {
        i++;
    }
    return i < file->columns_count;
}

static bool read_header(struct slice line, char separator, struct import_file *file)
{
    struct slice names[IMPORT_COLUMNS_MAX];
    size_t count = columns_split(line, separator, names, IMPORT_COLUMNS_MAX);
    file->separator = separator;
    file->columns_count = 0;
    for (size_t i = 0; i < count && count <= IMPORT_COLUMNS_MAX; i++) {
        add_column(file, names[i]);
    }
    return has(file, PLAY_ARTIST) && has(file, PLAY_TRACK)
           && (has(file, PLAY_TIME) || has(file, PLAY_TIME_SPELT));
}

bool columns_find_header(struct slice head, struct import_file *file, size_t *end)
{
    struct slice rest = head;
    struct slice line;
    for (size_t i = 0; i < header_lines_max && import_take_line(&rest, &line); i++) {
        line.size_bytes -= line.size_bytes > 0 && line.data[line.size_bytes - 1] == '\r';
        *end = head.size_bytes - rest.size_bytes;
        if (read_header(line, '\t', file) || read_header(line, ',', file)
            || read_header(line, ';', file)) {
            return true;
        }
    }
    return false;
}

enum result columns_choose_user(const struct import_context *context, struct slice user,
                                bool *wanted, struct error *error)
{
    if (context->options->source_user == NULL) {
        return error_set(error, RESULT_INVALID, "import",
                         "the file may hold listens of several people: say whose to import with "
                         "--source-user, or source_user over HTTP (the first is %.*s)",
                         SLICE_ARGS(user));
    }
    *wanted = slice_is(user, context->options->source_user);
    return RESULT_OK;
}
