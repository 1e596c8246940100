#include "command/sample_catalogue.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "command/sample_composers.h"
#include "command/sample_genres.h"
#include "command/sample_names.h"
#include "command/sample_random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { releases_max = 7, renditions_max = 3 };

static const struct sample_composer *const composers[] = {sample_composers_early,
                                                          sample_composers_late};
enum { composers_tables = sizeof composers / sizeof composers[0] };

/* The catalogue with what it takes to make it. Like a buffer it latches a failed allocation. */
struct maker {
    struct sample_catalogue catalogue; /* first: it is what the caller holds */
    struct sample_artist *artists;
    struct sample_release *releases;
    struct sample_track *tracks;
    struct sample_scene *scenes;
    struct arena *texts;
    struct buffer scratch;
    struct sample_random random;
    bool failed;
};

/* Takes the text out of the scratch buffer. */
static const char *keep_text(struct maker *maker)
{
    char *text = buffer_result(&maker->scratch) == RESULT_OK
                     ? arena_copy(maker->texts, buffer_slice(&maker->scratch))
                     : NULL;
    buffer_clear(&maker->scratch);
    maker->failed |= text == NULL;
    return text == NULL ? "" : text;
}

/* ── rows ── */

static struct sample_artist *add_artist(struct maker *maker, int genre, const char *name)
{
    struct sample_artist *artist = &maker->artists[maker->catalogue.artists_count++];
    *artist = (struct sample_artist){
        .name = name, .genre = genre, .first_release = maker->catalogue.releases_count};
    maker->scenes[genre].artists_count++;
    return artist;
}

static void add_tags(struct maker *maker, struct sample_artist *artist)
{
    const struct sample_genre *genre = &sample_genres[artist->genre];
    buffer_append_format(&maker->scratch, "[\"%s\"", genre->name);
    for (int i = 0; i < SAMPLE_GENRE_TAGS && genre->tags[i] != NULL; i++) {
        if (i == 0 || sample_random_chance(&maker->random, 0.5)) {
            buffer_append_format(&maker->scratch, ",\"%s\"", genre->tags[i]);
        }
    }
    buffer_append_char(&maker->scratch, ']');
    artist->tags = keep_text(maker);
}

static struct sample_release *add_release(struct maker *maker, struct sample_artist *artist,
                                          const char *title)
{
    struct sample_release *release = &maker->releases[maker->catalogue.releases_count++];
    *release = (struct sample_release){.title = title,
                                       .artist = (int)(artist - maker->artists),
                                       .first_track = maker->catalogue.tracks_count};
    artist->releases_count++;
    return release;
}

/* `usual_s` varied by `spread`, a factor's logarithm. */
static void add_track(struct maker *maker, struct sample_release *release, const char *title,
                      double usual_s, double spread)
{
    double seconds = usual_s * exp(spread * sample_random_bell(&maker->random));
    maker->tracks[maker->catalogue.tracks_count++] =
        (struct sample_track){.title = title,
                              .release = (int)(release - maker->releases),
                              .duration_ms = (int)(fmax(seconds, 35) * 1000)
                                             + sample_random_below(&maker->random, 1000)};
    release->tracks_count++;
}

/* ── composers ── */

static const char *rendition_title(struct maker *maker, const struct sample_work *work)
{
    buffer_append_format(&maker->scratch, "%s (", work->title);
    sample_name_performer(&maker->scratch, &maker->random, work->forces);
    buffer_append_char(&maker->scratch, ')');
    return keep_text(maker);
}

static const char *part_title(struct maker *maker, const struct sample_work *work, int number,
                              struct slice part)
{
    static const char *const NUMERALS[] = {
        "I",    "II",    "III", "IV", "V",   "VI",   "VII",   "VIII",  "IX",   "X",  "XI",  "XII",
        "XIII", "XIV",   "XV",  "XVI", "XVII", "XVIII", "XIX", "XX",   "XXI", "XXII", "XXIII",
        "XXIV",
    };
    assert(!work->numbered || number < (int)(sizeof NUMERALS / sizeof NUMERALS[0]));
    if (work->numbered) {
        buffer_append_format(&maker->scratch, "%s: %s. ", work->title, NUMERALS[number]);
    }
    buffer_append_slice(&maker->scratch, part);
    return keep_text(maker);
}

static int parts_count(const struct sample_work *work)
{
    int count = 1;
    for (const char *at = work->parts; at != NULL && (at = strchr(at, '|')) != NULL; at++) {
        count++;
    }
    return count;
}

static void add_rendition(struct maker *maker, struct sample_artist *artist,
                          const struct sample_work *work)
{
    struct sample_release *release = add_release(maker, artist, rendition_title(maker, work));
    double part_s = work->minutes * 60.0 / parts_count(work);
    const char *at = work->parts == NULL ? work->title : work->parts;
    for (int number = 0; at != NULL; number++) {
        const char *end = strchrnul(at, '|');
        struct slice part = slice_of(at, (size_t)(end - at));
        add_track(maker, release, part_title(maker, work, number, part), part_s, 0.25);
        at = *end == '|' ? end + 1 : NULL;
    }
}

static void add_composer(struct maker *maker, int genre, const struct sample_composer *composer)
{
    struct sample_artist *artist = add_artist(maker, genre, composer->name);
    add_tags(maker, artist);
    for (const struct sample_work *work = composer->works; work->title != NULL; work++) {
        int renditions = sample_random_between(&maker->random, 1, renditions_max);
        for (int i = 0; i < renditions; i++) {
            add_rendition(maker, artist, work);
        }
    }
}

