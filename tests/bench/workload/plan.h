/*
 * What a community will ask for, and when: a list in order of time that the seed alone decides.
 *
 * Sessions and visits come by the rhythm of a day. Each session is a listener's and each visit goes
 * to one, both drawn by Zipf's law, exponent 1: the first of the people hears most and is looked at
 * most, the second half as much. Who is in a session begins no other.
 */
#ifndef REFRAIN_BENCH_PLAN_H
#define REFRAIN_BENCH_PLAN_H

#include "base/result.h"
#include "mix.h"

#include <stddef.h>
#include <stdint.h>

struct plan_options {
    int64_t seed;
    int64_t people;
    int64_t hours; /* the last so many of a day; 24: all of it */
};

struct plan_event {
    int64_t due_us; /* of the community's time, from the begin on */
    int endpoint;
    enum mix_cause cause;
    bool is_own; /* asked by the person himself, with his token; else by a visitor */
    int person;
    int range;
    int track;       /* of what is submitted the first, before those after it; else what is looked at */
    int tracks_count;
    int64_t past_s; /* how long before now what is asked for, or told of, begins */
};

/* Of each artist there are so many, one after the other. */
enum { PLAN_ARTIST_TRACKS = 60 };
/* The one after a track, of the same artist. */
int plan_next_track(int track);

struct plan {
    struct plan_event *events;
    size_t count;
    size_t room;
};

/* RESULT_NO_MEMORY at worst; plan_free() takes care of what is there then, too. */
enum result plan_make(const struct plan_options *options, struct plan *plan) MUST_CHECK;
void plan_free(struct plan *plan);

#endif
