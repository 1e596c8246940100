/*
 * Who is read of late, and which of his pages: noted by every request, told to the database about
 * once a second, so that a worker can compute these pages ahead after a change.
 */
#ifndef REFRAIN_VIEW_READERS_H
#define REFRAIN_VIEW_READERS_H

#include "db/db.h"

struct readers;

/* Starts the thread that tells. `db` must outlive it. That a page was read counts for active_s. */
enum result readers_start(struct db *db, int64_t active_s, struct readers **readers,
                          struct error *error) MUST_CHECK;
/* Tells what is left, if the database answers, and ends the thread. */
void readers_stop(struct readers **readers);

/* Notes that a page (view.h) of a user has been read. Safe from any thread; takes no lock for what has
 * been noted of late. Where too many users are read at a time, some are left out. */
void readers_note(struct readers *readers, int64_t user_id, int page);

#endif
