#include "view/chart.h"

#include <assert.h>

static_assert((int)CHART_CHUNKS_MAX <= (int)CACHE_ITEMS_MAX, "one fetch takes the largest chart");

/* Ranks are int in SQL; no list is that long, so what lies beyond is empty all the same. */
static const int64_t offset_max = 2000000000;

const struct chart_kind chart_kinds[CHART_KINDS] = {
    [CHART_ARTISTS] = {"artists", {"stats_artists", 6}},
    [CHART_RELEASES] = {"releases", {"stats_releases", 6}},
    [CHART_RECORDINGS] = {"recordings", {"stats_recordings", 6}},
    [CHART_GENRES] = {"genres", {"stats_genres", 6}},
};

void chart_cover(struct chart *chart, int64_t offset, int64_t count)
{
    int64_t start = offset > offset_max ? offset_max : offset;
    int64_t first = start / LIST_CHUNK_ENTRIES;
    int64_t last = count == 0 ? first : (start + count - 1) / LIST_CHUNK_ENTRIES;
    assert(last - first < CHART_CHUNKS_MAX);
    for (int64_t chunk = first; chunk <= last; chunk++) {
        chart->items[chunk - first] = (struct cache_item){
            .name = {"stats", chart->kind->name, chart->window.name, (int)chunk},
            .window_end_s = chart->window.to_s,
        };
    }
    chart->chunks_count = (size_t)(last - first + 1);
}

/* One statement computes all chunks. */
static enum result ask(const struct cache_part *part, const struct cache_profile *profile,
                       struct arena *arena, struct db_step *call, struct error *error)
{
    const struct chart *chart = part->query;
    const struct window *window = &chart->window;
    const int64_t params[] = {
        profile->user_id,
        window->from_s,
        window->to_s == 0 ? LIST_NULL : window->to_s,
        window->period,
        (int64_t)part->items[0].name.chunk * LIST_CHUNK_ENTRIES,
        (int64_t)part->items_count * LIST_CHUNK_ENTRIES,
    };
    return list_ask(&chart->kind->function, params, arena, call, error);
}

static enum result take(const struct cache_part *part, const struct db_rows *rows,
                        struct cache_fill *fills, struct error *error)
{
    (void)error;
    for (size_t i = 0; i < part->items_count; i++) {
        size_t entries = list_fill(rows, i * LIST_CHUNK_ENTRIES, LIST_CHUNK_ENTRIES, &fills[i]);
        /* Anybody may ask for any offset: what lies beyond the end is not kept. */
        fills[i].is_transient = entries == 0 && part->items[i].name.chunk > 0;
    }
    return RESULT_OK;
}

static const struct cache_source source = {ask, take};

struct cache_part chart_part(const struct chart *chart)
{
    return (struct cache_part){chart->items, chart->chunks_count, &source, chart};
}
