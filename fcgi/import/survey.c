#include "import/import.h"

#include <stdio.h>

enum { rows_between_questions = 256 };

static enum result walk(struct import *import, bool (*goes_on)(void *context), void *context,
                        int64_t *rows, struct error *error)
{
    for (;; (*rows)++) {
        enum import_row row;
        struct listen listen;
        if (*rows % rows_between_questions == 0 && !goes_on(context)) {
            return error_set(error, RESULT_UNAVAILABLE, "import", "told to stop");
        }
        enum result result = import_next(import, &row, &listen, error);
        if (result != RESULT_OK || row == IMPORT_END) {
            return result;
        }
    }
}

enum result import_survey(const char *path, const struct import_options *options,
                          bool (*goes_on)(void *context), void *context,
                          struct import_survey *survey, struct error *error)
{
    struct import *import;
    *survey = (struct import_survey){0};
    enum result result = import_open(path, options, &import, error);
    if (result != RESULT_OK) {
        return result;
    }
    result = walk(import, goes_on, context, &survey->rows, error);
    /* A zip tells only when it has been walked. */
    snprintf(survey->format, sizeof survey->format, "%s", import_format_name(import));
    import_close(&import);
    return result;
}
