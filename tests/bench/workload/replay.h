/*
 * Asks an instance for what a plan says, when it says so.
 */
#ifndef REFRAIN_BENCH_REPLAY_H
#define REFRAIN_BENCH_REPLAY_H

#include "client.h"
#include "people.h"
#include "plan.h"

struct replay_options {
    const struct client_target *target;
    const struct people *people;
    const struct plan *plan;
    double speed; /* how many seconds of the community's are one */
    int64_t connections;
};

/* What became of an event. */
struct replay_answer {
    int status; /* 0: there was no answer */
    enum outcome outcome;
    int64_t latency_us; /* from the first byte sent to the last received */
    int64_t late_us;    /* how long after it was due it was begun */
};

/* Takes as long as the plan does; each connection is a thread's, and takes the next that is due.
 * `answers` has a place for each event. The first failures are told on stderr. RESULT_NO_MEMORY or
 * RESULT_UNAVAILABLE where not all connections could be set up. */
enum result replay_run(const struct replay_options *options, struct replay_answer *answers,
                       double *seconds, struct error *error) MUST_CHECK;

/* What the plan expects: others have failed. */
static inline bool replay_is_good(const struct replay_answer *answer)
{
    return answer->status == 200 || answer->status == 204;
}

#endif
