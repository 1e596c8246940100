/*
 * What a sample listener likes: genres, artists in the order of his liking, tracks that he plays
 * again and again.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_TASTE_H
#define REFRAIN_COMMAND_SAMPLE_TASTE_H

#include "command/sample_catalogue.h"
#include "command/sample_random.h"

enum {
    SAMPLE_TASTE_GENRES = 6,
    SAMPLE_TASTE_ARTISTS_MAX = 320,
    SAMPLE_TASTE_FAVOURITES = 48,
    SAMPLE_TASTE_SEASONS = 32,
    SAMPLE_TASTE_SEASON_DAYS = 24,
};

struct sample_taste {
    const struct sample_catalogue *catalogue;
    int genres[SAMPLE_TASTE_GENRES]; /* dearest first */
    int artists[SAMPLE_TASTE_ARTISTS_MAX];
    int artists_count;
    int favourites[SAMPLE_TASTE_FAVOURITES];
    int seasons[SAMPLE_TASTE_SEASONS]; /* the artist who is played most for some weeks */
};

/* The more somebody listens, the more artists he knows. */
void sample_taste_draw(struct sample_taste *taste, const struct sample_catalogue *catalogue,
                       struct sample_random *random, int listens);

/* An artist for a moment `day` days after the calendar's first. */
const struct sample_artist *sample_taste_artist(const struct sample_taste *taste,
                                                struct sample_random *random, int day);

const struct sample_release *sample_taste_release(const struct sample_taste *taste,
                                                  struct sample_random *random,
                                                  const struct sample_artist *artist);

/* One track of an artist; each release has its hits. */
int sample_taste_track(const struct sample_taste *taste, struct sample_random *random,
                       const struct sample_artist *artist);

/* One of the favourites, the first ones most. */
int sample_taste_favourite(const struct sample_taste *taste, struct sample_random *random);

#endif
