/*
 * One file of `refrain import`, from its first byte to its report.
 */
#ifndef REFRAIN_COMMAND_IMPORT_FILE_H
#define REFRAIN_COMMAND_IMPORT_FILE_H

#include "db/db.h"
#include "import/import.h"

struct import_file_options {
    struct db *db; /* two connections are used */
    int64_t user_id;
    struct import_options options;
    int64_t step_rows;
    bool (*goes_on)(void); /* asked several times a second */
};

/* What has come of it. */
struct import_file_outcome {
    int64_t job;  /* 0: the file could not even be read, or another process is importing it */
    int64_t rows; /* dealt with just now */
};

/* Imports the file, or goes on where that was broken off. PostgreSQL is waited for where it goes away
 * meanwhile. Shows progress and the first refused rows on standard error. RESULT_UNAVAILABLE: told to
 * stop; the same again goes on from there. The other results are the file's alone. */
enum result import_file_run(const struct import_file_options *options, const char *path,
                            struct import_file_outcome *outcome, struct error *error) MUST_CHECK;

/* What reports call a file: the last part of its path, without control characters. */
void import_file_name(const char *path, char *name, size_t size);

/* The report, as JSON or as text; the caller frees the buffer. */
enum result import_file_report(const struct import_file_options *options, int64_t job,
                               bool as_json, struct buffer *report,
                               struct error *error) MUST_CHECK;

#endif
