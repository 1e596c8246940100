#include "import/import.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/account.h"
#include "command/command.h"
#include "command/progress.h"
#include "command/tell.h"
#include "listen/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_LISTENS = 50000, REFUSALS_SHOWN = 20 };

static const int64_t store_max_us = 600000000;

struct arguments {
    const char *user;
    struct import_options options;
    char **files;
    int files_count;
};

/* An import on its way, and its sums. */
struct run {
    struct db *db;
    int64_t user_id;
    struct batch *batch;
    struct progress progress;
    int64_t rows, accepted, duplicate, skipped, refused;
};

static bool parse_seconds(const char *text, int64_t *ms)
{
    int64_t seconds;
    bool is_valid = text != NULL && text_parse_int(slice_text(text), &seconds) && seconds >= 0
                    && seconds <= 86400;
    *ms = is_valid ? seconds * 1000 : *ms;
    return is_valid;
}

/* Options first, files after them: 0, or the exit status of a misuse. */
static int parse_arguments(const struct command_context *context, int argc, char **argv,
                           struct arguments *arguments)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] == '-'; i++) {
        const char *seconds = NULL;
        if (command_option("--user", argc, argv, &i, &arguments->user)
            || command_option("--source-user", argc, argv, &i,
                              &arguments->options.source_user)) {
            continue;
        }
        if (!command_option("--min-play", argc, argv, &i, &seconds)) {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
        if (!parse_seconds(seconds, &arguments->options.play_min_ms)) {
            return command_misuse(context, "--min-play takes seconds, 0 to 86400");
        }
    }
    arguments->files = argv + i;
    arguments->files_count = argc - i;
    if (arguments->user == NULL || arguments->files_count == 0) {
        return command_misuse(context, arguments->user == NULL ? "--user NAME is missing"
                                                               : "no file is named");
    }
    return COMMAND_OK;
}

static enum result store(struct run *run, struct error *error)
{
    int64_t count = (int64_t)batch_count(run->batch);
    struct batch_outcome outcome = {0};
    enum result result = batch_store(run->batch, run->db, run->user_id,
                                     clock_mono_us() + store_max_us, &outcome, error);
    if (result == RESULT_OK && count > 0) {
        run->accepted += outcome.accepted;
        run->duplicate += count - outcome.accepted;
    }
    return result;
}

static void note_refusal(struct run *run, const struct import *import, const struct error *error)
{
    run->refused++;
    if (run->refused <= REFUSALS_SHOWN) {
        char place_and_reason[1024];
        snprintf(place_and_reason, sizeof place_and_reason, "%s:%" PRId64 ": skipped: %s",
                 import_file(import), import_line(import), error->text);
        command_clean(place_and_reason);
        progress_end(&run->progress);
        fprintf(stderr, "%s\n", place_and_reason);
    }
    if (run->refused == REFUSALS_SHOWN + 1) {
        fputs("further bad rows are counted, not named\n", stderr);
    }
}

static enum result take_listen(struct run *run, const struct listen *listen, struct error *error)
{
    if (batch_add(run->batch, listen) != RESULT_OK) {
        return error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
    }
    return batch_count(run->batch) < BATCH_LISTENS ? RESULT_OK : store(run, error);
}

static enum result read_rows(struct run *run, struct import *import, struct error *error)
{
    for (;;) {
        enum import_row row;
        struct listen listen;
        enum result result = import_next(import, &row, &listen, error);
        if (result == RESULT_OK && row == IMPORT_LISTEN) {
            result = take_listen(run, &listen, error);
        }
        if (result != RESULT_OK || row == IMPORT_END) {
            return result;
        }
        if (row == IMPORT_REFUSED) {
            note_refusal(run, import, error);
        }
        run->skipped += row == IMPORT_SKIPPED;
        run->rows++;
        progress_show(&run->progress, run->rows, import_bytes_read(import),
                      import_bytes_total(import));
    }
}

/* A file that breaks off leaves what was read before it; that is stored, since a repeat after the
 * file has been mended changes nothing. */
static enum result import_path(struct run *run, const char *path,
                               const struct import_options *options, struct error *error)
{
    struct import *import;
    enum result result = import_open(path, options, &import, error);
    if (result != RESULT_OK) {
        return result;
    }
    progress_begin(&run->progress, "rows");
    result = read_rows(run, import, error);
    struct error store_error;
    enum result stored = store(run, &store_error);
    progress_end(&run->progress);
    printf("%s: %s\n", path, import_format_name(import));
    import_close(&import);
    if (result == RESULT_OK && stored != RESULT_OK) {
        *error = store_error;
    }
    return result == RESULT_OK ? stored : result;
}

static void print_summary(const struct run *run, double seconds)
{
    printf("rows=%" PRId64 " accepted=%" PRId64 " duplicate=%" PRId64 " skipped=%" PRId64
           " refused=%" PRId64 " seconds=%.1f rate=%.0f\n",
           run->rows, run->accepted, run->duplicate, run->skipped, run->refused, seconds,
           seconds > 0 ? (double)run->rows / seconds : 0.0);
}

static enum result import_files(struct run *run, const struct arguments *arguments,
                                struct error *error)
{
    run->batch = batch_create(NULL);
    enum result result = run->batch == NULL
                             ? error_set(error, RESULT_NO_MEMORY, "import", "out of memory")
                             : account_find(run->db, arguments->user, &run->user_id, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct progress whole;
    progress_begin(&whole, "files");
    for (int i = 0; i < arguments->files_count && result == RESULT_OK; i++) {
        result = import_path(run, arguments->files[i], &arguments->options, error);
    }
    print_summary(run, progress_seconds(&whole));
    return result;
}

int command_import(struct command_context *context, int argc, char **argv)
{
    struct arguments arguments = {.options = {.play_min_ms = 30000}};
    int status = parse_arguments(context, argc, argv, &arguments);
    if (status != COMMAND_OK) {
        return status;
    }
    struct error error;
    struct run run = {.db = context->db};
    enum result result = import_files(&run, &arguments, &error);
    batch_destroy(&run.batch);
    if (run.accepted > 0) {
        command_tell_cache(context, arguments.user);
    }
    return result == RESULT_OK ? COMMAND_OK : command_fail(&error);
}
