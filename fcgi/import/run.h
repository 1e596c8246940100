/*
 * Doing an import: the file is read twice, to its end before anything of it is stored, and then from
 * the row on that the import has come to.
 */
#ifndef REFRAIN_IMPORT_RUN_H
#define REFRAIN_IMPORT_RUN_H

#include "import/job.h"

struct import_source {
    const char *path;
    const char *name;  /* what stands for the path in whatever is told */
    struct import_options options;
    int64_t step_rows; /* that are stored at a time at most; long ones are fewer */
};

/* The caller's side of it; called by the thread that runs. */
struct import_watch {
    /* Asked several times a second, but for the time that storing a step takes. */
    bool (*goes_on)(void *context);
    /* After each step, and before the first; rows are the whole import's. NULL: not wanted. */
    void (*shows)(void *context, int64_t rows, int64_t rows_total);
    /* A row that is refused. NULL: not wanted. */
    void (*refuses)(void *context, const char *file, int64_t line, const char *reason);
    void *context;
};

/* What a run has done; the rows of the import are the job's. */
struct import_outcome {
    int64_t accepted;
};

/* RESULT_OK: the import is done. RESULT_INVALID: it has failed, for what is wrong with the file, which
 * the error tells; what was stored before stays. RESULT_NOT_FOUND: it has ended otherwise (cancelled,
 * its user deleted), or another process has gone on with it. Anything else: it has not ended, because
 * goes_on() said no, PostgreSQL is away or something is wrong here; taken again, it goes on. */
enum result import_run(struct db *db, struct import_job *job, const struct import_source *source,
                       const struct import_watch *watch, struct import_outcome *outcome,
                       struct error *error) MUST_CHECK;

#endif
