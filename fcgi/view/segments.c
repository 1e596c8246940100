#include "view/segments.h"

#include "base/clock.h"
#include "base/text.h"
#include "view/window.h"

#include <inttypes.h>
#include <stdio.h>

static const int64_t day_s = 86400;

/* Nothing is listened to before; so nobody can have indexes of other years made. */
enum { first_year = 2002 };

static const int64_t earliest_s = -62000000000; /* for the calendar: some time in the year 5 */

static const struct db_function fn_years = {"history_years", 2};
static const struct db_function fn_index = {"history_index", 3};

/* A year that has listens. */
struct year {
    int64_t from_s;
    int64_t until_s; /* of its index: the end of the year, or today's midnight */
    int64_t listens; /* of the running year those of today too */
    bool is_loaded;
    struct list list; /* its segments, oldest first: key is where one begins */
};

struct index {
    struct cache_reader *reader;
    const struct history_query *query;
    int64_t until_s; /* today's midnight */
    int this_year;
    int64_t bound_s;    /* where the page begins */
    struct year *years; /* oldest first; the last is the running one, with listens or without */
    size_t years_count;
    size_t first, last; /* the years that are looked into */
};

/* What a function is asked for: listens of [from_s, until_s), or years before a year. */
struct span {
    int64_t from_s;
    int64_t until_s;
    char window[48];
};

static enum result ask_years(const struct cache_part *part, const struct cache_profile *profile,
                             struct arena *arena, struct db_step *call, struct error *error)
{
    const struct span *span = part->query;
    const int64_t params[] = {profile->user_id, window_year_of(span->until_s)};
    return list_ask(&fn_years, params, arena, call, error);
}

static enum result ask_index(const struct cache_part *part, const struct cache_profile *profile,
                             struct arena *arena, struct db_step *call, struct error *error)
{
    const struct span *span = part->query;
    const int64_t params[] = {profile->user_id, span->from_s, span->until_s};
    return list_ask(&fn_index, params, arena, call, error);
}

static enum result take_list(const struct cache_part *part, const struct db_rows *rows,
                             struct cache_fill *fills, struct error *error)
{
    (void)part;
    (void)error;
    list_fill(rows, 0, SIZE_MAX, &fills[0]);
    return RESULT_OK;
}

static const struct cache_source years_source = {ask_years, take_list};
static const struct cache_source index_source = {ask_index, take_list};

/* ── fetching ── */

/* Parts of the index on their way. */
struct wanted {
    size_t count;
    struct span spans[CACHE_ITEMS_MAX];
    struct cache_item items[CACHE_ITEMS_MAX];
    struct cache_part parts[CACHE_ITEMS_MAX];
    struct list lists[CACHE_ITEMS_MAX];
};

static struct span *want(struct wanted *wanted, const char *kind,
                         const struct cache_source *source, int64_t from_s, int64_t until_s)
{
    size_t at = wanted->count++;
    struct span *span = &wanted->spans[at];
    *span = (struct span){from_s, until_s, ""};
    wanted->items[at] = (struct cache_item){{"history", kind, span->window, 0}, until_s};
    wanted->parts[at] = (struct cache_part){&wanted->items[at], 1, source, span, false};
    return span;
}

static void want_years(struct wanted *wanted, const struct index *index)
{
    struct span *span =
        want(wanted, "years", &years_source, 0, window_year_start(index->this_year));
    snprintf(span->window, sizeof span->window, "before@%d", index->this_year);
}

static void want_index(struct wanted *wanted, int64_t from_s, int64_t until_s)
{
    struct span *span = want(wanted, "index", &index_source, from_s, until_s);
    snprintf(span->window, sizeof span->window, "%" PRId64 "-%" PRId64, from_s, until_s);
}

static enum result fetch_wanted(const struct index *index, struct wanted *wanted,
                                struct error *error)
{
    struct slice values[CACHE_ITEMS_MAX];
    enum result result =
        cache_fetch(index->reader, wanted->parts, wanted->count, values, error);
    for (size_t i = 0; i < wanted->count && result == RESULT_OK; i++) {
        result = list_open(values[i], &wanted->lists[i], error);
    }
    return result;
}

/* ── years ── */

static int64_t year_end(const struct index *index, int year)
{
    int64_t end_s = window_year_start(year + 1);
    return end_s < index->until_s ? end_s : index->until_s;
}

static int64_t number_of(const struct list *list, size_t at)
{
    int64_t number = 0;
    bool is_number = text_parse_int(list_entries(list, at, at + 1), &number);
    return is_number ? number : 0;
}

