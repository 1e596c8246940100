/*
 * Who is read of late, and which of his pages: noted by every request, told to the database about
 * once a second, so that a worker can compute these pages ahead after a change.
 */
#ifndef REFRAIN_VIEW_READERS_H
#define REFRAIN_VIEW_READERS_H

#include "db/db.h"

struct readers;

/* Starts the thread that tells. `db` must outlive it. */
enum result readers_start(struct db *db, struct readers **readers, struct error *error) MUST_CHECK;
/* Tells what is left, if the database answers, and ends the thread. */
void readers_stop(struct readers **readers);

/* Notes that a page (view.h) of a user has been read. Safe from any thread; takes no lock for what has
 * been noted within the minute. Where too many users are read within a minute, some are left out. */
void readers_note(struct readers *readers, int64_t user_id, int page);

#endif
