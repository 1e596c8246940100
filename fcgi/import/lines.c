#include "import/records.h"

enum result lines_next(struct input *input, struct slice *line, size_t *size, bool *found,
                       struct error *error)
{
    size_t searched = 0;
    *found = false;
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
            size_t length = end == NULL ? window.size_bytes : (size_t)(end - window.data);
            *size = end == NULL ? length : length + 1;
            *found = *size > 0;
            if (length > 0 && window.data[length - 1] == '\r') {
                length--;
            }
            *line = slice_of(window.data, length);
            return RESULT_OK;
        }
    }
}

enum result lines_pass(struct input *input, struct error *error)
{
    bool more = true;
    while (more) {
        struct slice window = input_window(input);
        const char *end = memchr(window.data, '\n', window.size_bytes);
        if (end != NULL) {
            input_pass(input, (size_t)(end - window.data) + 1);
            return RESULT_OK;
        }
        input_pass(input, window.size_bytes);
        enum result result = input_read(input, &more, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}
