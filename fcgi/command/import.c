#include "base/text.h"
#include "command/account.h"
#include "command/command.h"
#include "command/import_file.h"
#include "command/import_tags.h"
#include "command/progress.h"
#include "command/tell.h"
#include "json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

struct arguments {
    const char *user;
    struct import_options options;
    const char *report_path;
    bool as_json;
    char **files;
    int files_count;
};

/* All files, and their sums. */
struct run {
    struct import_file_options options;
    struct buffer imports; /* their reports as JSON, joined by commas */
    FILE *report;          /* NULL: not wanted */
    bool as_json;
    bool has_failed;
    int64_t count;
    int64_t rows_now; /* of this run; the others are of the reports */
    int64_t rows, accepted, duplicate, skipped, refused;
};

static volatile sig_atomic_t is_told_to_stop;

static void note_signal(int signal)
{
    (void)signal;
    is_told_to_stop = 1;
}

static bool goes_on(void)
{
    return is_told_to_stop == 0;
}

/* The second time they end the process. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ── what is asked for ── */

static bool parse_seconds(const char *text, int64_t *ms)
{
    int64_t seconds;
    bool is_valid = text != NULL && text_parse_int(slice_text(text), &seconds) && seconds >= 0
                    && seconds <= 86400;
    *ms = is_valid ? seconds * 1000 : *ms;
    return is_valid;
}

/* All that is left; after a lone "--" whatever it looks like. */
static int parse_files(const struct command_context *context, int argc, char **argv, int at,
                       struct arguments *arguments)
{
    bool may_be_any = at < argc && strcmp(argv[at], "--") == 0;
    at += may_be_any;
    for (int i = at; i < argc && !may_be_any; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            return command_misuse(context, "'%s' comes after a file; options come first", argv[i]);
        }
    }
    arguments->files = argv + at;
    arguments->files_count = argc - at;
    return arguments->files_count > 0 ? COMMAND_OK
                                      : command_misuse(context, "no file is named");
}

/* Options first, files after them: 0, or the exit status of a misuse. */
static int parse_arguments(const struct command_context *context, int argc, char **argv,
                           struct arguments *arguments)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0'; i++) {
        const char *seconds = NULL;
        if (command_option("--user", argc, argv, &i, &arguments->user)
            || command_option("--source-user", argc, argv, &i, &arguments->options.source_user)
            || command_option("--report", argc, argv, &i, &arguments->report_path)) {
            continue;
        }
        if (strcmp(argv[i], "--json") == 0) {
            arguments->as_json = true;
            continue;
        }
        if (!command_option("--min-play", argc, argv, &i, &seconds)) {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
        if (!parse_seconds(seconds, &arguments->options.play_min_ms)) {
            return command_misuse(context, "--min-play takes seconds, 0 to 86400");
        }
    }
    return arguments->user == NULL ? command_misuse(context, "--user NAME is missing")
                                   : parse_files(context, argc, argv, i, arguments);
}

/* ── reports ── */

static int64_t number(const struct jvalue *report, const char *name)
{
    const struct jvalue *member = jvalue_member(report, name);
    int64_t value = 0;
    return member != NULL && jvalue_int(member, &value) ? value : 0;
}

/* Adds what a report says to the sums, and tells of the file on standard output. */
static enum result count(struct run *run, const char *path, struct slice json,
                         struct error *error)
{
    struct jvalue *report;
    enum result result = jvalue_parse(json, &report, error);
    if (result != RESULT_OK) {
        return result;
    }
    run->rows += number(report, "rows");
    run->accepted += number(report, "accepted");
    run->duplicate += number(report, "duplicate");
    run->skipped += number(report, "skipped");
    run->refused += number(report, "refused_count");
    const struct jvalue *format = jvalue_member(report, "format");
    if (!run->as_json && format != NULL && jvalue_kind(format) == JSON_STRING) {
        printf("%s: %.*s\n", path, SLICE_ARGS(jvalue_text(format)));
    }
    jvalue_free(&report);
    return RESULT_OK;
}

/* Why rows were skipped, in the words of the report, whose line on them names reasons if there are
 * any. */
static void print_skipped(const char *path, const char *report)
{
    static const char begins[] = "\nskipped: ";
    const char *line = strstr(report, begins);
    int size = line == NULL ? 0 : (int)strcspn(line + 1, "\n");
    if (size > 0 && memchr(line + 1, '(', (size_t)size) != NULL) {
        printf("%s: %.*s\n", path, size, line + 1);
    }
}

static enum result report_job(struct run *run, const char *path, int64_t job, struct error *error)
{
    struct buffer json = BUFFER_EMPTY;
    struct buffer text = BUFFER_EMPTY;
    enum result result = import_file_report(&run->options, job, true, &json, error);
    if (result == RESULT_OK && (run->report != NULL || !run->as_json)) {
        result = import_file_report(&run->options, job, false, &text, error);
    }
    if (result == RESULT_OK) {
        result = count(run, path, buffer_slice(&json), error);
    }
    if (result == RESULT_OK) {
        buffer_append_slice(&run->imports, buffer_slice(&json));
    }
    if (result == RESULT_OK && !run->as_json) {
        print_skipped(path, text.data);
    }
    if (result == RESULT_OK && run->report != NULL) {
        fwrite(text.data, 1, text.size_bytes, run->report);
    }
    buffer_free(&json);
    buffer_free(&text);
    return result;
}

