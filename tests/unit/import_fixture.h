/*
 * Small files for the tests of imports, in a folder of their own that is removed at the end.
 */
#ifndef REFRAIN_TESTS_IMPORT_FIXTURE_H
#define REFRAIN_TESTS_IMPORT_FIXTURE_H

#include "base/slice.h"
#include "import/import.h"

void fixture_begin(void);
void fixture_end(void);

/* Paths are valid until the next call that makes one. */
const char *fixture_path(const char *name);
const char *fixture_file(const char *name, struct slice content);
const char *fixture_text(const char *name, const char *content);

struct fixture_member {
    const char *name;
    struct slice content;
};
const char *fixture_zip(const char *name, const struct fixture_member *members, size_t count);

/* What came of reading a whole file. */
struct fixture_outcome {
    enum result result; /* of opening, or of reading on */
    struct error error; /* of that, or of the last row refused */
    struct error reason; /* of the last row skipped */
    int listens, feedback, skipped, refused;
    struct import_feedback last_feedback;
    char format[80];
    char file[80];      /* of the last row refused, and its line */
    int64_t line;
    struct listen last; /* its texts live until the next reading */
};
struct fixture_outcome fixture_read(const char *path, const struct import_options *options);

#endif