/* The years before this one as they were listed; this one has all other listens. */
static enum result note_years(struct index *index, const struct list *list, int64_t total,
                              struct arena *arena, struct error *error)
{
    index->years = arena_alloc(arena, (list->count + 1) * sizeof *index->years);
    if (index->years == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    for (size_t i = 0; i < list->count; i++) {
        int year = (int)list_key(list, i);
        index->years[i] = (struct year){.from_s = window_year_start(year),
                                        .until_s = year_end(index, year),
                                        .listens = number_of(list, i)};
        total -= index->years[i].listens;
    }
    index->years[list->count] = (struct year){.from_s = window_year_start(index->this_year),
                                              .until_s = index->until_s,
                                              .listens = total};
    index->years_count = list->count + 1;
    return RESULT_OK;
}

static void note_index(struct index *index, int64_t from_s, const struct list *list)
{
    for (size_t i = 0; i < index->years_count; i++) {
        if (index->years[i].from_s == from_s) {
            index->years[i].is_loaded = true;
            index->years[i].list = *list;
        }
    }
}

/* The list of years, and the index of the one in which the page begins: mostly that is enough. */
static enum result load_first(struct index *index, int64_t total, struct arena *arena,
                              struct error *error)
{
    struct wanted *wanted = arena_alloc(arena, sizeof *wanted);
    if (wanted == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    wanted->count = 0;
    want_years(wanted, index);
    int year = window_year_of(index->bound_s);
    if (year >= first_year && year_end(index, year) > window_year_start(year)) {
        want_index(wanted, window_year_start(year), year_end(index, year));
    }
    enum result result = fetch_wanted(index, wanted, error);
    if (result == RESULT_OK) {
        result = note_years(index, &wanted->lists[0], total, arena, error);
    }
    if (result == RESULT_OK && wanted->count > 1) {
        note_index(index, wanted->spans[1].from_s, &wanted->lists[1]);
    }
    return result;
}

static int64_t segment_end(const struct year *year, size_t at)
{
    return at + 1 < year->list.count ? list_key(&year->list, at + 1) : year->until_s;
}

/* Listens of a year that lie for certain on the page's side of its bound. */
static int64_t certain_listens(const struct index *index, size_t at)
{
    const struct year *year = &index->years[at];
    bool is_oldest = index->query->oldest;
    bool is_running = at + 1 == index->years_count;
    if (is_oldest ? year->from_s >= index->bound_s
                  : !is_running && year->until_s <= index->bound_s) {
        return year->listens;
    }
    int64_t listens = 0;
    for (size_t i = 0; i < year->list.count; i++) {
        bool is_certain = is_oldest ? list_key(&year->list, i) >= index->bound_s
                                    : segment_end(year, i) <= index->bound_s;
        listens += is_certain ? number_of(&year->list, i) : 0;
    }
    return listens;
}

/* Chooses the years that have enough listens, from the bound on. */
static void choose_oldest(struct index *index)
{
    const struct history_query *query = index->query;
    size_t at = 0;
    while (at + 1 < index->years_count && index->years[at + 1].from_s <= index->bound_s) {
        at++;
    }
    int64_t found = certain_listens(index, at);
    index->first = at;
    while (found < (int64_t)query->count && at + 1 < index->years_count
           && index->years[at + 1].from_s < query->before_s) {
        found += certain_listens(index, ++at);
    }
    index->last = at;
}

static void choose_newest(struct index *index)
{
    const struct history_query *query = index->query;
    size_t at = index->years_count - 1;
    while (at > 0 && index->years[at].from_s > index->bound_s) {
        at--;
    }
    int64_t found = certain_listens(index, at);
    index->last = at;
    while (found < (int64_t)query->count && at > 0
           && index->years[at].from_s > query->after_s + 1) {
        found += certain_listens(index, --at);
    }
    index->first = at;
}

static bool needs_loading(const struct year *year)
{
    return !year->is_loaded && year->until_s > year->from_s;
}

/* The indexes of the chosen years that are not there yet. False if they are more than one fetch
 * takes. */
static bool want_chosen(const struct index *index, struct wanted *wanted)
{
    wanted->count = 0;
    for (size_t i = index->first; i <= index->last; i++) {
        if (needs_loading(&index->years[i])) {
            if (wanted->count == CACHE_ITEMS_MAX) {
                return false;
            }
            want_index(wanted, index->years[i].from_s, index->years[i].until_s);
        }
    }
    return true;
}

static enum result load_chosen(struct index *index, struct arena *arena, bool *is_complete,
                               struct error *error)
{
    struct wanted *wanted = arena_alloc(arena, sizeof *wanted);
    if (wanted == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    *is_complete = want_chosen(index, wanted);
    if (!*is_complete || wanted->count == 0) {
        return RESULT_OK;
    }
    enum result result = fetch_wanted(index, wanted, error);
    for (size_t i = 0; i < wanted->count && result == RESULT_OK; i++) {
        note_index(index, wanted->spans[i].from_s, &wanted->lists[i]);
    }
    return result;
}

/* ── segments ── */

/* All of the chosen years, the open one last if the running year is among them. */
static enum result list_segments(const struct index *index, struct arena *arena,
                                 struct segments *all, struct error *error)
{
    size_t room = 1;
    for (size_t i = index->first; i <= index->last; i++) {
        room += index->years[i].list.count;
    }
    *all = (struct segments){.items = arena_alloc(arena, room * sizeof *all->items)};
    if (all->items == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    for (size_t i = index->first; i <= index->last; i++) {
        const struct year *year = &index->years[i];
        int64_t open = year->listens;
        for (size_t at = 0; at < year->list.count; at++) {
            struct segment *segment = &all->items[all->count++];
            segment->from_s = list_key(&year->list, at);
            segment->to_s = segment_end(year, at);
            segment->listens = number_of(&year->list, at);
            open -= segment->listens;
        }
        if (i + 1 == index->years_count) {
            all->items[all->count++] = (struct segment){index->until_s, INT64_MAX, open};
        }
    }
    return RESULT_OK;
}

static void pick_oldest(const struct index *index, const struct segments *all,
                        struct segments *picked)
{
    const struct history_query *query = index->query;
    size_t first = 0;
    while (first < all->count && all->items[first].to_s <= index->bound_s) {
        first++;
    }
    size_t end = first < all->count ? first + 1 : first;
    int64_t found = 0;
    while (found < (int64_t)query->count && end < all->count
           && all->items[end].from_s < query->before_s) {
        found += all->items[end++].listens;
    }
    int64_t next_s = end < all->count                       ? all->items[end].from_s
                     : index->last + 1 < index->years_count ? index->years[index->last + 1].from_s
                                                            : INT64_MAX;
    bool are_more = next_s < query->before_s;
    *picked = (struct segments){all->items + first, end - first, are_more};
}

static void pick_newest(const struct index *index, const struct segments *all,
                        struct segments *picked)
{
    const struct history_query *query = index->query;
    size_t end = all->count;
    while (end > 0 && all->items[end - 1].from_s > index->bound_s) {
        end--;
    }
    size_t first = end > 0 ? end - 1 : 0;
    int64_t found = 0;
    while (found < (int64_t)query->count && first > 0
           && all->items[first].from_s > query->after_s + 1) {
        found += all->items[--first].listens;
    }
    int64_t far_s = first > 0 ? all->items[first].from_s : index->years[index->first].from_s;
    bool are_more = (first > 0 || index->first > 0) && far_s > query->after_s + 1;
    *picked = (struct segments){all->items + first, end - first, are_more};
}

/* Where the page begins, on the calendar. */
static int64_t bound_of(const struct history_query *query, int64_t now_s)
{
    int64_t bound_s = query->oldest ? query->after_s + 1 : query->before_s - 1;
    if (!query->oldest && bound_s > now_s) {
        return now_s;
    }
    return bound_s < earliest_s ? earliest_s : bound_s;
}

enum result segments_pick(struct cache_reader *reader, const struct history_query *query,
                          int64_t total, struct arena *arena, struct segments *picked,
                          struct error *error)
{
    int64_t now_s = clock_wall_s();
    struct index index = {.reader = reader, .query = query};
    index.until_s = now_s - now_s % day_s;
    index.this_year = window_year_of(index.until_s);
    index.bound_s = bound_of(query, now_s);
    *picked = (struct segments){.are_more = true};
    bool is_complete = false;
    struct segments all;
    enum result result = load_first(&index, total, arena, error);
    if (result == RESULT_OK) {
        (query->oldest ? choose_oldest : choose_newest)(&index);
        result = load_chosen(&index, arena, &is_complete, error);
    }
    if (result == RESULT_OK && is_complete) {
        result = list_segments(&index, arena, &all, error);
    }
    if (result == RESULT_OK && is_complete) {
        (query->oldest ? pick_oldest : pick_newest)(&index, &all, picked);
    }
    return result;
}
