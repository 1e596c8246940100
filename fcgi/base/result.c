#include "base/result.h"

#include "base/text.h"

#include <stdio.h>

enum result error_set(struct error *error, enum result result, const char *origin,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_set_list(error, result, origin, format, args);
    va_end(args);
    return result;
}

/* Takes the last character off if only its first bytes found room. */
static void drop_cut_char(char *text)
{
    size_t size = strlen(text);
    size_t at = size;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    if (at > 0 && (unsigned char)text[at - 1] >= 0xc0) {
        at--;
        struct slice last = slice_of(text + at, size - at);
        if (text_char_size(last) != last.size_bytes) {
            text[at] = '\0';
        }
    }
}

enum result error_set_list(struct error *error, enum result result, const char *origin,
                           const char *format, va_list args)
{
    if (error == NULL) {
        return result;
    }
    int size = vsnprintf(error->text, sizeof error->text, format, args);
    if (size >= (int)sizeof error->text) {
        drop_cut_char(error->text);
    }
    snprintf(error->origin, sizeof error->origin, "%s", origin);
    return result;
}

const char *result_name(enum result result)
{
    static const char *const names[] = {
        [RESULT_OK] = "ok",
        [RESULT_NOT_FOUND] = "not-found",
        [RESULT_INVALID] = "invalid",
        [RESULT_UNAUTHORIZED] = "unauthorized",
        [RESULT_CONFLICT] = "conflict",
        [RESULT_TOO_LARGE] = "too-large",
        [RESULT_TIMEOUT] = "timeout",
        [RESULT_UNAVAILABLE] = "unavailable",
        [RESULT_NO_MEMORY] = "no-memory",
        [RESULT_INTERNAL] = "internal",
    };
    return names[result];
}
