/*
 * Numbers drawn for the sample community. A stream is named by (seed, what it is for, index), so that
 * every listener and every artist has numbers of his own, whatever is made before him: splitmix64
 * (S. Vigna, public domain) from a hashed start.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_RANDOM_H
#define REFRAIN_COMMAND_SAMPLE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sample_random {
    uint64_t state;
};

enum sample_stream { SAMPLE_STREAM_CATALOGUE, SAMPLE_STREAM_COMMUNITY, SAMPLE_STREAM_LISTENER };

struct sample_random sample_random_at(uint64_t seed, enum sample_stream stream, uint64_t index);

uint64_t sample_random_next(struct sample_random *random);

/* From 0 to count − 1; count > 0. */
int sample_random_below(struct sample_random *random, int count);

/* From `first` to `last`, both included. */
int sample_random_between(struct sample_random *random, int first, int last);

/* In [0, 1). */
double sample_random_unit(struct sample_random *random);

bool sample_random_chance(struct sample_random *random, double probability);

/* A rank from 0 to count − 1, rank k with a probability of about 1/(k + 1): Zipf's law with
 * exponent 1, by the logarithm of a uniform number. */
int sample_random_zipf(struct sample_random *random, int count);

/* Bell-shaped around 0 with a deviation of 1, never beyond ± 3.5. */
double sample_random_bell(struct sample_random *random);

#endif
