/*
 * logfmt on standard error, one line an event. Never a token, a password or a listen's content.
 */
#ifndef REFRAIN_BASE_LOG_H
#define REFRAIN_BASE_LOG_H

#include "base/result.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

/* Lines below `level` are dropped. The start value is info. */
void log_set_level(enum log_level level);

/* False if `name` is none of debug, info, warn, error. */
bool log_level_parse(const char *name, enum log_level *level);

/* The request id that this thread's lines carry from now on; NULL for none. Not copied. */
void log_set_request_id(const char *id);

/* `event` is a word; then pairs of key and text, ended by NULL: texts are quoted where needed and
 * control bytes are escaped, so one call is always one line. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* log_event for an error: event, its text and origin, the result's name. */
void log_error(const char *event, enum result result, const struct error *error);

#endif
