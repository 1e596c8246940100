#include "view/chart.h"

#include <assert.h>

static_assert((int)CHART_CHUNKS_MAX <= (int)CACHE_ITEMS_MAX, "one fetch takes the largest chart");

/* Ranks are int in SQL; no list is that long, so what lies beyond is empty all the same. */
static const int64_t offset_max = 2000000000;

/* A clock may be 14 hours ahead of UTC, or 12 behind it. */
static const int64_t local_after_s = 86400;

/* All functions behind charts take the same parameters (ask), and use of them what they need. */
enum { PARAMS = 8 };
#define PAGED(name, function) {name, {function, PARAMS}, CHART_PAGED, false}
#define PAGED_LOCAL(name, function) {name, {function, PARAMS}, CHART_PAGED, true}
#define WHOLE(name, function, form, is_local) {name, {function, PARAMS}, CHART_##form, is_local}
const struct chart_kind chart_kinds[CHART_KINDS] = {
    [CHART_ARTISTS] = PAGED("artists", "stats_artists"),
    [CHART_RELEASES] = PAGED("releases", "stats_releases"),
    [CHART_RELEASE_GROUPS] = PAGED("release_groups", "stats_release_groups"),
    [CHART_RECORDINGS] = PAGED("recordings", "stats_recordings"),
    [CHART_GENRES] = PAGED("genres", "stats_genres"),
    [CHART_LISTENING_ACTIVITY] =
        WHOLE("listening_activity", "stats_listening_activity", ARRAY, true),
    [CHART_DAILY_ACTIVITY] = WHOLE("daily_activity", "stats_daily_activity", OBJECT, true),
    [CHART_ARTIST_ACTIVITY] = WHOLE("artist_activity", "stats_artist_activity", ARRAY, false),
    [CHART_ARTIST_EVOLUTION] = WHOLE("artist_evolution", "stats_artist_evolution", ARRAY, true),
    [CHART_GENRE_ACTIVITY] = WHOLE("genre_activity", "stats_genre_activity", ARRAY, true),
    [CHART_SESSIONS] = PAGED("sessions", "stats_sessions"),
    [CHART_STREAKS] = PAGED_LOCAL("streaks", "stats_streaks"),
    [CHART_ARTIST_DISCOVERIES] = PAGED("artist_discoveries", "stats_artist_discoveries"),
    [CHART_RECORDING_DISCOVERIES] = PAGED("recording_discoveries", "stats_recording_discoveries"),
    [CHART_ARTIST_CHANGES] = PAGED("artist_changes", "stats_artist_changes"),
    [CHART_RELEASE_CHANGES] = PAGED("release_changes", "stats_release_changes"),
    [CHART_RECORDING_CHANGES] = PAGED("recording_changes", "stats_recording_changes"),
    [CHART_ON_THIS_DAY] = WHOLE("on_this_day", "stats_on_this_day", ARRAY, true),
};

static int64_t window_end_s(const struct chart *chart)
{
    int64_t end_s = chart->window.to_s;
    return end_s != 0 && chart->kind->is_local ? end_s + local_after_s : end_s;
}

static void add_item(struct chart *chart, int64_t chunk)
{
    chart->items[chart->chunks_count++] = (struct cache_item){
        .name = {"stats", chart->kind->name, chart->window.name, (int)chunk},
        .window_end_s = window_end_s(chart),
    };
}

void chart_cover(struct chart *chart, int64_t offset, int64_t count)
{
    chart->chunks_count = 0;
    if (chart->kind->form != CHART_PAGED) {
        add_item(chart, 0);
        return;
    }
    int64_t start = offset > offset_max ? offset_max : offset;
    int64_t first = start / LIST_CHUNK_ENTRIES;
    int64_t last = count == 0 ? first : (start + count - 1) / LIST_CHUNK_ENTRIES;
    assert(last - first < CHART_CHUNKS_MAX);
    for (int64_t chunk = first; chunk <= last; chunk++) {
        add_item(chart, chunk);
    }
}

/* One statement computes all chunks. */
static enum result ask(const struct cache_part *part, const struct cache_profile *profile,
                       struct arena *arena, struct db_step *call, struct error *error)
{
    const struct chart *chart = part->query;
    const struct window *window = &chart->window;
    const int64_t params[] = {
        profile->user_id,
        window->before_s,
        window->from_s,
        window->to_s == 0 ? LIST_NULL : window->to_s,
        window->period,
        window->step,
        (int64_t)part->items[0].name.chunk * LIST_CHUNK_ENTRIES,
        (int64_t)part->items_count * LIST_CHUNK_ENTRIES,
    };
    static_assert(sizeof params / sizeof *params == PARAMS, "as many as the functions take");
    return list_ask(&chart->kind->function, params, arena, call, error);
}

/* An answer that begins within the list reaches so far past its end, and the next page may. */
static bool is_far_beyond(int64_t chunk, const struct db_rows *rows)
{
    return chunk > db_rows_int(rows, 0, LIST_TOTAL) / LIST_CHUNK_ENTRIES + CHART_CHUNKS_MAX;
}

static enum result take(const struct cache_part *part, const struct db_rows *rows,
                        struct cache_fill *fills, struct error *error)
{
    const struct chart *chart = part->query;
    size_t entries_max = chart->kind->form == CHART_PAGED ? LIST_CHUNK_ENTRIES : SIZE_MAX;
    (void)error;
    for (size_t i = 0; i < part->items_count; i++) {
        size_t entries = list_fill(rows, i * LIST_CHUNK_ENTRIES, entries_max, &fills[i]);
        /* Anybody may ask for any days, and any offset: there is no end of those. */
        fills[i].is_transient = part->is_rationed
                                || (entries == 0 && is_far_beyond(part->items[i].name.chunk, rows));
    }
    return RESULT_OK;
}

static const struct cache_source source = {ask, take};

struct cache_part chart_part(const struct chart *chart)
{
    return (struct cache_part){chart->items, chart->chunks_count, &source, chart,
                               chart->window.range_at == WINDOW_CUSTOM};
}
