#include "service/statistics.h"

#include "base/clock.h"
#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/list.h"
#include "service/window.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { COUNT_DEFAULT = 25, COUNT_MAX = 1000, CHUNKS_MAX = COUNT_MAX / LIST_CHUNK_ENTRIES + 1 };

static_assert((int)CHUNKS_MAX <= (int)CACHE_ITEMS_MAX, "one fetch takes the largest answer");

/* Ranks are int in SQL; no list is that long, so what lies beyond is empty all the same. */
static const int64_t offset_max = 2000000000;

const struct statistics_kind statistics_artists = {
    CACHE_VIEW_STATS_ARTISTS, "artists", "artists", {"stats_artists", 6}};
const struct statistics_kind statistics_releases = {
    CACHE_VIEW_STATS_RELEASES, "releases", "releases", {"stats_releases", 6}};
const struct statistics_kind statistics_recordings = {
    CACHE_VIEW_STATS_RECORDINGS, "recordings", "recordings", {"stats_recordings", 6}};

/* What is asked for. */
struct query {
    const struct statistics_kind *kind;
    struct window window;
    int64_t offset;
    int64_t count;
};

static enum result parse_query(const struct http_request *request, struct query *query,
                               struct error *error)
{
    struct slice text;
    if (!http_query(request, "range", &text)) {
        text = slice_text("all_time");
    }
    if (!window_of_range(text, clock_wall_s(), &query->window)) {
        return error_set(error, RESULT_INVALID, "statistics", "Invalid range: %.*s",
                         SLICE_ARGS(text));
    }
    if (!answer_query_int(request, "offset", &query->offset, &text) || query->offset < 0) {
        return error_set(error, RESULT_INVALID, "statistics",
                         "'offset' should be a non-negative integer");
    }
    if (!answer_query_int(request, "count", &query->count, &text) || query->count < 0) {
        return error_set(error, RESULT_INVALID, "statistics",
                         "'count' should be a non-negative integer");
    }
    query->count = query->count > COUNT_MAX ? COUNT_MAX : query->count;
    return RESULT_OK;
}

/* One statement computes all chunks of an answer: their versions are the same. */
static enum result load_chunks(void *context, const struct cache_load *load,
                               struct cache_fill *fills, struct error *error)
{
    const struct query *query = context;
    enum { PARAMS = 6 };
    const int64_t numbers[PARAMS] = {
        load->profile->user_id,
        query->window.from_s,
        query->window.to_s,
        query->window.period,
        (int64_t)load->items[0].name.chunk * LIST_CHUNK_ENTRIES,
        (int64_t)load->items_count * LIST_CHUNK_ENTRIES,
    };
    char texts[PARAMS][24];
    const char *params[PARAMS];
    for (size_t i = 0; i < PARAMS; i++) {
        snprintf(texts[i], sizeof texts[i], "%" PRId64, numbers[i]);
        params[i] = texts[i];
    }
    if (query->window.to_s == 0) {
        params[2] = NULL;
    }
    struct db_rows *rows;
    enum result result = list_call(load, &query->kind->function, params, &rows, error);
    for (size_t i = 0; i < load->items_count && result == RESULT_OK; i++) {
        size_t entries =
            list_fill(rows, i * LIST_CHUNK_ENTRIES, LIST_CHUNK_ENTRIES, &fills[i]);
        /* Anybody may ask for any offset: what lies beyond the end is not kept. */
        fills[i].is_transient = entries == 0 && load->items[i].name.chunk > 0;
    }
    db_rows_free(&rows);
    return result;
}

/* The chunks that hold [offset, offset + count); one at least, because it tells the total. */
static size_t name_chunks(const struct query *query, struct cache_item items[CHUNKS_MAX])
{
    int64_t offset = query->offset > offset_max ? offset_max : query->offset;
    int64_t first = offset / LIST_CHUNK_ENTRIES;
    int64_t last = query->count == 0 ? first : (offset + query->count - 1) / LIST_CHUNK_ENTRIES;
    for (int64_t chunk = first; chunk <= last; chunk++) {
        items[chunk - first] = (struct cache_item){
            .name = {"stats", query->kind->name, query->window.name, (int)chunk},
            .window_end_s = query->window.to_s,
        };
    }
    return (size_t)(last - first + 1);
}

/* The entries of the answer, cut from the chunks; how many they are. */
static size_t append_entries(const struct query *query, const struct list *lists,
                             size_t lists_count, struct buffer *body)
{
    size_t skip = (size_t)(query->offset % LIST_CHUNK_ENTRIES);
    size_t left = (size_t)query->count;
    size_t written = 0;
    for (size_t i = 0; i < lists_count && left > 0; i++) {
        size_t end = skip + left < lists[i].count ? skip + left : lists[i].count;
        if (skip < end) {
            if (written > 0) {
                buffer_append_char(body, ',');
            }
            buffer_append_slice(body, list_entries(&lists[i], skip, end));
            written += end - skip;
            left -= end - skip;
        }
        skip = 0;
    }
    return written;
}

static void write_answer(const struct http_request *request, const struct query *query,
                         const struct list *lists, size_t lists_count,
                         struct http_response *response)
{
    struct buffer *body = &response->body;
    if (lists[0].total == 0) {
        response->status = 204;
        return;
    }
    buffer_append_text(body, "{\"payload\":{\"user_id\":");
    jwrite_string(body, request->captures[0]);
    buffer_append_format(body, ",\"%s\":[", query->kind->list_name);
    size_t count = append_entries(query, lists, lists_count, body);
    buffer_append_format(body, "],\"count\":%zu,\"offset\":%" PRId64 ",\"range\":\"%s\",",
                         count, query->offset, query->window.range);
    buffer_append_slice(body, lists[0].meta);
    buffer_append_text(body, "}}\n");
}

static enum result write_list(const struct http_request *request, struct cache_reader *reader,
                              struct http_response *response, struct error *error)
{
    struct query query = {.kind = request->route->detail, .count = COUNT_DEFAULT};
    enum result parsed = parse_query(request, &query, error);
    if (parsed != RESULT_OK) {
        return answer_wrong_query(reader, parsed, error);
    }
    struct cache_item items[CHUNKS_MAX];
    struct slice values[CHUNKS_MAX];
    struct list lists[CHUNKS_MAX];
    size_t count = name_chunks(&query, items);
    enum result result =
        cache_fetch(reader, items, count, true, load_chunks, &query, values, error);
    for (size_t i = 0; i < count && result == RESULT_OK; i++) {
        result = list_open(values[i], &lists[i], error);
    }
    if (result == RESULT_OK) {
        write_answer(request, &query, lists, count, response);
    }
    return result;
}

void statistics_get_list(void *context, const struct http_request *request,
                         struct http_response *response)
{
    const struct statistics_kind *kind = request->route->detail;
    answer_read(context, request, kind->view, write_list, response);
}
