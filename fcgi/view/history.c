/*
 * A history is cached in parts, so that a new listen leaves the pages of the past warm:
 *   recent    the newest listens, which answer most requests alone; lives with every change;
 *   years     how many listens each year before this one has; changes with the past only;
 *   index     the days of a year before today cut into segments of about a hundred listens (whole
 *             days), with the number of listens in each; likewise;
 *   segment   the listens of a segment; likewise;
 *   open      the listens since today's midnight, as the last segment;
 *   page      one page as it was asked for, where segments would not do: a day of thousands of
 *             listens, or a history that changed between two parts. It is not stored, since anybody
 *             may ask for any bounds.
 * Listens may be long, so what is stored of a part is pieces of fifty. Each part is read by a
 * statement of its own. If one had to be loaded and shows a change that came
 * after this request had read the versions, others may not show it: then the page is read anew by
 * one statement.
 */
#include "view/history.h"

#include "view/segments.h"

#include <inttypes.h>
#include <stdio.h>

/* Listens of one value: with up to five kilobytes each it is stored (cache.value_max_bytes). */
enum { PIECE_LISTENS = 50 };

/* Larger segments cost more than a page. */
static const int64_t segment_listens_max = 1000;

static const char page_kind[] = "page";
static const char recent_kind[] = "recent";

static const struct db_function fn_page = {"history_page", 5};
static const struct db_function fn_count = {"history_count", 1};

/* What history_page() is asked for, to make one part. */
struct part {
    int64_t after_s;
    int64_t before_s;
    bool oldest;
    size_t count; /* 0: all */
    char window[64];
};

/* The first page, and more: one piece of it, or all. */
static const struct part recent_parts[HISTORY_RECENT_PIECES] = {
    {INT64_MIN, INT64_MAX, false, PIECE_LISTENS, "recent"},
    {INT64_MIN, INT64_MAX, false, 2 * PIECE_LISTENS, "recent"},
};
static const struct cache_item recent_items[HISTORY_RECENT_PIECES] = {
    {{"history", recent_kind, "recent", 0}, 0},
    {{"history", recent_kind, "recent", 1}, 0},
};

struct parts {
    size_t count;
    struct part parts[HISTORY_PARTS_MAX];
    struct cache_part wanted[HISTORY_PARTS_MAX];
    size_t items_count;
    struct cache_item items[HISTORY_PARTS_MAX];
    struct list lists[HISTORY_PARTS_MAX]; /* of all items, newest first */
};

static int64_t bound_or_null(int64_t bound_s, int64_t none)
{
    return bound_s == none ? LIST_NULL : bound_s;
}

static enum result ask_part(const struct cache_part *part, const struct cache_profile *profile,
                            struct arena *arena, struct db_step *call, struct error *error)
{
    const struct part *wanted = part->query;
    const int64_t params[] = {
        profile->user_id,
        bound_or_null(wanted->after_s, INT64_MIN),
        bound_or_null(wanted->before_s, INT64_MAX),
        wanted->oldest,
        wanted->count == 0 ? LIST_NULL : (int64_t)wanted->count,
    };
    return list_ask(&fn_page, params, arena, call, error);
}

static enum result ask_count(const struct cache_part *part, const struct cache_profile *profile,
                             struct arena *arena, struct db_step *call, struct error *error)
{
    (void)part;
    return list_ask(&fn_count, &profile->user_id, arena, call, error);
}

static enum result take_list(const struct cache_part *part, const struct db_rows *rows,
                             struct cache_fill *fills, struct error *error)
{
    (void)error;
    size_t last = part->items_count - 1;
    for (size_t i = 0; i <= last; i++) {
        list_fill(rows, i * PIECE_LISTENS, i < last ? PIECE_LISTENS : SIZE_MAX, &fills[i]);
        fills[i].is_transient = part->items[i].name.kind == page_kind;
    }
    return RESULT_OK;
}

static const struct cache_source part_source = {ask_part, take_list};
static const struct cache_source count_source = {ask_count, take_list};

static struct cache_part recent_part(size_t pieces)
{
    return (struct cache_part){recent_items, pieces, &part_source, &recent_parts[pieces - 1],
                               false};
}

/* Adds a part in pieces; `kind` and the part's window name them. False where there is no room. */
static bool add_part(struct parts *parts, const char *kind, int64_t window_end_s,
                     const struct part *part, size_t pieces)
{
    if (parts->items_count + pieces > HISTORY_PARTS_MAX) {
        return false;
    }
    struct part *added = &parts->parts[parts->count];
    struct cache_item *items = &parts->items[parts->items_count];
    *added = *part;
    for (size_t i = 0; i < pieces; i++) {
        items[i] = (struct cache_item){
            .name = {"history", kind, added->window, (int)(added->count + i)},
            .window_end_s = window_end_s,
        };
    }
    parts->items_count += pieces;
    parts->wanted[parts->count++] = (struct cache_part){items, pieces, &part_source, added,
                                                        false};
    return true;
}

static void clear(struct parts *parts)
{
    parts->count = 0;
    parts->items_count = 0;
}

static enum result fetch_parts(struct cache_reader *reader, struct parts *parts,
                               struct error *error)
{
    struct slice values[HISTORY_PARTS_MAX];
    enum result result = cache_fetch(reader, parts->wanted, parts->count, values, error);
    for (size_t i = 0; i < parts->items_count && result == RESULT_OK; i++) {
        result = list_open(values[i], &parts->lists[i], error);
    }
    return result;
}

