/*
 * Imports as PostgreSQL keeps them. Who works on one holds it: by a lock of a session, and so by a
 * connection that is kept for nothing else, which lets go of it even where the process is killed.
 */
#ifndef REFRAIN_IMPORT_JOB_H
#define REFRAIN_IMPORT_JOB_H

#include "db/db.h"
#include "import/import.h"

struct import_job {
    int64_t id;
    int64_t user_id;
    int64_t rows; /* that have been dealt with */
    struct db_conn *conn; /* that holds it */
};

/* What a file is known by. */
struct import_identity {
    const char *name;   /* as reports show it */
    const char *digest; /* of the content */
    int64_t size_bytes;
    struct import_options options;
};

/* An upload: texts belong to it. */
struct import_upload {
    struct import_job job;
    struct import_identity file;
    struct db_rows *texts;
};

/* The oldest upload that waits and that nobody works on; *found is false where there is none. What
 * has been found is held until import_upload_release(). */
enum result import_upload_claim(struct db *db, int64_t deadline_us, struct import_upload *upload,
                                bool *found, struct error *error) MUST_CHECK;
void import_upload_release(struct import_upload *upload);

/* The import of this file by this user: a new one, or the one that was broken off. It is held until
 * import_job_release(). RESULT_NOT_FOUND: no such user. RESULT_CONFLICT: another process is at it. */
enum result import_job_resume(struct db *db, int64_t user_id, const struct import_identity *file,
                              int64_t deadline_us, struct import_job *job,
                              struct error *error) MUST_CHECK;
/* One that was held and has been let go, or lost. RESULT_NOT_FOUND: it has ended. */
enum result import_job_take(struct db *db, int64_t deadline_us, struct import_job *job,
                            struct error *error) MUST_CHECK;
/* Lets go of it, however it stands. Nothing happens where it is not held. */
void import_job_release(struct import_job *job);

/* What is known before its rows are stored. RESULT_NOT_FOUND: it has ended. */
enum result import_job_tell(struct db *db, const struct import_job *job,
                            const struct import_survey *survey, int64_t deadline_us,
                            struct error *error) MUST_CHECK;
/* It is done; or has failed, where there is a reason. RESULT_NOT_FOUND: it has ended before. */
enum result import_job_end(struct db *db, const struct import_job *job, const char *reason,
                           int64_t deadline_us, struct error *error) MUST_CHECK;

#endif
