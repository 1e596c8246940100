#include "command/import_tags.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/import_file.h"
#include "command/progress.h"
#include "command/refusal.h"
#include "import/tags.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH_ROWS = 5000, NAME_SIZE = 256 };
static const int64_t stage_max_us = 60000000;
static const int64_t apply_max_us = 300000000;

static const struct db_function fn_stage = {"tags_stage", 3};
static const struct db_function fn_apply = {"tags_apply", 1};

/* One connection has it all: what is staged lives in its session. */
struct staging {
    struct db_conn *conn;
    struct progress progress;
    struct refusal refusal;
    int64_t rows_total; /* of all files */
    int64_t rows, skipped;
    /* Rows that are still to be sent, all of one file. */
    struct buffer artists, tags, weights;
    char file[NAME_SIZE];
    int64_t lines[BATCH_ROWS];
    size_t count;
};

/* What is done with a line that is a row, or skipped, or refused for the reason that the error
 * tells. */
typedef enum result line_step(void *context, const struct tags *tags, enum tags_line line,
                              const struct tags_row *row, struct error *error);

static enum result for_lines(const char *path, line_step *step, void *context,
                             struct error *error)
{
    struct tags *tags;
    enum result result = tags_open(path, &tags, error);
    enum tags_line line = TAGS_END;
    do {
        struct tags_row row;
        if (result == RESULT_OK) {
            result = tags_next(tags, &line, &row, error);
        }
        if (result == RESULT_OK && line != TAGS_END) {
            result = step(context, tags, line, &row, error);
        }
    } while (result == RESULT_OK && line != TAGS_END);
    tags_close(&tags);
    return result;
}

static enum result count_line(void *context, const struct tags *tags, enum tags_line line,
                              const struct tags_row *row, struct error *error)
{
    int64_t *rows = context;
    (void)tags, (void)line, (void)row, (void)error;
    ++*rows;
    return RESULT_OK;
}

/* ── staging ── */

static void begin_batch(struct staging *staging)
{
    db_array_open(&staging->artists);
    db_array_open(&staging->tags);
    db_array_open(&staging->weights);
    staging->count = 0;
}

static void refuse_tags(struct staging *staging, const struct db_rows *rows)
{
    for (size_t i = 0; i < db_rows_count(rows); i++) {
        size_t at = (size_t)db_rows_int(rows, i, 0) - 1;
        refusal_tell(&staging->refusal, &staging->progress, staging->file, staging->lines[at],
                     "the tag is blank, or longer than 64 characters");
    }
}

static enum result close_batch(struct staging *staging, const char *params[3],
                               struct error *error)
{
    struct buffer *const arrays[] = {&staging->artists, &staging->tags, &staging->weights};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        db_array_close(arrays[i]);
        if (buffer_result(arrays[i]) != RESULT_OK) {
            return error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
        }
        params[i] = arrays[i]->data;
    }
    return RESULT_OK;
}

static enum result call(struct staging *staging, const struct db_function *function,
                        const char *const *params, int64_t max_us, struct db_rows **rows,
                        struct error *error)
{
    enum result result = db_send(staging->conn, function, params, error);
    return result == RESULT_OK
               ? db_receive(staging->conn, clock_mono_us() + max_us, rows, error)
               : result;
}

static enum result send_batch(struct staging *staging, struct error *error)
{
    const char *params[3];
    struct db_rows *rows = NULL;
    if (staging->count == 0) {
        return RESULT_OK;
    }
    enum result result = close_batch(staging, params, error);
    if (result == RESULT_OK) {
        result = call(staging, &fn_stage, params, stage_max_us, &rows, error);
    }
    if (result == RESULT_OK) {
        refuse_tags(staging, rows);
    }
    db_rows_free(&rows);
    begin_batch(staging);
    return result;
}

static void add_row(struct staging *staging, int64_t line, const struct tags_row *row)
{
    char artist[UUID_TEXT_SIZE];
    text_format_uuid(row->artist, artist);
    db_array_add_text(&staging->artists, slice_text(artist));
    db_array_add_text(&staging->tags, row->tag);
    db_array_add_text(&staging->weights, row->weight);
    staging->lines[staging->count++] = line;
}

