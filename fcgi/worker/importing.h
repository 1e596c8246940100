/*
 * The imports that listeners have uploaded, one at a time; several workers share them.
 */
#ifndef REFRAIN_WORKER_IMPORTING_H
#define REFRAIN_WORKER_IMPORTING_H

#include "db/db.h"

struct importing;

struct importing_options {
    struct db *db;     /* two of its connections are used while there is something to do */
    int64_t step_rows; /* that are stored at a time at most */
};

/* Starts a thread that looks for uploads once a second. What the options point to must outlive it. It
 * takes the signal mask of the caller. */
enum result importing_start(const struct importing_options *options, struct importing **importing,
                            struct error *error) MUST_CHECK;
/* Ends it after the step that it is at; what has not ended is left to others. NULL is fine. */
void importing_stop(struct importing **importing);

#endif