static int works_count(const struct sample_composer *composer)
{
    int count = 0;
    while (composer->works[count].title != NULL) {
        count++;
    }
    return count;
}

/* Those of whom the table holds the most works are the best known. */
static void add_composers(struct maker *maker, int genre)
{
    enum { works_max = 12 };
    for (int works = works_max; works > 0; works--) {
        for (int table = 0; table < composers_tables; table++) {
            for (const struct sample_composer *c = composers[table]; c->name != NULL; c++) {
                if (works_count(c) == works && strcmp(c->genre, sample_genres[genre].name) == 0) {
                    add_composer(maker, genre, c);
                }
            }
        }
    }
}

/* ── bands ── */

static bool name_is_taken(const struct maker *maker, const char *name)
{
    for (int i = 0; i < maker->catalogue.artists_count; i++) {
        if (strcmp(maker->artists[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *new_band_name(struct maker *maker)
{
    const char *name;
    do {
        sample_name_band(&maker->scratch, &maker->random);
        name = keep_text(maker);
    } while (!maker->failed && name_is_taken(maker, name));
    return name;
}

static bool title_is_taken(const struct maker *maker, const struct sample_release *release,
                           const char *title)
{
    for (int i = 0; i < release->tracks_count; i++) {
        if (strcmp(maker->tracks[release->first_track + i].title, title) == 0) {
            return true;
        }
    }
    return false;
}

static const char *new_track_title(struct maker *maker, const struct sample_release *release)
{
    const char *title;
    do {
        sample_name_title(&maker->scratch, &maker->random);
        title = keep_text(maker);
    } while (!maker->failed && title_is_taken(maker, release, title));
    return title;
}

static void add_album(struct maker *maker, struct sample_artist *artist)
{
    const struct sample_genre *genre = &sample_genres[artist->genre];
    sample_name_title(&maker->scratch, &maker->random);
    struct sample_release *release = add_release(maker, artist, keep_text(maker));
    int tracks = sample_random_between(&maker->random, genre->tracks_min, genre->tracks_max);
    for (int i = 0; i < tracks; i++) {
        add_track(maker, release, new_track_title(maker, release), genre->track_s, 0.22);
    }
}

static void add_bands(struct maker *maker, int genre)
{
    for (int i = 0; i < sample_genres[genre].bands; i++) {
        struct sample_artist *artist = add_artist(maker, genre, new_band_name(maker));
        add_tags(maker, artist);
        int releases = 1 + sample_random_zipf(&maker->random, releases_max);
        for (int r = 0; r < releases; r++) {
            add_album(maker, artist);
        }
    }
}

/* ── the whole ── */

/* What the tables can come to at most. */
static void count_room(int *genres, int *artists, int *releases, int *tracks)
{
    *genres = *artists = *releases = *tracks = 0;
    for (const struct sample_genre *genre = sample_genres; genre->name != NULL; genre++) {
        (*genres)++;
        *artists += genre->bands;
        *releases += genre->bands * releases_max;
        *tracks += genre->bands * releases_max * genre->tracks_max;
    }
    for (int table = 0; table < composers_tables; table++) {
        for (const struct sample_composer *c = composers[table]; c->name != NULL; c++) {
            (*artists)++;
            for (const struct sample_work *work = c->works; work->title != NULL; work++) {
                *releases += renditions_max;
                *tracks += renditions_max * parts_count(work);
            }
        }
    }
}

static bool make_room(struct maker *maker)
{
    int genres, artists, releases, tracks;
    count_room(&genres, &artists, &releases, &tracks);
    maker->artists = calloc((size_t)artists, sizeof *maker->artists);
    maker->releases = calloc((size_t)releases, sizeof *maker->releases);
    maker->tracks = calloc((size_t)tracks, sizeof *maker->tracks);
    maker->scenes = calloc((size_t)genres, sizeof *maker->scenes);
    maker->texts = arena_create();
    maker->catalogue.genres_count = genres;
    return maker->artists != NULL && maker->releases != NULL && maker->tracks != NULL
           && maker->scenes != NULL && maker->texts != NULL;
}

static void fill(struct maker *maker)
{
    for (int genre = 0; genre < maker->catalogue.genres_count; genre++) {
        maker->scenes[genre].first_artist = maker->catalogue.artists_count;
        if (sample_genres[genre].bands == 0) {
            add_composers(maker, genre);
        } else {
            add_bands(maker, genre);
        }
    }
    maker->catalogue.artists = maker->artists;
    maker->catalogue.releases = maker->releases;
    maker->catalogue.tracks = maker->tracks;
    maker->catalogue.scenes = maker->scenes;
}

enum result sample_catalogue_create(uint64_t seed, struct sample_catalogue **catalogue)
{
    *catalogue = NULL;
    struct maker *maker = calloc(1, sizeof *maker);
    if (maker == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct sample_catalogue *made = &maker->catalogue;
    maker->random = sample_random_at(seed, SAMPLE_STREAM_CATALOGUE, 0);
    maker->failed = !make_room(maker);
    if (!maker->failed) {
        fill(maker);
    }
    if (maker->failed) {
        sample_catalogue_destroy(&made);
        return RESULT_NO_MEMORY;
    }
    *catalogue = made;
    return RESULT_OK;
}

void sample_catalogue_destroy(struct sample_catalogue **catalogue)
{
    if (*catalogue == NULL) {
        return;
    }
    struct maker *maker = (struct maker *)*catalogue;
    free(maker->artists);
    free(maker->releases);
    free(maker->tracks);
    free(maker->scenes);
    arena_destroy(&maker->texts);
    buffer_free(&maker->scratch);
    free(maker);
    *catalogue = NULL;
}
