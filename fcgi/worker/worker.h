/*
 * What must be done beside the requests. Any number of workers may run at a time.
 */
#ifndef REFRAIN_WORKER_WORKER_H
#define REFRAIN_WORKER_WORKER_H

#include "cache/relay.h"
#include "db/db.h"

/* Removes what is of no use any more, and runs the relay, until SIGTERM or SIGINT; then it ends the
 * step it is at and returns RESULT_OK. A server that is away is waited for; a schema that does not
 * fit is RESULT_CONFLICT. The calling thread owns the signals. `db` is not the relay's: its
 * statements may take long. */
enum result worker_run(struct db *db, struct relay *relay, struct error *error) MUST_CHECK;

#endif
