#include "import/columns.h"
#include "import/records.h"

/* What a row may be at most, if a quote is not to swallow all that follows. */
enum { row_lines_max = 8, row_bytes_max = 64 << 10 };

/* Lines from the beginning of the window on. */
struct span {
    size_t text_bytes; /* without the last line end */
    size_t size_bytes; /* with it */
    int64_t lines;
    bool last; /* of the input */
};

/* Makes it longer by a line, which is an empty one at the end of the input. */
static enum result add_line(struct input *input, struct span *span, struct error *error)
{
    size_t searched = span->size_bytes;
    for (;;) {
        struct slice window = input_window(input);
        const char *end = window.size_bytes == searched
                              ? NULL
                              : memchr(window.data + searched, '\n', window.size_bytes - searched);
        bool more = true;
        if (end == NULL) {
            searched = window.size_bytes;
            enum result result = input_read(input, &more, error);
            if (result != RESULT_OK) {
                return result;
            }
        }
        if (end != NULL || !more) {
            span->text_bytes = end == NULL ? window.size_bytes : (size_t)(end - window.data);
            span->size_bytes = span->text_bytes + (end != NULL);
            span->last = end == NULL;
            span->lines++;
            span->text_bytes -=
                span->text_bytes > 0 && window.data[span->text_bytes - 1] == '\r';
            return RESULT_OK;
        }
    }
}

enum result rows_next(struct input *input, const struct import_file *table, struct slice *row,
                      size_t *size, int64_t *lines, bool *found, struct error *error)
{
    struct span span = {0};
    struct span first = {0};
    enum columns_shape shape = COLUMNS_OPEN;
    size_t count = 0;
    while (shape == COLUMNS_OPEN && !span.last && span.lines < row_lines_max
           && (span.lines == 0 || span.size_bytes < row_bytes_max)) {
        enum result result = add_line(input, &span, error);
        if (result != RESULT_OK) {
            return result;
        }
        first = span.lines == 1 ? span : first;
        shape = columns_shape(slice_of(input_window(input).data, span.text_bytes),
                              table->separator, &count);
    }
    if (shape != COLUMNS_WHOLE || count != table->columns_count) {
        span = first;
    }
    *row = slice_of(input_window(input).data, span.text_bytes);
    *size = span.size_bytes;
    *lines = span.lines;
    *found = span.size_bytes > 0;
    return RESULT_OK;
}
