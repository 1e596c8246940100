#include "import/step.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REASONS_MAX = 16,
    REASON_SIZE = 64,
    REFUSALS_KEPT = 10000, /* more of an import are not kept anyway */
    PLACE_SIZE = 256,
};
static const int64_t store_max_us = 600000000;

static const struct db_function fn_step = {"import_step", 4 + BATCH_COLUMNS};

struct reason {
    char text[REASON_SIZE];
    int64_t count;
};

struct step {
    struct batch *batch;
    int64_t rows;
    struct reason reasons[REASONS_MAX]; /* of rows that were skipped; the last takes the rest */
    size_t reasons_count;
    int64_t refused_count;
    /* JSON objects, joined by commas. */
    struct buffer refused;
    struct buffer feedback;
    struct buffer progress;
};

struct step *step_create(void)
{
    struct step *step = calloc(1, sizeof *step);
    if (step != NULL) {
        step->batch = batch_create(NULL);
    }
    if (step != NULL && step->batch == NULL) {
        step_destroy(&step);
    }
    return step;
}

void step_destroy(struct step **step)
{
    if (*step != NULL) {
        batch_destroy(&(*step)->batch);
        buffer_free(&(*step)->refused);
        buffer_free(&(*step)->feedback);
        buffer_free(&(*step)->progress);
        free(*step);
        *step = NULL;
    }
}

static void clear(struct step *step)
{
    batch_clear(step->batch);
    step->rows = 0;
    step->reasons_count = 0;
    step->refused_count = 0;
    buffer_clear(&step->refused);
    buffer_clear(&step->feedback);
}

int64_t step_rows(const struct step *step)
{
    return step->rows;
}

size_t step_bytes(const struct step *step)
{
    return batch_bytes(step->batch) + step->refused.size_bytes + step->feedback.size_bytes;
}

static enum result no_memory(struct error *error)
{
    return error_set(error, RESULT_NO_MEMORY, "import", "out of memory");
}

/* ── adding ── */

enum result step_add_listen(struct step *step, const struct listen *listen, struct error *error)
{
    if (batch_add(step->batch, listen) != RESULT_OK) {
        return no_memory(error);
    }
    step->rows++;
    return RESULT_OK;
}

static void append_id(struct buffer *to, const char *key, const char *uuid)
{
    if (*uuid != '\0') {
        buffer_append_format(to, "\"%s\":\"%s\",", key, uuid);
    }
}

enum result step_add_feedback(struct step *step, const struct import_feedback *feedback,
                              struct error *error)
{
    struct buffer *to = &step->feedback;
    buffer_append_text(to, to->size_bytes > 0 ? ",{" : "{");
    append_id(to, "msid", feedback->msid);
    append_id(to, "mbid", feedback->mbid);
    buffer_append_format(to, "\"score\":%d,\"created\":%" PRId64 "}", feedback->score,
                         feedback->created_s);
    step->rows++;
    return buffer_result(to) == RESULT_OK ? RESULT_OK : no_memory(error);
}

void step_add_skipped(struct step *step, const char *reason)
{
    size_t at = 0;
    while (at < step->reasons_count && strcmp(step->reasons[at].text, reason) != 0) {
        at++;
    }
    if (at == REASONS_MAX) {
        at = REASONS_MAX - 1;
    } else if (at == step->reasons_count) {
        step->reasons_count++;
        step->reasons[at].count = 0;
        snprintf(step->reasons[at].text, REASON_SIZE, "%s",
                 at == REASONS_MAX - 1 ? "other reasons" : reason);
        text_clean(step->reasons[at].text);
    }
    step->reasons[at].count++;
    step->rows++;
}

static void append_clean(struct buffer *to, const char *text)
{
    char clean[PLACE_SIZE + sizeof ((struct error *)NULL)->text];
    snprintf(clean, sizeof clean, "%s", text);
    text_clean(clean);
    jwrite_string(to, slice_text(clean));
}

enum result step_add_refused(struct step *step, int64_t row, const char *file, int64_t line,
                             const char *reason, struct error *error)
{
    struct buffer *to = &step->refused;
    step->rows++;
    if (step->refused_count++ >= REFUSALS_KEPT) {
        return RESULT_OK;
    }
    char place[PLACE_SIZE];
    snprintf(place, sizeof place, "%s", file);
    buffer_append_format(to, "%s{\"row\":%" PRId64 ",\"file\":", to->size_bytes > 0 ? "," : "",
                         row);
    append_clean(to, place);
    buffer_append_format(to, ",\"line\":%" PRId64 ",\"reason\":", line);
    append_clean(to, reason);
    buffer_append_char(to, '}');
    return buffer_result(to) == RESULT_OK ? RESULT_OK : no_memory(error);
}

/* ── storing ── */

static enum result write_progress(struct step *step)
{
    struct buffer *to = &step->progress;
    buffer_clear(to);
    buffer_append_format(to, "{\"rows\":%" PRId64 ",\"skipped\":{", step->rows);
    for (size_t i = 0; i < step->reasons_count; i++) {
        buffer_append_text(to, i > 0 ? "," : "");
        jwrite_string(to, slice_text(step->reasons[i].text));
        buffer_append_format(to, ":%" PRId64, step->reasons[i].count);
    }
    buffer_append_format(to, "},\"refused_count\":%" PRId64 ",\"refused\":[",
                         step->refused_count);
    buffer_append_slice(to, buffer_slice(&step->refused));
    buffer_append_text(to, "],\"feedback\":[");
    buffer_append_slice(to, buffer_slice(&step->feedback));
    buffer_append_text(to, "]}");
    return buffer_result(to);
}

enum result step_store(struct step *step, struct db *db, struct import_job *job,
                       int64_t *accepted, struct error *error)
{
    char user[DB_INT_TEXT_SIZE];
    char id[DB_INT_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    if (write_progress(step) != RESULT_OK) {
        return no_memory(error);
    }
    db_format_int(job->user_id, user);
    db_format_int(job->id, id);
    db_format_int(job->rows, from);
    const char *const params[] = {user, id, from, step->progress.data};
    const struct batch_call call = {&fn_step, params, 4};
    struct batch_outcome outcome;
    enum result result = batch_store_by(step->batch, db, &call, clock_mono_us() + store_max_us,
                                        &outcome, error);
    if (result == RESULT_OK) {
        job->rows += step->rows;
        *accepted = outcome.accepted;
        clear(step);
    }
    return result;
}
