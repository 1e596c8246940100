#include "service/summary.h"

#include "json/json.h"
#include "service/answer.h"
#include "service/statistics.h"

#include <assert.h>

/* Each under its list's name. */
static const int members[] = {
    STATISTICS_ARTISTS,            STATISTICS_RELEASES,       STATISTICS_RECORDINGS,
    STATISTICS_LISTENING_ACTIVITY, STATISTICS_DAILY_ACTIVITY,
};
enum { MEMBERS = sizeof members / sizeof *members };
static_assert((int)ANSWER_COUNT_DEFAULT <= (int)LIST_CHUNK_ENTRIES, "a member is one value");

struct summary {
    struct window window;
    struct statistics_query queries[MEMBERS];
    struct list lists[MEMBERS];
};

static enum result fetch(struct cache_reader *reader, struct summary *summary,
                         struct error *error)
{
    struct cache_part parts[MEMBERS];
    struct slice values[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) {
        statistics_ask(&statistics_lists[members[i]], &summary->window, 0, ANSWER_COUNT_DEFAULT,
                       &summary->queries[i]);
        parts[i] = chart_part(&summary->queries[i].chart);
        assert(parts[i].items_count == 1);
    }
    enum result result = cache_fetch_together(reader, parts, MEMBERS, values, error);
    for (size_t i = 0; i < MEMBERS && result == RESULT_OK; i++) {
        result = list_open(values[i], &summary->lists[i], error);
    }
    return result;
}

/* What tells the window, of the artists: all but the last member, which is how many there are. */
static struct slice common_meta(struct slice meta)
{
    const char *last = memrchr(meta.data, ',', meta.size_bytes);
    assert(last != NULL);
    return slice_of(meta.data, (size_t)(last - meta.data));
}

/* The whole list is null where its own endpoint would have nothing to tell. */
static void append_member(struct slice user_name, const struct statistics_query *query,
                          const struct list *list, struct http_response *response)
{
    buffer_append_text(&response->body, ",\"");
    buffer_append_text(&response->body, query->list->name);
    buffer_append_text(&response->body, "\":");
    if (list->total == 0) {
        buffer_append_text(&response->body, "null");
    } else {
        statistics_write(user_name, query, list, 1, response);
    }
}

static void write_answer(struct slice user_name, const struct summary *summary,
                         struct http_response *response)
{
    struct buffer *body = &response->body;
    if (summary->lists[0].total == 0) {
        response->status = 204; /* every listen has an artist */
        return;
    }
    buffer_append_text(body, "{\"payload\":{\"user_id\":");
    jwrite_string(body, user_name);
    buffer_append_text(body, ",\"range\":\"");
    buffer_append_text(body, summary->window.range);
    buffer_append_text(body, "\",");
    buffer_append_slice(body, common_meta(summary->lists[0].meta));
    for (size_t i = 0; i < MEMBERS; i++) {
        append_member(user_name, &summary->queries[i], &summary->lists[i], response);
    }
    buffer_append_text(body, "}}\n");
}

static enum result write(const struct service *service, const struct http_request *request,
                         struct cache_reader *reader, struct http_response *response,
                         struct error *error)
{
    struct summary summary; /* large: only what is asked for is filled in */
    enum result result = statistics_parse_window(request, &summary.window, error);
    if (result != RESULT_OK) {
        return answer_wrong_query(reader, result, error);
    }
    result = fetch(reader, &summary, error);
    if (result == RESULT_OK) {
        write_answer(request->captures[0], &summary, response);
        for (size_t i = 0; i < MEMBERS; i++) {
            statistics_note(service, reader, &summary.queries[i]);
        }
    }
    return result;
}

void summary_get(void *context, const struct http_request *request,
                 struct http_response *response)
{
    enum cache_view view = statistics_view(request, CACHE_VIEW_STATS_SUMMARY);
    answer_read(context, request, view, write, response);
}
