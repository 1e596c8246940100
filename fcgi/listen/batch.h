/*
 * Listens on their way into PostgreSQL: the one way in, for submissions, imports and samples.
 * A batch is one transaction, all or nothing; what is there already changes nothing.
 */
#ifndef REFRAIN_LISTEN_BATCH_H
#define REFRAIN_LISTEN_BATCH_H

#include "db/db.h"
#include "listen/known.h"
#include "listen/listen.h"

struct batch;

/* What a store changed. */
struct batch_outcome {
    int64_t accepted;                /* listens that were new */
    int64_t epoch, live, past, auth; /* the user's versions after it */
};

/* What `known` holds is not added to the catalogue again; it must outlive the batch. NULL: everything
 * is added. NULL is returned where memory is short. The caller owns the batch. */
struct batch *batch_create(struct known *known);
void batch_destroy(struct batch **batch);

/* Copies what it needs of the listen (names are folded, ids computed). RESULT_NO_MEMORY leaves the
 * batch unusable until it is cleared; RESULT_INVALID (a name is not UTF-8) leaves it as it was. */
enum result batch_add(struct batch *batch, const struct listen *listen) MUST_CHECK;

size_t batch_count(const struct batch *batch);
/* What the listens' texts come to, each counted as often as it was given. */
size_t batch_bytes(const struct batch *batch);

/* Writes the batch for the user, and empties it on success (an empty batch is nothing to do, and
 * its outcome is all zero).
 * RESULT_NOT_FOUND: no such user. On any failure nothing is stored, except that RESULT_TIMEOUT and
 * RESULT_UNAVAILABLE may leave it unknown; storing again is safe, as a repeat changes nothing. */
enum result batch_store(struct batch *batch, struct db *db, int64_t user_id, int64_t deadline_us,
                        struct batch_outcome *outcome, struct error *error) MUST_CHECK;

/* A function that stores listens with something of its own: its last parameters are the columns that
 * listen_add() has after the user, and its row begins with what batch_outcome holds. */
enum { BATCH_COLUMNS = 11 };
struct batch_call {
    const struct db_function *function;
    const char *const *params; /* before the columns */
    int params_count;
};
/* batch_store() by this function, whose failures are the result; called for an empty batch too. */
enum result batch_store_by(struct batch *batch, struct db *db, const struct batch_call *to,
                           int64_t deadline_us, struct batch_outcome *outcome,
                           struct error *error) MUST_CHECK;

/* Forgets all listens, keeps the room. */
void batch_clear(struct batch *batch);

#endif