static enum result stage_line(void *context, const struct tags *tags, enum tags_line line,
                              const struct tags_row *row, struct error *error)
{
    struct staging *staging = context;
    char file[NAME_SIZE];
    import_file_name(tags_file(tags), file, sizeof file);
    const struct error reason = *error;
    /* What the database refuses of the lines before is to be named before this one. */
    bool is_due = staging->count == BATCH_ROWS || strcmp(file, staging->file) != 0
                  || (line == TAGS_REFUSED && refusal_is_named(&staging->refusal));
    if (is_due) {
        enum result result = send_batch(staging, error);
        if (result != RESULT_OK) {
            return result;
        }
        memcpy(staging->file, file, sizeof file);
    }
    if (line == TAGS_ROW) {
        add_row(staging, tags_line_number(tags), row);
    } else if (line == TAGS_REFUSED) {
        refusal_tell(&staging->refusal, &staging->progress, file, tags_line_number(tags),
                     reason.text);
    }
    staging->skipped += line == TAGS_SKIPPED;
    staging->rows++;
    progress_show(&staging->progress, staging->rows, staging->rows, staging->rows_total);
    return RESULT_OK;
}

static enum result stage_files(struct staging *staging, char *const *files, int files_count,
                               struct error *error)
{
    enum result result = RESULT_OK;
    begin_batch(staging);
    for (int i = 0; i < files_count && result == RESULT_OK; i++) {
        result = for_lines(files[i], stage_line, staging, error);
    }
    return result == RESULT_OK ? send_batch(staging, error) : result;
}

/* ── taking effect ── */

static void print_summary(const struct staging *staging, const struct db_rows *rows)
{
    double seconds = progress_seconds(&staging->progress);
    printf("rows=%" PRId64 " artists=%" PRId64 " changed=%" PRId64 " removed=%" PRId64
           " skipped=%" PRId64 " refused=%" PRId64 " seconds=%.1f rate=%.0f\n",
           staging->rows, db_rows_int(rows, 0, 0), db_rows_int(rows, 0, 1),
           db_rows_int(rows, 0, 2), staging->skipped, staging->refusal.count, seconds,
           seconds > 0 ? (double)staging->rows / seconds : 0.0);
}

static enum result apply(struct staging *staging, bool is_whole, struct error *error)
{
    const char *const params[] = {is_whole ? "true" : "false"};
    struct db_rows *rows = NULL;
    if (staging->rows == staging->skipped + staging->refusal.count) {
        return error_set(error, RESULT_INVALID, "import",
                         "there is no tag in what was given; nothing has changed");
    }
    enum result result = call(staging, &fn_apply, params, apply_max_us, &rows, error);
    progress_end(&staging->progress);
    if (result == RESULT_OK) {
        print_summary(staging, rows);
    }
    db_rows_free(&rows);
    return result;
}

static enum result import_all(struct staging *staging, struct db *db, bool is_whole,
                              char *const *files, int files_count, struct error *error)
{
    enum result result = RESULT_OK;
    for (int i = 0; i < files_count && result == RESULT_OK; i++) {
        result = for_lines(files[i], count_line, &staging->rows_total, error);
    }
    if (result == RESULT_OK) {
        result = db_take(db, clock_mono_us() + stage_max_us, &staging->conn, error);
    }
    progress_begin(&staging->progress, "rows");
    if (result == RESULT_OK) {
        result = stage_files(staging, files, files_count, error);
    }
    if (result == RESULT_OK) {
        result = apply(staging, is_whole, error);
    }
    progress_end(&staging->progress);
    db_give(&staging->conn);
    buffer_free(&staging->artists);
    buffer_free(&staging->tags);
    buffer_free(&staging->weights);
    return result;
}

int command_import_tags(struct command_context *context, int argc, char **argv)
{
    int i = 2;
    bool is_whole = false;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0'; i++) {
        if (strcmp(argv[i], "--replace") != 0) {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
        is_whole = true;
    }
    i += i < argc && strcmp(argv[i], "--") == 0;
    if (i == argc) {
        return command_misuse(context, "no file is named");
    }
    struct error error;
    struct staging staging = {.refusal = {.rest = "the summary tells how many"}};
    return import_all(&staging, context->db, is_whole, argv + i, argc - i, &error) == RESULT_OK
               ? COMMAND_OK
               : command_fail(&error);
}
