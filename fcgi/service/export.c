#include "service/export.h"

#include "base/clock.h"
#include "base/text.h"
#include "listen/export.h"
#include "service/access.h"

#include <time.h>

/* File systems take names of 255 bytes, of which the rest of the name needs 25. */
enum { NAME_MAX_BYTES = 200, DATE_SIZE = sizeof "2026-11-23" };

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-'
           || c == '_' || c == '.';
}

/* For clients that know ASCII only. */
static void append_plain(struct buffer *to, struct slice name)
{
    for (size_t i = 0; i < name.size_bytes;) {
        buffer_append_char(to, is_plain(name.data[i]) ? name.data[i] : '_');
        i += text_char_size(slice_of(name.data + i, name.size_bytes - i));
    }
}

/* What is not ASCII stays, in percents. Of the rest some is a path or forbidden on some system. */
static void append_escaped(struct buffer *to, struct slice name)
{
    for (size_t i = 0; i < name.size_bytes; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c >= 0x80) {
            buffer_append_format(to, "%%%02X", c);
        } else {
            buffer_append_char(to, is_plain((char)c) ? (char)c : '_');
        }
    }
}

/* As RFC 6266 and RFC 8187 have it: both forms, and who knows the second one takes that. */
static void set_file_name(struct http_response *response, struct slice user_name)
{
    struct slice name = text_start(user_name, NAME_MAX_BYTES);
    time_t now_s = (time_t)clock_wall_s();
    struct tm utc;
    char date[DATE_SIZE];
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now_s, &utc));

    struct buffer *headers = &response->headers;
    buffer_append_text(headers, "Content-Disposition: attachment; filename=\"refrain-");
    append_plain(headers, name);
    buffer_append_format(headers, "-%s.jsonl\"; filename*=UTF-8''refrain-", date);
    append_escaped(headers, name);
    buffer_append_format(headers, "-%s.jsonl\r\n", date);
}

/* The token was valid when the export began: an account that is not there has been deleted since. */
static enum result next_piece(void *thing, int64_t deadline_us, struct buffer *to,
                              struct error *error)
{
    enum result result = export_next(thing, deadline_us, to, error);
    return result == RESULT_NOT_FOUND
               ? error_set(error, RESULT_UNAUTHORIZED, "export", "Invalid authorization token.")
               : result;
}

static void release(void *thing)
{
    struct export *export = thing;
    export_destroy(&export);
}

void export_get(void *context, const struct http_request *request,
                struct http_response *response)
{
    const struct service *service = context;
    struct cache_account account;
    struct error error;
    struct export *export = NULL;
    enum result result = account_authorize(service, request, SCOPE_READ, &account, &error);
    if (result == RESULT_OK && !http_begin_transfer(request, response)) {
        return;
    }
    if (result == RESULT_OK) {
        export = export_create(service->db, account.user_id);
        if (export == NULL) {
            result = error_set(&error, RESULT_NO_MEMORY, "export", "out of memory");
        }
    }
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
        return;
    }
    http_header_text(response, "Content-Type", "application/x-ndjson");
    http_cache_control(response, "no-store");
    set_file_name(response, account.user_name);
    http_stream(response, next_piece, export, release);
}
