/*
 * The pages that listeners look at, each by a name and as a part that can be fetched: those which
 * somebody reads are computed ahead of him after a change.
 */
#ifndef REFRAIN_VIEW_VIEW_H
#define REFRAIN_VIEW_VIEW_H

#include "view/chart.h"
#include "view/history.h"

/* Pages go by numbers. Of charts in chunks and of histories the first chunk is meant. */
enum {
    VIEW_PAGE_LISTENS,
    VIEW_PAGE_COUNT,
    VIEW_PAGE_CHARTS, /* kind x WINDOW_RANGES + range */
    VIEW_PAGES = VIEW_PAGE_CHARTS + CHART_KINDS * WINDOW_RANGES
};
/* The window of the chart is a named range. */
int view_page_of_chart(const struct chart *chart);

/* Sets of pages: page p is bit p % 64 of word p / 64. */
enum { VIEW_WORDS = (VIEW_PAGES + 63) / 64 };
static inline size_t view_word(int page)
{
    return (size_t)page / 64;
}
static inline uint64_t view_bit(int page)
{
    return UINT64_C(1) << page % 64;
}

/* Appends the pages' names, parted by blanks: "listens artists@week". */
void view_format(const uint64_t pages[VIEW_WORDS], struct buffer *to);

/* Parts of the pages of these names, as they are at this time; names that no page has are passed
 * over. What the parts point to lies in the arena. Gives their number, at most VIEW_PAGES; 0 also
 * where memory is short. */
size_t view_parts_of(struct slice names, int64_t now_s, struct arena *arena,
                     struct cache_part parts[VIEW_PAGES]);

#endif