/* How many entries of a list (newest first) are newer than `time_s`. */
static size_t count_newer(const struct list *list, int64_t time_s)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list_key(list, middle) > time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The entries of one list that lie within the query's bounds: [*first, *end). */
static void match(const struct list *list, const struct history_query *query, size_t *first,
                  size_t *end)
{
    *first = query->before_s == INT64_MAX ? 0 : count_newer(list, query->before_s - 1);
    *end = query->after_s == INT64_MIN ? list->count : count_newer(list, query->after_s);
    if (*end < *first) {
        *end = *first;
    }
}

/* Cuts the page out of the parts. */
static void cut(const struct parts *parts, const struct history_query *query,
                struct history_page *page)
{
    size_t matches = 0;
    size_t first;
    size_t end;
    for (size_t i = 0; i < parts->items_count; i++) {
        match(&parts->lists[i], query, &first, &end);
        matches += end - first;
    }
    size_t skip = query->oldest && matches > query->count ? matches - query->count : 0;
    size_t left = matches < query->count ? matches : query->count;
    page->count = left;
    page->runs_count = 0;
    for (size_t i = 0; i < parts->items_count && left > 0; i++) {
        match(&parts->lists[i], query, &first, &end);
        size_t skipped = skip < end - first ? skip : end - first;
        skip -= skipped;
        first += skipped;
        end = end - first > left ? first + left : end;
        if (first < end) {
            page->runs[page->runs_count].list = parts->lists[i];
            page->runs[page->runs_count].first = first;
            page->runs[page->runs_count++].end = end;
            left -= end - first;
        }
    }
}

/* Whether the newest listens alone hold the whole page. */
static bool is_in_recent(const struct parts *recent, const struct history_query *query,
                         const struct history_page *page)
{
    uint64_t held = 0;
    int64_t oldest_s = INT64_MAX;
    for (size_t i = 0; i < recent->items_count; i++) {
        const struct list *list = &recent->lists[i];
        held += list->count;
        oldest_s = list->count > 0 ? list_key(list, list->count - 1) : oldest_s;
    }
    if (held >= recent->lists[0].total) {
        return true;
    }
    return query->oldest ? query->after_s >= oldest_s : page->count == query->count;
}

/* False if segments won't do. */
static bool name_segments(const struct segments *picked, struct parts *parts)
{
    clear(parts);
    for (size_t at = picked->count; at-- > 0;) {
        const struct segment *segment = &picked->items[at];
        bool is_open = segment->to_s == INT64_MAX;
        struct part part = {.after_s = segment->from_s - 1, .before_s = segment->to_s};
        snprintf(part.window, sizeof part.window, "%" PRId64 "-%" PRId64, segment->from_s,
                 is_open ? 0 : segment->to_s);
        int64_t pieces = (segment->listens + PIECE_LISTENS - 1) / PIECE_LISTENS;
        if (segment->listens > segment_listens_max
            || !add_part(parts, "segment", is_open ? 0 : segment->to_s, &part,
                         pieces < 1 ? 1 : (size_t)pieces)) {
            return false;
        }
    }
    return true;
}

/* The page by itself, as it was asked for. */
static enum result fetch_alone(struct cache_reader *reader, const struct history_query *query,
                               struct parts *parts, struct history_page *page,
                               struct error *error)
{
    struct part part = {query->after_s, query->before_s, query->oldest, query->count, ""};
    snprintf(part.window, sizeof part.window, "%s@%" PRId64 "-%" PRId64,
             query->oldest ? "oldest" : "newest", query->after_s, query->before_s);
    clear(parts);
    add_part(parts, page_kind, 0, &part, 1);
    enum result result = fetch_parts(reader, parts, error);
    if (result == RESULT_OK) {
        cut(parts, query, page);
        page->meta = parts->lists[0].meta;
    }
    return result;
}

static enum result fetch_deep(struct cache_reader *reader, const struct history_query *query,
                              struct arena *arena, struct parts *parts,
                              struct history_page *page, struct error *error)
{
    struct segments picked;
    int64_t total = (int64_t)parts->lists[0].total;
    enum result result = segments_pick(reader, query, total, arena, &picked, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (!name_segments(&picked, parts)) {
        return fetch_alone(reader, query, parts, page, error);
    }
    result = parts->count == 0 ? RESULT_OK : fetch_parts(reader, parts, error);
    if (result != RESULT_OK) {
        return result;
    }
    cut(parts, query, page);
    struct cache_report report;
    cache_reader_report(reader, &report);
    bool is_short = page->count < query->count && picked.are_more;
    return is_short || report.has_moved ? fetch_alone(reader, query, parts, page, error)
                                        : RESULT_OK;
}

struct cache_part history_recent_part(void)
{
    return recent_part(HISTORY_RECENT_PIECES);
}

struct cache_part history_count_part(void)
{
    static const struct cache_item item = {{"history", "count", "all_time", 0}, 0};
    return (struct cache_part){&item, 1, &count_source, NULL, false};
}

enum result history_fetch_page(struct cache_reader *reader, const struct history_query *query,
                               struct arena *arena, struct history_page *page,
                               struct error *error)
{
    struct parts *parts = arena_alloc(arena, sizeof *parts);
    if (parts == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    clear(parts);
    bool is_first = query->before_s == INT64_MAX && query->after_s == INT64_MIN;
    parts->wanted[parts->count++] =
        recent_part(is_first && query->count <= PIECE_LISTENS ? 1 : HISTORY_RECENT_PIECES);
    parts->items_count = parts->wanted[0].items_count;
    enum result result = fetch_parts(reader, parts, error);
    if (result != RESULT_OK) {
        return result;
    }
    page->meta = parts->lists[0].meta;
    cut(parts, query, page);
    if (query->count == 0 || is_in_recent(parts, query, page)) {
        return RESULT_OK;
    }
    return fetch_deep(reader, query, arena, parts, page, error);
}
