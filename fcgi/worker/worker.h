/*
 * What must be done beside the requests. Any number of workers may run at a time.
 */
#ifndef REFRAIN_WORKER_WORKER_H
#define REFRAIN_WORKER_WORKER_H

#include "db/db.h"

/* Works until SIGTERM or SIGINT, ends the step it is at, and returns. A database that is away is
 * waited for. The calling thread owns the signals. */
void worker_run(struct db *db);

#endif