/* Of a file that has not become an import, or whose report can't be had: with the members that
 * import_report would give. */
static void report_failure(struct run *run, const char *path, const struct error *error)
{
    char name[512];
    struct error clean = *error;
    import_file_name(path, name, sizeof name);
    text_clean(clean.text);
    buffer_append_text(&run->imports, "{\"id\":null,\"state\":\"failed\",\"file_name\":");
    jwrite_string(&run->imports, slice_text(name));
    buffer_append_text(&run->imports,
                       ",\"format\":null,\"size_bytes\":0,\"created\":null,\"started\":null,"
                       "\"ended\":null,\"rows_total\":null,\"rows\":0,\"accepted\":0,"
                       "\"duplicate\":0,\"skipped\":0,\"skipped_because\":{},"
                       "\"refused_count\":0,\"rows_per_s\":null,\"seconds_left\":null,"
                       "\"error\":");
    jwrite_string(&run->imports, slice_text(clean.text));
    buffer_append_text(&run->imports, ",\"refused\":[]}");
    if (run->report != NULL) {
        fprintf(run->report, "file: %s\nerror: %s\n", name, clean.text);
    }
}

static void fail(struct run *run, const struct error *error)
{
    command_fail(error);
    run->has_failed = true;
}

static void import_one(struct run *run, const char *path)
{
    struct import_file_outcome outcome;
    struct error error;
    enum result result = import_file_run(&run->options, path, &outcome, &error);
    if (result != RESULT_OK) {
        fail(run, &error);
    }
    if (run->count++ > 0) {
        buffer_append_char(&run->imports, ',');
    }
    run->rows_now += outcome.rows;
    struct error unreported;
    if (outcome.job == 0) {
        report_failure(run, path, &error);
    } else if (report_job(run, path, outcome.job, &unreported) != RESULT_OK) {
        fail(run, &unreported);
        report_failure(run, path, &unreported);
    }
}

static void print_summary(const struct run *run, double seconds)
{
    if (run->as_json) {
        printf("{\"count\":%" PRId64 ",\"imports\":[", run->count);
        fwrite(run->imports.data, 1, run->imports.size_bytes, stdout);
        puts("]}");
        return;
    }
    printf("rows=%" PRId64 " accepted=%" PRId64 " duplicate=%" PRId64 " skipped=%" PRId64
           " refused=%" PRId64 " seconds=%.1f rate=%.0f\n",
           run->rows, run->accepted, run->duplicate, run->skipped, run->refused, seconds,
           seconds > 0 ? (double)run->rows_now / seconds : 0.0);
}

static void import_files(struct run *run, const struct arguments *arguments)
{
    struct progress whole;
    progress_begin(&whole, "files");
    catch_signals();
    for (int i = 0; i < arguments->files_count && goes_on(); i++) {
        import_one(run, arguments->files[i]);
    }
    print_summary(run, progress_seconds(&whole));
}

/* ── the command ── */

static enum result fail_report(const char *path, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s: %s", path, strerror(errno));
}

static enum result open_report(struct run *run, const char *path, struct error *error)
{
    if (path != NULL) {
        run->report = fopen(path, "we");
    }
    return path != NULL && run->report == NULL ? fail_report(path, error) : RESULT_OK;
}

static enum result close_report(struct run *run, const char *path, struct error *error)
{
    if (run->report == NULL) {
        return RESULT_OK;
    }
    bool has_failed = ferror(run->report) != 0;
    has_failed |= fclose(run->report) != 0;
    return has_failed ? fail_report(path, error) : RESULT_OK;
}

int command_import(struct command_context *context, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--tags") == 0) {
        return command_import_tags(context, argc, argv);
    }
    struct arguments arguments = {.options = {.play_min_ms = 30000}};
    int status = parse_arguments(context, argc, argv, &arguments);
    if (status != COMMAND_OK) {
        return status;
    }
    struct error error;
    struct run run = {
        .options = {.db = context->db, .options = arguments.options,
                    .step_rows = config_number(context->config, CONFIG_IMPORT_STEP_ROWS),
                    .goes_on = goes_on},
        .as_json = arguments.as_json,
    };
    enum result result =
        account_find(context->db, arguments.user, &run.options.user_id, &error);
    if (result == RESULT_OK) {
        result = open_report(&run, arguments.report_path, &error);
    }
    if (result != RESULT_OK) {
        return command_fail(&error);
    }
    import_files(&run, &arguments);
    if (buffer_result(&run.imports) != RESULT_OK) {
        (void)error_set(&error, RESULT_NO_MEMORY, "import", "out of memory");
        fail(&run, &error);
    }
    if (close_report(&run, arguments.report_path, &error) != RESULT_OK) {
        fail(&run, &error);
    }
    if (run.accepted > 0) {
        command_tell_cache(context, arguments.user);
    }
    buffer_free(&run.imports);
    return run.has_failed ? COMMAND_FAILED : COMMAND_OK;
}
