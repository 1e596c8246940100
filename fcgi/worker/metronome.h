/*
 * A thread that runs the relay's rounds, one every RELAY_ROUND_MS.
 */
#ifndef REFRAIN_WORKER_METRONOME_H
#define REFRAIN_WORKER_METRONOME_H

#include "cache/relay.h"

struct metronome;

/* The relay belongs to the thread until metronome_stop(). The thread takes the signal mask of the
 * caller. */
enum result metronome_start(struct relay *relay, struct metronome **metronome,
                            struct error *error) MUST_CHECK;

/* Ends the thread after the round that it is at, and lets the relay give up what it holds. */
void metronome_stop(struct metronome **metronome);

#endif
