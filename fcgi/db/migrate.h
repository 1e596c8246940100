/*
 * The schema: numbered migrations, applied in order and never changed afterwards, then the
 * functions, which are made anew each time.
 */
#ifndef REFRAIN_DB_MIGRATE_H
#define REFRAIN_DB_MIGRATE_H

#include "db/db.h"

/* The newest migration that this program was written for. */
enum { DB_SCHEMA_VERSION = 15 };

/* Called for each file that is applied; `name` lives for the call. */
typedef void migrate_report(void *context, const char *name);

/* Brings the database at `url` to the files in `folder` (bootstrap.sql, NNNN_name.sql,
 * functions/NAME.sql), each in one transaction and all under one advisory lock, so that any number
 * of these may run at a time. RESULT_CONFLICT: an applied file has changed, or is gone. */
enum result db_migrate(const char *url, const char *folder, migrate_report *report, void *context,
                       struct error *error) MUST_CHECK;

/* Whether this program can serve the database: RESULT_CONFLICT says which is too old and what to
 * do. */
enum result db_check_schema(struct db *db, int64_t deadline_us, struct error *error) MUST_CHECK;

#endif
