#include "service/statistics.h"

#include "base/clock.h"
#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "view/view.h"

#include <assert.h>

static_assert((int)ANSWER_COUNT_MAX <= (int)CHART_COUNT_MAX, "a chart has room for an answer");

/* A profile shows ten; what ListenBrainz has shows 25. */
enum { TOP_COUNT = 10 };

static statistics_window_parser parse_compared_window, parse_date;

#define LIST(view, chart, name, count)                                                             \
    {CACHE_VIEW_##view, &chart_kinds[CHART_##chart], name, count, NULL, statistics_parse_window}
#define CHOICE(view, chart, name, entities, parse_window)                                          \
    {CACHE_VIEW_##view, &chart_kinds[CHART_##chart], name, ANSWER_COUNT_DEFAULT, entities,          \
     parse_window}
const struct statistics_list statistics_lists[STATISTICS_LISTS] = {
    [STATISTICS_ARTISTS] = LIST(STATS_ARTISTS, ARTISTS, "artists", ANSWER_COUNT_DEFAULT),
    [STATISTICS_RELEASES] = LIST(STATS_RELEASES, RELEASES, "releases", ANSWER_COUNT_DEFAULT),
    [STATISTICS_RELEASE_GROUPS] =
        LIST(STATS_RELEASE_GROUPS, RELEASE_GROUPS, "release_groups", ANSWER_COUNT_DEFAULT),
    [STATISTICS_RECORDINGS] = LIST(STATS_RECORDINGS, RECORDINGS, "recordings", ANSWER_COUNT_DEFAULT),
    [STATISTICS_LISTENING_ACTIVITY] =
        LIST(STATS_LISTENING_ACTIVITY, LISTENING_ACTIVITY, "listening_activity", 0),
    [STATISTICS_DAILY_ACTIVITY] = LIST(STATS_DAILY_ACTIVITY, DAILY_ACTIVITY, "daily_activity", 0),
    /* The contract has its count and offset be right, although nothing comes of them. */
    [STATISTICS_ARTIST_ACTIVITY] =
        LIST(STATS_ARTIST_ACTIVITY, ARTIST_ACTIVITY, "artist_activity", ANSWER_COUNT_DEFAULT),
    [STATISTICS_ARTIST_EVOLUTION] =
        LIST(STATS_ARTIST_EVOLUTION, ARTIST_EVOLUTION, "artist_evolution_activity", 0),
    [STATISTICS_GENRE_ACTIVITY] = LIST(STATS_GENRE_ACTIVITY, GENRE_ACTIVITY, "genre_activity", 0),
    [STATISTICS_SESSIONS] = LIST(STATS_SESSIONS, SESSIONS, "sessions", ANSWER_COUNT_DEFAULT),
    [STATISTICS_STREAKS] = LIST(STATS_STREAKS, STREAKS, "streaks", ANSWER_COUNT_DEFAULT),
    [STATISTICS_DISCOVERIES] = CHOICE(STATS_DISCOVERIES, ARTIST_DISCOVERIES, "artists",
                                      "artists or recordings", statistics_parse_window),
    [STATISTICS_RECORDING_DISCOVERIES] = CHOICE(STATS_DISCOVERIES, RECORDING_DISCOVERIES,
                                                "recordings", NULL, statistics_parse_window),
    [STATISTICS_CHANGES] = CHOICE(STATS_CHANGES, ARTIST_CHANGES, "artists",
                                  "artists, releases or recordings", parse_compared_window),
    [STATISTICS_RELEASE_CHANGES] =
        CHOICE(STATS_CHANGES, RELEASE_CHANGES, "releases", NULL, parse_compared_window),
    [STATISTICS_RECORDING_CHANGES] =
        CHOICE(STATS_CHANGES, RECORDING_CHANGES, "recordings", NULL, parse_compared_window),
    [STATISTICS_ON_THIS_DAY] = {CACHE_VIEW_STATS_ON_THIS_DAY, &chart_kinds[CHART_ON_THIS_DAY],
                                "years", 0, NULL, parse_date},
    [STATISTICS_TOP_GENRES] = LIST(TOP_GENRES, GENRES, "genres", TOP_COUNT),
    [STATISTICS_TOP_ARTISTS] = LIST(TOP_ARTISTS, ARTISTS, "artists", TOP_COUNT),
    [STATISTICS_TOP_TRACKS] = LIST(TOP_TRACKS, RECORDINGS, "tracks", TOP_COUNT),
};

/* ── which window ── */

/* A value as errors show it: all that are right are without NUL. */
static bool read_value(const struct http_request *request, const char *name, struct slice *value)
{
    bool is_there = http_query(request, name, value);
    if (is_there) {
        *value = http_shown(request, *value);
    }
    return is_there;
}

static enum result parse_day(const char *name, struct slice text, int64_t *day_s,
                             struct error *error)
{
    return window_parse_day(text, day_s)
               ? RESULT_OK
               : error_set(error, RESULT_INVALID, "statistics",
                           "'%s' should be a date such as 2026-11-16, from " WINDOW_DAY_MIN
                           " to " WINDOW_DAY_MAX ", not '%.*s'",
                           name, SLICE_ARGS(text));
}

static enum result parse_days(struct slice from, struct slice to, struct window *window,
                              struct error *error)
{
    int64_t from_s, to_s;
    enum result result = parse_day("from", from, &from_s, error);
    if (result == RESULT_OK) {
        result = parse_day("to", to, &to_s, error);
    }
    if (result == RESULT_OK && from_s >= to_s) {
        result = error_set(error, RESULT_INVALID, "statistics",
                           "'to' should be a date after 'from', %.*s: it is the first that is left "
                           "out",
                           SLICE_ARGS(from));
    }
    if (result == RESULT_OK) {
        window_of_days(from_s, to_s, window);
    }
    return result;
}

static enum result parse_window(const struct http_request *request, const char *range_default,
                                struct window *window, struct error *error)
{
    struct slice range, from, to;
    bool has_range = read_value(request, "range", &range);
    bool has_from = read_value(request, "from", &from);
    bool has_to = read_value(request, "to", &to);
    if (has_range && (has_from || has_to)) {
        return error_set(error, RESULT_INVALID, "statistics",
                         "'range' should be left out where 'from' and 'to' tell the window");
    }
    if (has_from != has_to) {
        return error_set(error, RESULT_INVALID, "statistics",
                         "'%s' is missing: 'from' and 'to' tell the window together",
                         has_from ? "to" : "from");
    }
    if (has_from) {
        return parse_days(from, to, window, error);
    }
    if (!has_range) {
        range = slice_text(range_default);
    }
    if (!window_of_range(range, clock_wall_s(), window)) {
        return error_set(error, RESULT_INVALID, "statistics", "Invalid range: %.*s",
                         SLICE_ARGS(range));
    }
    return RESULT_OK;
}

enum result statistics_parse_range(const struct http_request *request, struct window *window,
                                   struct error *error)
{
    struct slice text;
    if (http_query(request, "from", &text) || http_query(request, "to", &text)) {
        return error_set(error, RESULT_INVALID, "statistics",
                         "'from' and 'to' tell a window of one user: for all users there are the "
                         "windows that 'range' names");
    }
    return statistics_parse_window(request, window, error);
}

/* The path names nobody where everybody is meant. */
static bool is_of_site(struct slice user_name)
{
    return user_name.size_bytes == 0;
}

enum cache_view statistics_view(const struct http_request *request, enum cache_view view)
{
    struct slice from;
    return http_query(request, "from", &from) ? CACHE_VIEW_STATS_CUSTOM : view;
}

enum result statistics_parse_window(const struct http_request *request, struct window *window,
                                    struct error *error)
{
    return parse_window(request, "all_time", window, error);
}

/* A window with one before it. */
static enum result parse_compared_window(const struct http_request *request, struct window *window,
                                         struct error *error)
{
    enum result result = parse_window(request, "week", window, error);
    if (result != RESULT_OK || window->before_s < window->from_s) {
        return result;
    }
    return error_set(error, RESULT_INVALID, "statistics", "%s",
                     window->range_at == WINDOW_CUSTOM
                         ? "'from' should be after " WINDOW_DAY_MIN
                           ": there is nothing before it to compare with"
                         : "'range' should not be 'all_time': there is nothing before it to "
                           "compare with");
}

static enum result parse_date(const struct http_request *request, struct window *window,
                              struct error *error)
{
    struct slice date = {NULL, 0};
    bool has_date = read_value(request, "date", &date);
    return window_of_date(has_date ? &date : NULL, clock_wall_s(), window)
               ? RESULT_OK
               : error_set(error, RESULT_INVALID, "statistics",
                           "'date' should be a month and a day such as 11-16, not '%.*s'",
                           SLICE_ARGS(date));
}

/* ── which list ── */

/* The one that ?entity names, of those that the route's list begins. */
static enum result choose_list(const struct http_request *request,
                               const struct statistics_list **list, struct error *error)
{
    const struct statistics_list *first = request->route->detail;
    struct slice entity;
    *list = first;
    if (first->entities == NULL || !read_value(request, "entity", &entity)) {
        return RESULT_OK;
    }
    for (; *list < statistics_lists + STATISTICS_LISTS && (*list)->view == first->view; ++*list) {
        if (slice_equal(entity, slice_text((*list)->name))) {
            return RESULT_OK;
        }
    }
    return error_set(error, RESULT_INVALID, "statistics", "'entity' should be %s, not '%.*s'",
                     first->entities, SLICE_ARGS(entity));
}

void statistics_ask(const struct statistics_list *list, const struct window *window,
                    int64_t offset, int64_t count, struct statistics_query *query)
{
    bool is_paged = list->chart->form == CHART_PAGED;
    query->list = list;
    query->chart.kind = list->chart;
    query->chart.window = *window;
    query->offset = is_paged ? offset : 0;
    query->count = is_paged ? count : INT64_MAX;
    chart_cover(&query->chart, query->offset, query->count);
}

static enum result parse_query(const struct http_request *request,
                               struct statistics_query *query, struct error *error)
{
    const struct statistics_list *list;
    struct window window;
    int64_t offset = 0, count = 0;
    enum result result = choose_list(request, &list, error);
    if (result == RESULT_OK) {
        result = is_of_site(request->captures[0])
                     ? statistics_parse_range(request, &window, error)
                     : list->parse_window(request, &window, error);
    }
    if (result == RESULT_OK && list->count_default > 0) {
        result = answer_query_span(request, list->count_default, &offset, &count, error);
    }
    if (result == RESULT_OK) {
        statistics_ask(list, &window, offset, count, query);
    }
    return result;
}

/* ── the answer ── */

/* The entries of the answer, cut from the chunks; how many they are. */
static size_t append_entries(const struct statistics_query *query, const struct list *lists,
                             size_t lists_count, struct http_response *response)
{
    size_t skip = (size_t)(query->offset % LIST_CHUNK_ENTRIES);
    size_t left = (size_t)query->count;
    size_t written = 0;
    for (size_t i = 0; i < lists_count && left > 0; i++) {
        size_t end = skip + left < lists[i].count ? skip + left : lists[i].count;
        if (skip < end) {
            if (written > 0) {
                buffer_append_char(&response->body, ',');
            }
            http_lend(response, list_entries(&lists[i], skip, end));
            written += end - skip;
            left -= end - skip;
        }
        skip = 0;
    }
    return written;
}

void statistics_write(struct slice user_name, const struct statistics_query *query,
                      const struct list *lists, size_t lists_count,
                      struct http_response *response)
{
    struct buffer *body = &response->body;
    enum chart_form form = query->chart.kind->form;
    bool is_site = is_of_site(user_name);
    buffer_append_char(body, '{');
    if (!is_site) {
        buffer_append_text(body, "\"user_id\":");
        jwrite_string(body, user_name);
        buffer_append_char(body, ',');
    }
    buffer_append_char(body, '"');
    buffer_append_text(body, query->list->name);
    buffer_append_text(body, form == CHART_OBJECT ? "\":{" : "\":[");
    size_t count = append_entries(query, lists, lists_count, response);
    buffer_append_char(body, form == CHART_OBJECT ? '}' : ']');
    if (form == CHART_PAGED) {
        buffer_append_text(body, ",\"count\":");
        /* The contract has it so: what was asked for, of all; what there is, of one. */
        buffer_append_int(body, is_site ? query->count : (int64_t)count);
        buffer_append_text(body, ",\"offset\":");
        buffer_append_int(body, query->offset);
    }
    if (query->chart.window.range != NULL) {
        buffer_append_text(body, ",\"range\":\"");
        buffer_append_text(body, query->chart.window.range);
        buffer_append_char(body, '"');
    }
    buffer_append_char(body, ',');
    buffer_append_slice(body, lists[0].meta);
    buffer_append_char(body, '}');
}

void statistics_note(const struct service *service, struct cache_reader *reader,
                     const struct statistics_query *query)
{
    const struct cache_profile *profile;
    struct error error;
    bool is_page = query->offset == 0 && query->chart.window.range_at >= 0;
    if (is_page && cache_reader_profile(reader, &profile, &error) == RESULT_OK) {
        readers_note(service->readers, profile->user_id, view_page_of_chart(&query->chart));
    }
}

static void write_answer(const struct http_request *request,
                         const struct statistics_query *query, const struct list *lists,
                         size_t lists_count, struct http_response *response)
{
    if (lists[0].total == 0) {
        response->status = 204;
        return;
    }
    buffer_append_text(&response->body, "{\"payload\":");
    statistics_write(request->captures[0], query, lists, lists_count, response);
    buffer_append_text(&response->body, "}\n");
}

static enum result write_list(const struct service *service, const struct http_request *request,
                              struct cache_reader *reader, struct http_response *response,
                              struct error *error)
{
    struct statistics_query query; /* large: only what is asked for is filled in */
    enum result parsed = parse_query(request, &query, error);
    if (parsed != RESULT_OK) {
        return answer_wrong_query(reader, parsed, error);
    }
    struct slice values[CHART_CHUNKS_MAX];
    struct list lists[CHART_CHUNKS_MAX];
    const struct cache_part part = chart_part(&query.chart);
    enum result result = cache_fetch(reader, &part, 1, values, error);
    for (size_t i = 0; i < part.items_count && result == RESULT_OK; i++) {
        result = list_open(values[i], &lists[i], error);
    }
    if (result == RESULT_OK) {
        write_answer(request, &query, lists, part.items_count, response);
        statistics_note(service, reader, &query);
    }
    return result;
}

void statistics_get_list(void *context, const struct http_request *request,
                         struct http_response *response)
{
    const struct statistics_list *list = request->route->detail;
    enum cache_view view = statistics_view(request, list->view);
    answer_read(context, request, view, write_list, response);
}

void statistics_get_site_list(void *context, const struct http_request *request,
                              struct http_response *response)
{
    answer_read_site(context, request, CACHE_VIEW_STATS_SITE, write_list, response);
}
