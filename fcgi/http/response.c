#include "http/response.h"

#include "base/log.h"
#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static const struct {
    int status;
    const char *line;
} status_lines[] = {
    {200, "Status: 200 OK\r\n"},
    {201, "Status: 201 Created\r\n"},
    {202, "Status: 202 Accepted\r\n"},
    {204, "Status: 204 No Content\r\n"},
    {304, "Status: 304 Not Modified\r\n"},
    {400, "Status: 400 Bad Request\r\n"},
    {401, "Status: 401 Unauthorized\r\n"},
    {403, "Status: 403 Forbidden\r\n"},
    {404, "Status: 404 Not Found\r\n"},
    {405, "Status: 405 Method Not Allowed\r\n"},
    {409, "Status: 409 Conflict\r\n"},
    {413, "Status: 413 Content Too Large\r\n"},
    {415, "Status: 415 Unsupported Media Type\r\n"},
    {429, "Status: 429 Too Many Requests\r\n"},
    {500, "Status: 500 Internal Server Error\r\n"},
    {503, "Status: 503 Service Unavailable\r\n"},
};

static void release_kept(struct http_response *response)
{
    while (response->kept_count > 0) {
        const struct http_kept *kept = &response->kept[--response->kept_count];
        kept->release(kept->thing);
    }
}

void http_response_reset(struct http_response *response)
{
    response->status = 200;
    response->type_given = false;
    response->cache_control_given = false;
    buffer_clear(&response->headers);
    buffer_clear(&response->body);
    response->lent_count = 0;
    response->lent_bytes = 0;
    response->next = NULL;
    release_kept(response);
}

void http_response_free(struct http_response *response)
{
    release_kept(response);
    buffer_free(&response->headers);
    buffer_free(&response->body);
}

/* Control bytes could end the header and start another one. */
static void drop_control_bytes(struct buffer *buffer, size_t from)
{
    size_t size = from;
    for (size_t i = from; i < buffer->size_bytes; i++) {
        unsigned char c = (unsigned char)buffer->data[i];
        if (c >= ' ' && c != 0x7f) {
            buffer->data[size++] = buffer->data[i];
        }
    }
    buffer->size_bytes = size;
}

/* Formats once, where buffer_append_format() measures first: there are ten headers a request. */
static void append_value(struct buffer *buffer, const char *format, va_list args)
{
    enum { most_bytes = 256 };
    char *end = buffer_reserve(buffer, most_bytes);
    if (end == NULL) {
        return;
    }
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(end, most_bytes, format, args);
    if (size >= most_bytes) {
        end = buffer_reserve(buffer, (size_t)size + 1);
        if (end != NULL) {
            vsnprintf(end, (size_t)size + 1, format, again);
        }
    }
    va_end(again);
    if (size < 0) {
        buffer->failed = true;
    } else if (end != NULL) {
        buffer_grown(buffer, (size_t)size);
    }
}

static void start_header(struct http_response *response, const char *name)
{
    bool may_be_ours = (name[0] | 0x20) == 'c';
    if (may_be_ours && strcasecmp(name, "Content-Type") == 0) {
        response->type_given = true;
    } else if (may_be_ours && strcasecmp(name, "Cache-Control") == 0) {
        response->cache_control_given = true;
    }
    buffer_append_text(&response->headers, name);
    buffer_append(&response->headers, ": ", 2);
}

void http_header(struct http_response *response, const char *name, const char *format, ...)
{
    struct buffer *headers = &response->headers;
    start_header(response, name);
    size_t value_at = headers->size_bytes;
    va_list args;
    va_start(args, format);
    append_value(headers, format, args);
    va_end(args);
    drop_control_bytes(headers, value_at);
    buffer_append(headers, "\r\n", 2);
}

void http_header_text(struct http_response *response, const char *name, const char *value)
{
    start_header(response, name);
    buffer_append_text(&response->headers, value);
    buffer_append_text(&response->headers, "\r\n");
}

void http_cache_control(struct http_response *response, const char *value)
{
    response->cache_control_given = true;
    buffer_append_text(&response->headers, "Cache-Control: ");
    buffer_append_text(&response->headers, value);
    buffer_append_text(&response->headers, "\r\n");
}

void http_lend(struct http_response *response, struct slice bytes)
{
    if (bytes.size_bytes < HTTP_LENT_MIN_BYTES || response->lent_count == HTTP_LENT_MAX) {
        buffer_append_slice(&response->body, bytes);
        return;
    }
    response->lent[response->lent_count++] =
        (struct http_lent){.bytes = bytes, .at = response->body.size_bytes};
    response->lent_bytes += bytes.size_bytes;
}

void http_keep(struct http_response *response, void *thing, void (*release)(void *thing))
{
    assert(response->kept_count < HTTP_KEPT_MAX);
    response->kept[response->kept_count++] = (struct http_kept){thing, release};
}

void http_stream(struct http_response *response, http_next *next, void *thing,
                 void (*release)(void *thing))
{
    assert(response->next == NULL && http_body_size(response) == 0);
    response->next = next;
    response->source = thing;
    http_keep(response, thing, release);
}

size_t http_body_size(const struct http_response *response)
{
    return response->body.size_bytes + response->lent_bytes;
}

