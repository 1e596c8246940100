/*
 * Scrobbles as a table, which many tools make of what Last.fm (or Libre.fm) answers: CSV, or with
 * tabs or semicolons instead of commas. A header tells what the columns are; without one there are
 * four, as lastfm-to-csv writes them: artist, album, track, time.
 */
#include "base/text.h"
#include "import/columns.h"

/* Of a table without header; *end is then 0. */
static bool has_four_columns(struct slice head, struct import_file *file, size_t *end)
{
    static const struct import_column four[] = {
        {PLAY_ARTIST, "artist"},
        {PLAY_RELEASE, "album"},
        {PLAY_TRACK, "track"},
        {PLAY_TIME_SPELT, "time"},
    };
    enum { four_count = sizeof four / sizeof *four };
    struct slice line;
    *end = 0;
    for (int i = 0; i < 8 && import_take_line(&head, &line); i++) {
        struct slice columns[four_count];
        int64_t time_s;
        line.size_bytes -= line.size_bytes > 0 && line.data[line.size_bytes - 1] == '\r';
        if (columns_split(line, ',', columns, four_count) == four_count
            && play_parse_spelt_time(columns[four_count - 1], &time_s)) {
            file->separator = ',';
            file->columns_count = four_count;
            memcpy(file->columns, four, sizeof four);
            return true;
        }
    }
    return false;
}

static size_t begin(struct import_context *context, struct slice head)
{
    size_t end = 0;
    bool known = columns_find_header(head, &context->file, &end)
                 || has_four_columns(head, &context->file, &end);
    return known ? end : 0;
}

static bool knows(struct slice head)
{
    struct import_file file;
    size_t end;
    return columns_find_header(head, &file, &end) || has_four_columns(head, &file, &end);
}

/* What the header calls the column; both columns of the time are one. */
static const char *name_of(const struct import_file *file, int field)
{
    const char *name = "a column";
    for (size_t i = 0; i < file->columns_count; i++) {
        if (file->columns[i].field == field && file->columns[i].name[0] != '\0') {
            name = file->columns[i].name;
        }
    }
    return name;
}

static enum result fill(struct import_context *context, const struct slice *columns,
                        struct play *play)
{
    enum result result = RESULT_OK;
    for (size_t i = 0; i < context->file.columns_count && result == RESULT_OK; i++) {
        const struct import_column *column = &context->file.columns[i];
        if (column->field < PLAY_FIELDS) {
            play->texts[column->field] = columns[i];
        } else if (column->field == COLUMN_OTHER && columns[i].size_bytes > 0) {
            result = jmembers_add(&play->others, context->row_arena, slice_text(column->name),
                                  columns[i]);
        }
    }
    return result;
}

/* Somebody else's listens are skipped. */
static enum result check_user(struct import_context *context, const struct slice *columns,
                              enum import_row *row, struct error *error)
{
    for (size_t i = 0; i < context->file.columns_count; i++) {
        if (context->file.columns[i].field == COLUMN_USER) {
            bool wanted = false;
            enum result result = columns_choose_user(context, columns[i], &wanted, error);
            return result != RESULT_OK || wanted ? result
                                                 : import_skip(row, error, "another listener's");
        }
    }
    return RESULT_OK;
}

static enum result write_play(struct import_context *context, const struct slice *columns,
                              struct buffer *listen, enum import_row *row, struct error *error)
{
    const struct import_file *file = &context->file;
    struct play play = {0};
    enum result result = fill(context, columns, &play);
    if (result != RESULT_OK) {
        return result;
    }
    if (play.texts[PLAY_TIME].size_bytes + play.texts[PLAY_TIME_SPELT].size_bytes == 0) {
        return import_skip(row, error, "playing now, or without a time");
    }
    struct play_names names = {
        .time = name_of(file, play.texts[PLAY_TIME].size_bytes > 0 ? PLAY_TIME : PLAY_TIME_SPELT),
        .artist = name_of(file, PLAY_ARTIST),
        .track = name_of(file, PLAY_TRACK),
    };
    return play_write(&play, &names, listen, row, error);
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct slice columns[IMPORT_COLUMNS_MAX];
    size_t count;
    if (!text_is_utf8(record)) {
        return import_refuse(row, error, "the line is not UTF-8");
    }
    enum result result = columns_split_quoted(record, context->file.separator, context->row_arena,
                                              columns, IMPORT_COLUMNS_MAX, &count);
    if (result == RESULT_OK && count != context->file.columns_count) {
        return import_refuse(row, error, "%zu columns are expected, there are %zu",
                             context->file.columns_count, count);
    }
    if (result == RESULT_OK) {
        result = check_user(context, columns, row, error);
    }
    if (result != RESULT_OK || *row != IMPORT_LISTEN) {
        return result;
    }
    return write_play(context, columns, listen, row, error);
}

const struct import_format import_lastfm_table = {
    .name = "Last.fm scrobbles (CSV or TSV)",
    .is_table = true,
    .begin = begin,
    .knows = knows,
    .translate = translate,
};
