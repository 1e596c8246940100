/*
 * Progress of a long command: a line on a terminal that is written over, nothing elsewhere.
 */
#ifndef REFRAIN_COMMAND_PROGRESS_H
#define REFRAIN_COMMAND_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* such as "listens" */
    bool is_shown;
    int64_t began_us;
    int64_t shown_us;
};

/* Shows only if standard error is a terminal. */
void progress_begin(struct progress *progress, const char *what);

/* `done` of `what` so far; `part` of `whole` tells how far that is. At most ten times a second. */
void progress_show(struct progress *progress, int64_t done, int64_t part, int64_t whole);

/* Clears the line. */
void progress_end(struct progress *progress);

/* Since it began. */
double progress_seconds(const struct progress *progress);

#endif
