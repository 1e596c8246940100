#include "service/listeners.h"

#include "base/text.h"
#include "service/answer.h"
#include "service/statistics.h"

const struct db_function listeners_of_artist = {"artist_listeners", 3};
const struct db_function listeners_of_release = {"release_listeners", 3};
const struct db_function listeners_of_release_group = {"release_group_listeners", 3};

static enum result parse(const struct http_request *request, char id[UUID_TEXT_SIZE],
                         struct window *window, struct error *error)
{
    unsigned char uuid[16];
    if (!text_parse_uuid(request->captures[0], uuid)) {
        return error_set(error, RESULT_INVALID, "listeners", "%.*s mbid format invalid.",
                         SLICE_ARGS(request->captures[0]));
    }
    text_format_uuid(uuid, id);
    return statistics_parse_range(request, window, error);
}

static void write_answer(const struct db_rows *rows, const struct window *window,
                         struct http_response *response)
{
    if (db_rows_count(rows) == 0) {
        response->status = 204;
        return;
    }
    buffer_append_text(&response->body, "{\"payload\":{");
    buffer_append_slice(&response->body, db_rows_text(rows, 0, 0));
    buffer_append_text(&response->body, ",\"range\":\"");
    buffer_append_text(&response->body, window->range);
    buffer_append_text(&response->body, "\"}}\n");
}

static enum result write_listeners(const struct service *service,
                                   const struct http_request *request,
                                   struct http_response *response, struct error *error)
{
    char id[UUID_TEXT_SIZE];
    char from_s[DB_INT_TEXT_SIZE];
    char to_s[DB_INT_TEXT_SIZE];
    struct window window;
    struct db_rows *rows = NULL;
    enum result result = parse(request, id, &window, error);
    if (result == RESULT_OK) {
        db_format_int(window.from_s, from_s);
        db_format_int(window.to_s, to_s);
        const char *const params[] = {id, from_s, window.to_s == 0 ? NULL : to_s};
        result = db_call(service->db, request->route->detail, params, request->deadline_us, &rows,
                         error);
    }
    if (result == RESULT_OK) {
        write_answer(rows, &window, response);
    }
    db_rows_free(&rows);
    return result;
}

void listeners_get(void *context, const struct http_request *request,
                   struct http_response *response)
{
    answer_open(context, request, write_listeners, response);
}
