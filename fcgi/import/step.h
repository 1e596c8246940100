/*
 * Private to import/: a step of an import, the rows that are stored in one transaction, be they
 * listens, love and hate, or neither.
 */
#ifndef REFRAIN_IMPORT_STEP_H
#define REFRAIN_IMPORT_STEP_H

#include "import/job.h"
#include "listen/batch.h"

struct step;

/* NULL where memory is short. The caller owns it. */
struct step *step_create(void);
void step_destroy(struct step **step);

/* Rows since it was last stored, and about what they come to. */
int64_t step_rows(const struct step *step);
size_t step_bytes(const struct step *step);

/* Each adds a row. RESULT_NO_MEMORY at worst, after which the step is only to be destroyed. */
enum result step_add_listen(struct step *step, const struct listen *listen,
                            struct error *error) MUST_CHECK;
enum result step_add_feedback(struct step *step, const struct import_feedback *feedback,
                              struct error *error) MUST_CHECK;
/* The reason is one of few. */
void step_add_skipped(struct step *step, const char *reason);
/* `row` counts the rows of the whole import, from 1. */
enum result step_add_refused(struct step *step, int64_t row, const char *file, int64_t line,
                             const char *reason, struct error *error) MUST_CHECK;

/* Stores it behind the rows that the job has dealt with, and empties it; *accepted is how many were
 * new. RESULT_NOT_FOUND: the import has ended, or is elsewhere. RESULT_UNAVAILABLE and
 * RESULT_TIMEOUT leave it unknown whether that has been stored. */
enum result step_store(struct step *step, struct db *db, struct import_job *job,
                       int64_t *accepted, struct error *error) MUST_CHECK;

#endif
