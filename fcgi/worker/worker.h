/*
 * What must be done beside the requests. Any number of workers may run at a time.
 */
#ifndef REFRAIN_WORKER_WORKER_H
#define REFRAIN_WORKER_WORKER_H

#include "worker/warm.h"

struct worker_options {
    struct db *db; /* for statements that may take long: not the relay's, nor the warmer's */
    struct relay *relay;
    const struct warm_options *warm; /* NULL: nothing is computed ahead */
    int64_t import_step_rows;
    int64_t catalogue_refresh_s; /* how long others may not see an MBID that has become known */
    int64_t site_refresh_s;      /* how old what the site has may become */
};

/* Removes what is of no use any more, folds what is listened to into what the site has, runs the
 * relay, imports what has been uploaded, and computes ahead, until SIGTERM or SIGINT; then it ends the
 * step it is at and returns RESULT_OK. A server that is away is waited for; a schema that does not fit
 * is RESULT_CONFLICT. The calling thread owns the signals. */
enum result worker_run(const struct worker_options *options, struct error *error) MUST_CHECK;

#endif
