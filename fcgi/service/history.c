#include "service/history.h"

#include "base/text.h"
#include "json/json.h"
#include "service/access.h"
#include "service/answer.h"
#include "view/view.h"

#include <inttypes.h>
#include <stdio.h>

/* A bound of the query: absent, or a whole number of seconds. */
static enum result parse_bound(const struct http_request *request, const char *name,
                               int64_t *bound_s, struct error *error)
{
    struct slice text;
    if (answer_query_int(request, name, bound_s, &text)) {
        return RESULT_OK;
    }
    return error_set(error, RESULT_INVALID, "history", "Incorrect %s timestamp argument: %.*s",
                     name, SLICE_ARGS(text));
}

static enum result parse_count(const struct http_request *request, size_t *count,
                               struct error *error)
{
    struct slice text;
    int64_t value = ANSWER_COUNT_DEFAULT;
    if (!answer_query_int(request, "count", &value, &text) && text.size_bytes > 0) {
        return error_set(error, RESULT_INVALID, "history", "Invalid count argument: %.*s",
                         SLICE_ARGS(text));
    }
    if (value < 0) {
        return error_set(error, RESULT_INVALID, "history",
                         "Number of items requested should be positive");
    }
    *count = value > HISTORY_COUNT_MAX ? HISTORY_COUNT_MAX : (size_t)value;
    return RESULT_OK;
}

/* No listen lies that far out, and PostgreSQL's time could not hold much more. */
static int64_t clamp(int64_t bound_s)
{
    static const int64_t farthest_s = 100000000000;
    return bound_s < -farthest_s ? -farthest_s : bound_s > farthest_s ? farthest_s : bound_s;
}

static enum result parse_query(const struct http_request *request, struct history_query *query,
                               struct error *error)
{
    *query = (struct history_query){.after_s = INT64_MIN, .before_s = INT64_MAX};
    enum result result = parse_bound(request, "max_ts", &query->before_s, error);
    if (result == RESULT_OK) {
        result = parse_bound(request, "min_ts", &query->after_s, error);
    }
    if (result == RESULT_OK && query->after_s != INT64_MIN && query->before_s != INT64_MAX
        && query->before_s <= query->after_s) {
        result = error_set(error, RESULT_INVALID, "history",
                           "max_ts should be greater than min_ts");
    }
    if (result == RESULT_OK) {
        result = parse_count(request, &query->count, error);
    }
    query->oldest = query->after_s != INT64_MIN;
    query->after_s = query->oldest ? clamp(query->after_s) : INT64_MIN;
    query->before_s = query->before_s != INT64_MAX ? clamp(query->before_s) : INT64_MAX;
    return result;
}

/* An entry as it is stored lacks the name of the listener: it is the same for all of them. */
static void append_listen(struct buffer *body, struct slice entry, struct slice user_name)
{
    buffer_append_text(body, "{\"user_name\":");
    jwrite_string(body, user_name);
    buffer_append_char(body, ',');
    buffer_append(body, entry.data + 1, entry.size_bytes - 1);
}

static void append_listens(struct buffer *body, const struct history_page *page,
                           struct slice user_name)
{
    bool is_first = true;
    for (size_t run = 0; run < page->runs_count; run++) {
        for (size_t i = page->runs[run].first; i < page->runs[run].end; i++) {
            if (!is_first) {
                buffer_append_char(body, ',');
            }
            is_first = false;
            append_listen(body, list_entries(&page->runs[run].list, i, i + 1), user_name);
        }
    }
}

static void write_page(const struct http_request *request, const struct cache_profile *profile,
                       const struct history_page *page, struct buffer *body)
{
    buffer_append_text(body, "{\"payload\":{\"user_id\":");
    jwrite_string(body, request->captures[0]);
    buffer_append_format(body, ",\"count\":%zu,", page->count);
    buffer_append_slice(body, page->meta);
    buffer_append_text(body, ",\"listens\":[");
    append_listens(body, page, profile->user_name);
    buffer_append_text(body, "]}}\n");
}

static enum result write_listens(const struct service *service,
                                 const struct http_request *request, struct cache_reader *reader,
                                 struct http_response *response, struct error *error)
{
    const struct cache_profile *profile;
    struct history_query query;
    enum result parsed = parse_query(request, &query, error);
    if (parsed != RESULT_OK) {
        return answer_wrong_query(reader, parsed, error);
    }
    struct history_page *page = arena_alloc(request->arena, sizeof *page);
    if (page == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "history", "out of memory");
    }
    enum result result = history_fetch_page(reader, &query, request->arena, page, error);
    if (result == RESULT_OK) {
        result = cache_reader_profile(reader, &profile, error);
    }
    if (result == RESULT_OK) {
        write_page(request, profile, page, &response->body);
        readers_note(service->readers, profile->user_id, VIEW_PAGE_LISTENS);
    }
    return result;
}

static enum result write_count(const struct service *service, const struct http_request *request,
                               struct cache_reader *reader, struct http_response *response,
                               struct error *error)
{
    (void)request;
    const struct cache_profile *profile;
    const struct cache_part part = history_count_part();
    struct slice value;
    struct list list;
    enum result result = cache_fetch(reader, &part, 1, &value, error);
    if (result == RESULT_OK) {
        result = list_open(value, &list, error);
    }
    if (result == RESULT_OK) {
        result = cache_reader_profile(reader, &profile, error);
    }
    if (result == RESULT_OK) {
        readers_note(service->readers, profile->user_id, VIEW_PAGE_COUNT);
        buffer_append_format(&response->body, "{\"payload\":{\"count\":%" PRIu64 "}}\n",
                             list.total);
    }
    return result;
}

void history_get_listens(void *context, const struct http_request *request,
                         struct http_response *response)
{
    answer_read(context, request, CACHE_VIEW_HISTORY_LISTENS, write_listens, response);
}

void history_get_count(void *context, const struct http_request *request,
                       struct http_response *response)
{
    answer_read(context, request, CACHE_VIEW_HISTORY_COUNT, write_count, response);
}
