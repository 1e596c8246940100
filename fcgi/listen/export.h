/*
 * All that a listener has told, as lines of JSON in the form of ListenBrainz' exports: his listens,
 * the oldest first, then what he loves and hates. import/ reads them. Nothing is held between two
 * pieces, so an export may last as long as it likes: what is there all the time is in it once,
 * whatever comes and goes meanwhile.
 */
#ifndef REFRAIN_LISTEN_EXPORT_H
#define REFRAIN_LISTEN_EXPORT_H

#include "db/db.h"

struct export;

/* NULL where memory is short. The caller owns it; the database must outlive it. */
struct export *export_create(struct db *db, int64_t user_id);
void export_destroy(struct export **export);

/* Appends the next lines, each with its end; nothing: there are no more. The first piece is small, so
 * that it comes at once; the others are a quarter of a megabyte, or end with the listen that takes
 * them beyond it. RESULT_NOT_FOUND: no such user, or no longer. After a failure `to` may hold a part
 * of the piece. */
enum result export_next(struct export *export, int64_t deadline_us, struct buffer *to,
                        struct error *error) MUST_CHECK;

/* How many lines there have been. */
int64_t export_lines(const struct export *export);

#endif
