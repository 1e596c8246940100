/*
 * The charts of a user: what he listened to in a window. Lists by rank are cached in chunks, since
 * they may be long; what has a bounded number of entries is cached whole.
 */
#ifndef REFRAIN_VIEW_CHART_H
#define REFRAIN_VIEW_CHART_H

#include "view/list.h"
#include "view/window.h"

enum chart_form {
    CHART_PAGED, /* an array, in chunks */
    CHART_ARRAY, /* whole, each entry an item of an array */
    CHART_OBJECT /* whole, each entry a member of an object */
};

/* One kind of chart. */
struct chart_kind {
    const char *name; /* in keys */
    struct db_function function;
    enum chart_form form;
    bool is_local; /* it goes by the user's clock: its window may end half a day off UTC's */
};

enum {
    CHART_ARTISTS,
    CHART_RELEASES,
    CHART_RELEASE_GROUPS,
    CHART_RECORDINGS,
    CHART_GENRES,
    CHART_LISTENING_ACTIVITY,
    CHART_DAILY_ACTIVITY,
    CHART_ARTIST_ACTIVITY,
    CHART_ARTIST_EVOLUTION,
    CHART_GENRE_ACTIVITY,
    CHART_SESSIONS,
    CHART_STREAKS,
    CHART_ARTIST_DISCOVERIES,
    CHART_RECORDING_DISCOVERIES,
    CHART_ARTIST_CHANGES,
    CHART_RELEASE_CHANGES,
    CHART_RECORDING_CHANGES,
    CHART_ON_THIS_DAY,
    CHART_KINDS
};
extern const struct chart_kind chart_kinds[CHART_KINDS];

enum { CHART_COUNT_MAX = 1000, CHART_CHUNKS_MAX = CHART_COUNT_MAX / LIST_CHUNK_ENTRIES + 1 };

/* A chart, or some chunks of it. It must stay where it is while its part is in use. */
struct chart {
    const struct chart_kind *kind;
    struct window window;
    size_t chunks_count;
    struct cache_item items[CHART_CHUNKS_MAX];
};

/* Fills in the chunks that hold [offset, offset + count), both not negative, of a chart whose kind
 * and window are there; one at least, because it tells the total. A chart that is kept whole is one,
 * whatever is asked for. */
void chart_cover(struct chart *chart, int64_t offset, int64_t count);

/* Its values are lists; one whose total is 0 is of a window without listens. Those of a window of
 * days that were given are not kept, for there is no end of such windows. */
struct cache_part chart_part(const struct chart *chart);

#endif
