/*
 * The charts of a user: what he listened to most in a window, in chunks.
 */
#ifndef REFRAIN_VIEW_CHART_H
#define REFRAIN_VIEW_CHART_H

#include "view/list.h"
#include "view/window.h"

/* One kind of chart. */
struct chart_kind {
    const char *name; /* in keys */
    struct db_function function;
};

enum { CHART_ARTISTS, CHART_RELEASES, CHART_RECORDINGS, CHART_GENRES, CHART_KINDS };
extern const struct chart_kind chart_kinds[CHART_KINDS];

enum { CHART_COUNT_MAX = 1000, CHART_CHUNKS_MAX = CHART_COUNT_MAX / LIST_CHUNK_ENTRIES + 1 };

/* Some chunks of a chart. It must stay where it is while its part is in use. */
struct chart {
    const struct chart_kind *kind;
    struct window window;
    size_t chunks_count;
    struct cache_item items[CHART_CHUNKS_MAX];
};

/* Fills in the chunks that hold [offset, offset + count), both not negative, of a chart whose kind
 * and window are there; one at least, because it tells the total. */
void chart_cover(struct chart *chart, int64_t offset, int64_t count);

/* Its values are lists; one whose total is 0 is of a window without listens. */
struct cache_part chart_part(const struct chart *chart);

#endif