/* The length of the UTF-8 sequence at the start of `text`; 0 where there is none. */
static size_t sequence_size(struct slice text)
{
    for (size_t size = 1; size <= 4 && size <= text.size_bytes; size++) {
        if (text_is_utf8(slice_of(text.data, size))) {
            return size;
        }
    }
    return 0;
}

static void append_json_text(struct buffer *to, struct slice text)
{
    buffer_append_char(to, '"');
    for (size_t i = 0; i < text.size_bytes;) {
        char c = text.data[i];
        size_t size = sequence_size(slice_of(text.data + i, text.size_bytes - i));
        if (c == '"' || c == '\\') {
            buffer_append_char(to, '\\');
            buffer_append_char(to, c);
        } else if (size == 1 && (unsigned char)c < ' ') {
            buffer_append_format(to, "\\u%04x", (unsigned)c);
        } else if (size == 0) {
            buffer_append_char(to, '?');
        } else {
            buffer_append(to, text.data + i, size);
        }
        i += size == 0 ? 1 : size;
    }
    buffer_append_char(to, '"');
}

void http_error(struct http_response *response, int status, const char *format, ...)
{
    struct buffer text = BUFFER_EMPTY;
    va_list args;
    va_start(args, format);
    append_value(&text, format, args);
    va_end(args);

    http_response_reset(response);
    response->status = status;
    if (status == 401) {
        http_header_text(response, "WWW-Authenticate", "Token");
    } else if (status == 503) {
        http_header_text(response, "Retry-After", "2");
    }
    buffer_append_text(&response->body, "{\"code\":");
    buffer_append_int(&response->body, status);
    buffer_append_text(&response->body, ",\"error\":");
    append_json_text(&response->body, buffer_slice(&text));
    buffer_append_text(&response->body, "}\n");
    buffer_free(&text);
}

void http_error_of(struct http_response *response, enum result result, const struct error *error)
{
    http_error_or(response, result, error, HTTP_UNAVAILABLE);
}

void http_error_or(struct http_response *response, enum result result, const struct error *error,
                   const char *unavailable)
{
    switch (result) {
    case RESULT_NOT_FOUND:
        http_error(response, 404, "%s", error->text);
        break;
    case RESULT_INVALID:
        http_error(response, 400, "%s", error->text);
        break;
    case RESULT_UNAUTHORIZED:
        http_error(response, 401, "%s", error->text);
        break;
    case RESULT_CONFLICT:
        http_error(response, 409, "%s", error->text);
        break;
    case RESULT_TOO_LARGE:
        http_error(response, 413, "%s", error->text);
        break;
    case RESULT_TIMEOUT:
    case RESULT_UNAVAILABLE:
    case RESULT_NO_MEMORY:
        log_error("request-failed", result, error);
        http_error(response, 503, "%s", unavailable);
        break;
    case RESULT_OK:
        assert(result != RESULT_OK);
        break;
    case RESULT_INTERNAL:
        log_error("request-failed", result, error);
        http_error(response, 500, "An unknown error occured.");
    }
}

static void append_status(struct buffer *head, int status)
{
    for (size_t i = 0; i < sizeof status_lines / sizeof *status_lines; i++) {
        if (status_lines[i].status == status) {
            buffer_append_text(head, status_lines[i].line);
            return;
        }
    }
    buffer_append_format(head, "Status: %d Unknown\r\n", status);
}

/* The body's own bytes with what is lent between them; how many pieces that makes. */
static size_t cut_body(const struct http_response *response, struct slice *pieces)
{
    struct slice own = buffer_slice(&response->body);
    size_t count = 0;
    size_t from = 0;
    for (size_t i = 0; i < response->lent_count; i++) {
        const struct http_lent *lent = &response->lent[i];
        if (lent->at > from) {
            pieces[count++] = slice_of(own.data + from, lent->at - from);
            from = lent->at;
        }
        pieces[count++] = lent->bytes;
    }
    if (own.size_bytes > from) {
        pieces[count++] = slice_of(own.data + from, own.size_bytes - from);
    }
    return count;
}

size_t http_response_finish(const struct http_response *response, enum http_method method,
                            struct slice cors, struct buffer *head,
                            struct slice pieces[HTTP_PIECES_MAX])
{
    bool bodiless = response->status == 204 || response->status == 304;
    size_t body_bytes = http_body_size(response);
    append_status(head, response->status);
    if (!bodiless) {
        if (!response->type_given && body_bytes > 0) {
            buffer_append_text(head, "Content-Type: application/json\r\n");
        }
        if (response->next == NULL) {
            buffer_append_text(head, "Content-Length: ");
            buffer_append_int(head, (int64_t)body_bytes);
            buffer_append_text(head, "\r\n");
        }
    }
    buffer_append_slice(head, buffer_slice(&response->headers));
    /* After the handler's, because nginx heeds X-Accel-Expires only ahead of Cache-Control. */
    if (!response->cache_control_given) {
        buffer_append_text(head, response->status >= 400 ? "Cache-Control: no-store\r\n"
                                                         : "Cache-Control: private, no-cache\r\n");
    }
    buffer_append_slice(head, cors);
    buffer_append(head, "\r\n", 2);
    pieces[0] = buffer_slice(head);
    return bodiless || method == HTTP_HEAD ? 1 : 1 + cut_body(response, pieces + 1);
}
