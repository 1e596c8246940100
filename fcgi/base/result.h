/*
 * One set of outcomes for the whole program, and the words that go with a failure.
 */
#ifndef REFRAIN_BASE_RESULT_H
#define REFRAIN_BASE_RESULT_H

#include <stdarg.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

enum result {
    RESULT_OK = 0,
    RESULT_NOT_FOUND,    /* what was asked for does not exist, or may not be seen */
    RESULT_INVALID,      /* the input is wrong; the error says how and what would be right */
    RESULT_UNAUTHORIZED, /* no credential, or one that does not suffice */
    RESULT_CONFLICT,     /* it exists already, or changed meanwhile */
    RESULT_TOO_LARGE,    /* over a limit that the error names */
    RESULT_TIMEOUT,      /* the deadline passed; what was under way may have happened */
    RESULT_UNAVAILABLE,  /* a server that is needed does not answer; trying later may help */
    RESULT_NO_MEMORY,
    RESULT_INTERNAL, /* a broken promise of our own or of a server: always logged */
};

/* What went wrong, for a log line or an API error. */
struct error {
    char text[400];
    char origin[32]; /* the module that set it, such as "db" */
};

/* Writes an error and hands back `result`, so that a failure is one statement:
 * `return error_set(error, RESULT_INVALID, "config", "…")`. `error` may be NULL. Long texts are cut
 * between characters. */
enum result error_set(struct error *error, enum result result, const char *origin,
                      const char *format, ...) PRINTF_LIKE(4, 5);
enum result error_set_list(struct error *error, enum result result, const char *origin,
                           const char *format, va_list args) PRINTF_LIKE(4, 0);

/* The name of an outcome in lower case, such as "not-found", for logs. */
const char *result_name(enum result result);

#endif
