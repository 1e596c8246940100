/*
 * Which row an import has come to is known to PostgreSQL alone: a step either stands with the rows
 * that it counts, or not at all. So a run that is in doubt (its connection lost, the process killed)
 * is not mended but given up; whoever takes the import next is told where to go on.
 */
#include "import/run.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "import/step.h"

#include <stdio.h>

enum { rows_between_questions = 256 };
static const size_t step_max_bytes = 16 * 1024 * 1024;
static const int64_t call_max_us = 60000000;

struct run {
    struct db *db;
    struct import_job *job;
    const struct import_source *source;
    const struct import_watch *watch;
    struct import_outcome *outcome;
    struct import_survey survey;
    struct import *import;
    struct step *step;
    int64_t row; /* the last that was read, from 1 */
};

static enum result ask(const struct run *run, struct error *error)
{
    return run->watch->goes_on(run->watch->context)
               ? RESULT_OK
               : error_set(error, RESULT_UNAVAILABLE, "import", "told to stop");
}

static void show(const struct run *run)
{
    if (run->watch->shows != NULL) {
        run->watch->shows(run->watch->context, run->job->rows, run->survey.rows);
    }
}

static const char *file_name(const struct run *run)
{
    const char *name = import_file(run->import);
    return strcmp(name, run->source->path) == 0 ? run->source->name : name;
}

/* ── rows ── */

static enum result next_row(struct run *run, enum import_row *row, struct listen *listen,
                            struct error *error)
{
    enum result result = RESULT_OK;
    if (run->row % rows_between_questions == 0) {
        result = ask(run, error);
    }
    if (result == RESULT_OK) {
        error->text[0] = '\0';
        result = import_next(run->import, row, listen, error);
    }
    run->row += result == RESULT_OK && *row != IMPORT_END;
    return result;
}

static enum result fail_changed(struct error *error)
{
    return error_set(error, RESULT_INVALID, "import",
                     "the file has changed while it was read; import it again");
}

static enum result pass_over(struct run *run, struct error *error)
{
    while (run->row < run->job->rows) {
        enum import_row row;
        struct listen listen;
        enum result result = next_row(run, &row, &listen, error);
        if (result != RESULT_OK) {
            return result;
        }
        if (row == IMPORT_END) {
            return fail_changed(error);
        }
    }
    return RESULT_OK;
}

static enum result refuse(struct run *run, struct error *error)
{
    const struct import_watch *watch = run->watch;
    char reason[sizeof error->text];
    snprintf(reason, sizeof reason, "%s", error->text);
    text_clean(reason);
    if (watch->refuses != NULL) {
        watch->refuses(watch->context, file_name(run), import_line(run->import), reason);
    }
    return step_add_refused(run->step, run->row, file_name(run), import_line(run->import), reason,
                            error);
}

static enum result add(struct run *run, enum import_row row, const struct listen *listen,
                       struct error *error)
{
    switch (row) {
    case IMPORT_LISTEN:
        return step_add_listen(run->step, listen, error);
    case IMPORT_FEEDBACK:
        return step_add_feedback(run->step, import_feedback(run->import), error);
    case IMPORT_SKIPPED:
        step_add_skipped(run->step, error->text[0] == '\0' ? "no listen" : error->text);
        return RESULT_OK;
    case IMPORT_REFUSED:
        return refuse(run, error);
    case IMPORT_END:
        break;
    }
    return RESULT_OK;
}

static enum result store(struct run *run, struct error *error)
{
    int64_t accepted = 0;
    enum result result = ask(run, error);
    failpoint("import_step");
    if (result == RESULT_OK) {
        result = step_store(run->step, run->db, run->job, &accepted, error);
    }
    if (result == RESULT_OK) {
        failpoint("import_stepped");
        run->outcome->accepted += accepted;
        show(run);
    }
    return result;
}

static bool is_full(const struct run *run)
{
    return step_rows(run->step) >= run->source->step_rows
           || step_bytes(run->step) >= step_max_bytes;
}

static enum result store_rows(struct run *run, struct error *error)
{
    enum import_row row = IMPORT_SKIPPED;
    enum result result = RESULT_OK;
    while (result == RESULT_OK && row != IMPORT_END) {
        struct listen listen;
        result = next_row(run, &row, &listen, error);
        if (result == RESULT_OK) {
            result = add(run, row, &listen, error);
        }
        if (result == RESULT_OK
            && (is_full(run) || (row == IMPORT_END && step_rows(run->step) > 0))) {
            result = store(run, error);
        }
    }
    if (result == RESULT_OK && run->row != run->survey.rows) {
        result = fail_changed(error);
    }
    return result;
}

/* ── the file as a whole ── */

static enum result read_again(struct run *run, struct error *error)
{
    run->step = step_create();
    if (run->step == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
    }
    enum result result =
        import_open(run->source->path, &run->source->options, &run->import, error);
    if (result != RESULT_OK) {
        return result;
    }
    show(run);
    result = pass_over(run, error);
    return result == RESULT_OK ? store_rows(run, error) : result;
}

/* Storing must not show where the file lies on this machine. */
static void give_name(struct error *error, const struct import_source *source)
{
    const char *path = strstr(error->text, source->path);
    if (path == NULL || *source->path == '\0') {
        return;
    }
    struct error told = *error;
    (void)error_set(error, RESULT_OK, told.origin, "%.*s%s%s", (int)(path - error->text),
                    told.text, source->name,
                    told.text + (path - error->text) + strlen(source->path));
}

/* The reason as its owner is told: of what is wrong with his file every word, of what is wrong here
 * only that it is. */
static enum result end(struct run *run, enum result result, struct error *error)
{
    const char *reason = NULL;
    if (result != RESULT_OK) {
        give_name(error, run->source);
        text_clean(error->text);
        reason = strcmp(error->origin, "db") == 0 ? "something went wrong in the server"
                                                  : error->text;
    }
    failpoint("import_end");
    struct error unended;
    enum result ended = import_job_end(run->db, run->job, reason, clock_mono_us() + call_max_us,
                                       &unended);
    if (ended != RESULT_OK) {
        *error = unended;
        return ended;
    }
    failpoint("import_ended");
    return result;
}

/* What is wrong here may pass, and the file is worth another try. */
static bool is_about_the_file(enum result result)
{
    return result == RESULT_OK || result == RESULT_INVALID;
}

enum result import_run(struct db *db, struct import_job *job, const struct import_source *source,
                       const struct import_watch *watch, struct import_outcome *outcome,
                       struct error *error)
{
    struct run run = {.db = db, .job = job, .source = source, .watch = watch, .outcome = outcome};
    *outcome = (struct import_outcome){0};
    enum result result = import_survey(source->path, &source->options, watch->goes_on,
                                       watch->context, &run.survey, error);
    if (result == RESULT_OK) {
        result = import_job_tell(db, job, &run.survey, clock_mono_us() + call_max_us, error);
    }
    if (result == RESULT_OK) {
        result = read_again(&run, error);
    }
    import_close(&run.import);
    step_destroy(&run.step);
    return is_about_the_file(result) ? end(&run, result, error) : result;
}
