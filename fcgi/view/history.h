/*
 * Pages of a history, cut from cached parts of it that stay the same while it grows.
 */
#ifndef REFRAIN_VIEW_HISTORY_H
#define REFRAIN_VIEW_HISTORY_H

#include "view/list.h"

enum { HISTORY_COUNT_MAX = 1000, HISTORY_PARTS_MAX = CACHE_ITEMS_MAX, HISTORY_RECENT_PIECES = 2 };

/* Listens with after_s < listened_at < before_s: the `count` newest of them, or the oldest. */
struct history_query {
    int64_t after_s;  /* INT64_MIN: no bound */
    int64_t before_s; /* INT64_MAX: no bound */
    bool oldest;
    size_t count;
};

/* The page as runs of entries, newest first. They live as long as the reader. */
struct history_page {
    struct slice meta; /* members that tell the newest and oldest time of the whole history */
    size_t count;      /* of the page */
    size_t runs_count;
    struct {
        struct list list;
        size_t first, end;
    } runs[HISTORY_PARTS_MAX];
};

/* The newest listens, which the first pages are cut from, in HISTORY_RECENT_PIECES lists; and the
 * number of all listens, a list without entries. */
struct cache_part history_recent_part(void);
struct cache_part history_count_part(void);

enum result history_fetch_page(struct cache_reader *reader, const struct history_query *query,
                               struct arena *arena, struct history_page *page,
                               struct error *error) MUST_CHECK;

#endif
