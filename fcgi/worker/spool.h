/*
 * An uploaded file as a file again.
 */
#ifndef REFRAIN_WORKER_SPOOL_H
#define REFRAIN_WORKER_SPOOL_H

#include "import/job.h"

enum { SPOOL_PATH_SIZE = 32 };

/* Writes the upload to a file in $TMPDIR, or else in /var/tmp, that has no name there and is gone with
 * its descriptor, which the caller closes; `path` opens it. RESULT_UNAVAILABLE: goes_on() said no, or
 * PostgreSQL is away. RESULT_NOT_FOUND: not all of it is there, so the import has ended.
 * RESULT_INTERNAL: the file can't be written. */
enum result spool_open(struct db *db, const struct import_upload *upload,
                       bool (*goes_on)(void *context), void *context, int *fd,
                       char path[SPOOL_PATH_SIZE], struct error *error) MUST_CHECK;

#endif
