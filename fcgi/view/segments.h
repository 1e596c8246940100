/*
 * Private to view/: where in a history a page's listens lie. Days are taken together to segments of
 * about a hundred listens, within a calendar year (UTC). The index of a past year, as the list of
 * years, changes with the past only, and none grows with the history.
 */
#ifndef REFRAIN_VIEW_SEGMENTS_H
#define REFRAIN_VIEW_SEGMENTS_H

#include "view/history.h"

struct segment {
    int64_t from_s; /* from <= t < to */
    int64_t to_s;   /* INT64_MAX: the open one, which began at today's midnight */
    int64_t listens;
};

struct segments {
    struct segment *items; /* oldest first; in the arena */
    size_t count;
    bool are_more; /* listens within the query's bounds beyond them, on the far side */
};

/* Picks the segments, next to each other, that should hold the page: the one at the query's bound, of
 * which some listens may lie beyond it, and as many more as it takes. `total` listens are in the
 * whole history. None, but more, where they cannot be told. */
enum result segments_pick(struct cache_reader *reader, const struct history_query *query,
                          int64_t total, struct arena *arena, struct segments *picked,
                          struct error *error) MUST_CHECK;

#endif
