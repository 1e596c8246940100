/*
 * Bad rows of files, named on standard error: the first twenty of them.
 */
#ifndef REFRAIN_COMMAND_REFUSAL_H
#define REFRAIN_COMMAND_REFUSAL_H

#include "command/progress.h"

#include <stdbool.h>

struct refusal {
    const char *rest; /* what to do about those that are not named */
    int64_t count;
};

/* Whether the next one is named, so that it matters in which order they are told. */
bool refusal_is_named(const struct refusal *refusal);

/* Counts a bad row, and names it. The progress gives way. */
void refusal_tell(struct refusal *refusal, struct progress *progress, const char *file,
                  int64_t line, const char *reason);

#endif
