#include "command/sample_taste.h"

#include "command/sample_genres.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

enum { dearest_artists_min = 8 };

static int draw_genre(struct sample_random *random)
{
    int fans = 0;
    for (int i = 0; sample_genres[i].name != NULL; i++) {
        fans += sample_genres[i].fans;
    }
    int at = sample_random_below(random, fans);
    int genre = 0;
    while (at >= sample_genres[genre].fans) {
        at -= sample_genres[genre++].fans;
    }
    return genre;
}

/* Somebody of the listener's genres whom many know. */
static int draw_known_artist(const struct sample_taste *taste, struct sample_random *random)
{
    int genre = taste->genres[sample_random_zipf(random, SAMPLE_TASTE_GENRES)];
    const struct sample_scene *scene = &taste->catalogue->scenes[genre];
    assert(scene->artists_count > 0);
    return scene->first_artist + sample_random_zipf(random, scene->artists_count);
}

static bool knows(const struct sample_taste *taste, int artist)
{
    for (int i = 0; i < taste->artists_count; i++) {
        if (taste->artists[i] == artist) {
            return true;
        }
    }
    return false;
}

/* Small scenes have fewer artists than are asked for, hence the bound on tries. */
static void draw_artists(struct sample_taste *taste, struct sample_random *random, int wanted)
{
    for (int tries = wanted * 8; tries > 0 && taste->artists_count < wanted; tries--) {
        int artist = draw_known_artist(taste, random);
        if (!knows(taste, artist)) {
            taste->artists[taste->artists_count++] = artist;
        }
    }
}

void sample_taste_draw(struct sample_taste *taste, const struct sample_catalogue *catalogue,
                       struct sample_random *random, int listens)
{
    taste->catalogue = catalogue;
    taste->artists_count = 0;
    for (int i = 0; i < SAMPLE_TASTE_GENRES; i++) {
        /* The dearest genre is one with enough artists for a life. */
        do {
            taste->genres[i] = draw_genre(random);
        } while (i == 0 && catalogue->scenes[taste->genres[i]].artists_count < dearest_artists_min);
    }
    double wanted = 12 + 1.6 * sqrt(listens);
    draw_artists(taste, random, (int)fmin(wanted, SAMPLE_TASTE_ARTISTS_MAX));
    for (int i = 0; i < SAMPLE_TASTE_SEASONS; i++) {
        taste->seasons[i] = taste->artists[sample_random_below(random, taste->artists_count)];
    }
    for (int i = 0; i < SAMPLE_TASTE_FAVOURITES; i++) {
        int artist = taste->artists[sample_random_zipf(random, taste->artists_count)];
        taste->favourites[i] = sample_taste_track(taste, random, &catalogue->artists[artist]);
    }
}

const struct sample_artist *sample_taste_artist(const struct sample_taste *taste,
                                                struct sample_random *random, int day)
{
    int artist;
    double mood = sample_random_unit(random);
    if (mood < 0.2) {
        artist = taste->seasons[day / SAMPLE_TASTE_SEASON_DAYS % SAMPLE_TASTE_SEASONS];
    } else if (mood < 0.28) {
        artist = draw_known_artist(taste, random);
    } else {
        artist = taste->artists[sample_random_zipf(random, taste->artists_count)];
    }
    return &taste->catalogue->artists[artist];
}

const struct sample_release *sample_taste_release(const struct sample_taste *taste,
                                                  struct sample_random *random,
                                                  const struct sample_artist *artist)
{
    int nth = sample_random_zipf(random, artist->releases_count);
    return &taste->catalogue->releases[artist->first_release + nth];
}

int sample_taste_track(const struct sample_taste *taste, struct sample_random *random,
                       const struct sample_artist *artist)
{
    const struct sample_release *release = sample_taste_release(taste, random, artist);
    /* Hits stand anywhere on a release: its own number says where the ranks begin. */
    int rank = sample_random_zipf(random, release->tracks_count);
    int offset = (int)(release - taste->catalogue->releases) * 7;
    return release->first_track + (rank + offset) % release->tracks_count;
}

int sample_taste_favourite(const struct sample_taste *taste, struct sample_random *random)
{
    return taste->favourites[sample_random_zipf(random, SAMPLE_TASTE_FAVOURITES)];
}
