/*
 * What the sample listeners can hear: artists with releases and tracks, the same for a seed.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_CATALOGUE_H
#define REFRAIN_COMMAND_SAMPLE_CATALOGUE_H

#include "base/result.h"

#include <stdint.h>

/* Rows refer to one another by index. Artists of one genre stand together, the best known first. */
struct sample_track {
    const char *title;
    int release;
    int duration_ms;
};

struct sample_release {
    const char *title;
    int artist;
    int first_track, tracks_count;
};

struct sample_artist {
    const char *name;
    int genre;
    const char *tags; /* a JSON array of texts, the genre first */
    int first_release, releases_count;
};

/* A genre's range of artists. */
struct sample_scene {
    int first_artist, artists_count;
};

struct sample_catalogue {
    const struct sample_artist *artists;
    int artists_count;
    const struct sample_release *releases;
    int releases_count;
    const struct sample_track *tracks;
    int tracks_count;
    const struct sample_scene *scenes; /* by genre */
    int genres_count;
};

/* The caller owns it. RESULT_NO_MEMORY leaves *catalogue NULL. */
enum result sample_catalogue_create(uint64_t seed, struct sample_catalogue **catalogue) MUST_CHECK;
void sample_catalogue_destroy(struct sample_catalogue **catalogue);

#endif
