/*
 * A thread that does something at an even pace.
 */
#ifndef REFRAIN_BASE_METRONOME_H
#define REFRAIN_BASE_METRONOME_H

#include "base/result.h"

#include <stdint.h>

struct metronome;

struct metronome_options {
    void (*beat)(void *context); /* once every interval, the first time at once */
    void (*last)(void *context); /* once at the end */
    void *context;
    int64_t interval_us;
};

/* The context belongs to the thread until metronome_stop(). The thread takes the signal mask of the
 * caller. */
enum result metronome_start(const struct metronome_options *options, struct metronome **metronome,
                            struct error *error) MUST_CHECK;

/* Ends the thread after the beat that it is at, and its last. NULL is fine. */
void metronome_stop(struct metronome **metronome);

#endif
