#include "command/sample_random.h"

#include <assert.h>
#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const uint64_t GOLDEN = UINT64_C(0x9e3779b97f4a7c15);

struct sample_random sample_random_at(uint64_t seed, enum sample_stream stream, uint64_t index)
{
    uint64_t state = mix(seed + GOLDEN);
    state = mix(state + (uint64_t)stream * GOLDEN + 1);
    state = mix(state + index * GOLDEN + 1);
    return (struct sample_random){state};
}

uint64_t sample_random_next(struct sample_random *random)
{
    random->state += GOLDEN;
    return mix(random->state);
}

int sample_random_below(struct sample_random *random, int count)
{
    assert(count > 0);
    return (int)(((sample_random_next(random) >> 32) * (uint64_t)count) >> 32);
}

int sample_random_between(struct sample_random *random, int first, int last)
{
    return first + sample_random_below(random, last - first + 1);
}

double sample_random_unit(struct sample_random *random)
{
    return (double)(sample_random_next(random) >> 11) * 0x1p-53;
}

bool sample_random_chance(struct sample_random *random, double probability)
{
    return sample_random_unit(random) < probability;
}

int sample_random_zipf(struct sample_random *random, int count)
{
    assert(count > 0);
    int rank = (int)exp(sample_random_unit(random) * log((double)count + 1)) - 1;
    return rank < count ? rank : count - 1;
}

double sample_random_bell(struct sample_random *random)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += sample_random_unit(random);
    }
    return (sum - 2) * sqrt(3.0);
}
