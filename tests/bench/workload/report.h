/*
 * What a replay has shown, by endpoint, by service and in all: as a table, or as JSON for programs.
 */
#ifndef REFRAIN_BENCH_REPORT_H
#define REFRAIN_BENCH_REPORT_H

#include "replay.h"

#include <stdbool.h>

struct report {
    const struct plan_options *options;
    const struct plan *plan;
    const struct replay_answer *answers;
    double speed;
    double seconds;
    int64_t sql_saved; /* as the instance tells it; −1: it doesn't */
};

/* To stdout. RESULT_NO_MEMORY at worst. */
enum result report_print(const struct report *report, bool as_json) MUST_CHECK;

/* How many requests were answered by an error, or not at all. */
size_t report_failures(const struct report *report);

#endif
