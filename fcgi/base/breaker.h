/*
 * Keeps callers from a server that does not answer. Closed: everybody may call. It opens after five
 * failures in a row, or when ten of the last twenty calls failed, or at once when no connection
 * could be made; then all fail at once, with the words of that failure. A second later (more or
 * less, so that not all processes knock together) it is half-open: one caller at a time may try,
 * and the first who is answered closes it.
 */
#ifndef REFRAIN_BASE_BREAKER_H
#define REFRAIN_BASE_BREAKER_H

#include "base/result.h"
#include "base/server_stats.h"

#include <stdbool.h>
#include <stdint.h>

struct breaker;

/* NULL where memory is short. `stats` must outlive it; breaker, breaker_opened (from closed) and
 * calls_failed are kept there. It logs "<name>-away" with the cause when it opens, or stays open
 * for another cause, and "<name>-back"; nothing where `name` is NULL. */
struct breaker *breaker_create(const char *name, struct server_stats *stats);
void breaker_destroy(struct breaker **breaker);

enum breaker_pass {
    BREAKER_REFUSED, /* the error is the one that it opened for */
    BREAKER_CALL,
    BREAKER_PROBE, /* nobody else may call until this one has left */
};
/* Asks to call, at the time now_us (monotonic). Who is let in must leave. A few ns while closed. */
enum breaker_pass breaker_enter(struct breaker *breaker, int64_t now_us,
                                struct error *error) MUST_CHECK;

enum breaker_outcome {
    BREAKER_ANSWERED,
    BREAKER_SILENT, /* no answer in time */
    BREAKER_BROKEN, /* a broken connection, or an answer that is as bad */
    BREAKER_UNTRIED, /* nothing was learnt about the server */
};
/* True if it opened by this; `cause` is read for a failure alone. */
bool breaker_leave(struct breaker *breaker, enum breaker_pass pass, enum breaker_outcome outcome,
                   int64_t now_us, const struct error *cause);

/* Opens it: no connection could be made. Whoever was let in leaves all the same. True if it was not
 * open. */
bool breaker_trip(struct breaker *breaker, int64_t now_us, const struct error *cause);

bool breaker_is_closed(const struct breaker *breaker);

#endif
