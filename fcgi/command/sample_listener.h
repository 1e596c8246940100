/*
 * The sample listeners: how many listens each has, and which.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_LISTENER_H
#define REFRAIN_COMMAND_SAMPLE_LISTENER_H

#include "base/result.h"
#include "command/sample_catalogue.h"

#include <stdbool.h>
#include <stdint.h>

/* What one listener can hear in the days of a calendar without losing his sleep. */
enum { SAMPLE_LISTENS_PER_LISTENER_MAX = 50000 };

/* A program that submits, and what it tells of a track. */
struct sample_client {
    const char *name;
    bool tells_duration, tells_number, tells_tags;
};

struct sample_listen {
    int64_t listened_at_s;
    int track; /* of the catalogue */
    const struct sample_client *client;
};

struct sample_history {
    struct sample_listen *listens; /* oldest first, each at a time of its own */
    int count;
};

/* Shares `listens` among the listeners: a few have many, most have few. `counts` has a place for each
 * listener, and listens is at most SAMPLE_LISTENS_PER_LISTENER_MAX for each of them. The first one,
 * the demo listener, is the second heaviest. */
void sample_listens_share(uint64_t seed, int listeners, int listens, int *counts);

/* What the listener with this index heard: `count` listens in the SAMPLE_DAYS before `newest_s`, a
 * UTC midnight. The same arguments give the same listens. */
enum result sample_history_create(const struct sample_catalogue *catalogue, uint64_t seed,
                                  int listener, int count, int64_t newest_s,
                                  struct sample_history *history) MUST_CHECK;
void sample_history_free(struct sample_history *history);

#endif
