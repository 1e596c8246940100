#include "service/answer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "service/access.h"

/* Raised when an answer changes for the same data, so that no client keeps the old one. */
enum { answer_format = 1 };

enum { etag_size = sizeof "W/\"0123456789abcdef-gzip\"" };

/* How Cache-Status tells an outcome; what has no row here went past the cache. */
static const struct {
    enum cache_outcome outcome;
    bool is_hit;
    const char *detail;
} statuses[] = {
    {CACHE_HIT_L1, true, "; detail=l1"},
    {CACHE_HIT, true, "; detail=l2"},
    {CACHE_HIT_VALIDATED, true, "; detail=validated"},
    {CACHE_UNVERIFIED, true, "; detail=unverified"},
    {CACHE_MISS_ABSENT, false, "; detail=absent"},
    {CACHE_MISS_VERSION, false, "; detail=version"},
    {CACHE_MISS_LEASE, false, "; detail=lease"},
};

static void append_status(struct http_response *response, const struct cache_report *report)
{
    size_t at = 0;
    while (at < sizeof statuses / sizeof *statuses && statuses[at].outcome != report->outcome) {
        at++;
    }
    if (at == sizeof statuses / sizeof *statuses) {
        http_header_text(response, "Cache-Status", "refrain; fwd=bypass; detail=redis-down");
        return;
    }
    struct buffer *headers = &response->headers;
    if (statuses[at].is_hit) {
        buffer_append_text(headers, "Age: ");
        buffer_append_int(headers, report->age_s);
        buffer_append_text(headers, "\r\nCache-Status: refrain; hit; ttl=");
        buffer_append_int(headers, report->ttl_s);
    } else {
        buffer_append_text(headers, "Cache-Status: refrain; fwd=miss");
        buffer_append_text(headers, report->stored ? "; stored" : "");
    }
    buffer_append_text(headers, statuses[at].detail);
    buffer_append_text(headers, "\r\n");
}

/* Weak, because nginx makes the compressed bytes, and they may differ. */
static void format_etag(uint64_t hash, bool is_compressed, char etag[etag_size])
{
    static const char start[] = {'W', '/', '"'};
    const char *end = is_compressed ? "-gzip\"" : "\"";
    enum { digits = 16 };
    char *to = etag + sizeof start;
    memcpy(etag, start, sizeof start);
    for (size_t i = digits; i > 0; i--) {
        to[i - 1] = "0123456789abcdef"[hash & 15];
        hash >>= 4;
    }
    memcpy(to + digits, end, strlen(end) + 1);
}

/* The body is a pure function of its content and of what is asked for. Its compressed form is
 * another representation, and has another tag. */
static void set_etag(const struct http_request *request, uint64_t content_hash,
                     struct http_response *response)
{
    const uint64_t parts[] = {answer_format, content_hash, hash_64(request->path),
                              hash_64(request->query), (uint64_t)response->status};
    char etag[etag_size];
    format_etag(hash_64(slice_of((const char *)parts, sizeof parts)),
                http_is_compressed(request, response), etag);
    buffer_append_text(&response->headers, "ETag: ");
    buffer_append_text(&response->headers, etag);
    buffer_append_text(&response->headers, "\r\n");
    bool may_be_304 = response->status == 200 && request->method != HTTP_POST;
    if (may_be_304 && http_etag_matches(request, etag)) {
        response->status = 304;
    }
}

/* What may be kept of an answer that nobody has verified is nothing. nginx tells itself that an
 * answer with a body varies with its encoding. */
static void set_control(struct http_response *response, bool is_verified, bool is_public)
{
    http_cache_control(response, !is_verified ? "no-store"
                                 : is_public  ? "public, no-cache"
                                              : "private, no-cache");
    if (!is_public) {
        http_header_text(response, "Vary", "Authorization");
    }
    if (response->status == 304) {
        http_header_text(response, "Vary", "Accept-Encoding");
    }
}

/* In milliseconds with two decimals. */
static void append_duration(struct buffer *to, int64_t duration_us)
{
    if (duration_us < 5) {
        buffer_append_text(to, "0.00");
        return;
    }
    uint64_t hundredths = ((uint64_t)duration_us + 5) / 10;
    if (hundredths >= 100) {
        buffer_append_int(to, (int64_t)(hundredths / 100));
        hundredths %= 100;
    } else {
        buffer_append_char(to, '0');
    }
    const char decimals[] = {'.', (char)('0' + hundredths / 10), (char)('0' + hundredths % 10)};
    buffer_append(to, decimals, sizeof decimals);
}

static void set_timing(const struct http_request *request, const struct cache_report *report,
                       struct http_response *response)
{
    struct buffer *headers = &response->headers;
    buffer_append_text(headers, "Server-Timing: cache;dur=");
    append_duration(headers, report->asked_us);
    buffer_append_text(headers, ", db;dur=");
    append_duration(headers, report->loaded_us);
    buffer_append_text(headers, ", total;dur=");
    append_duration(headers, clock_mono_us() - request->arrived_us);
    buffer_append_text(headers, "\r\n");
}

static void finish(const struct service *service, const struct http_request *request,
                   struct cache_reader *reader, enum cache_view view,
                   struct http_response *response)
{
    const struct cache_profile *profile;
    struct error error;
    struct cache_report report;
    cache_reader_report(reader, &report);
    append_status(response, &report);
    if (report.outcome != CACHE_UNVERIFIED) {
        set_etag(request, report.content_hash, response);
    }
    bool is_public =
        cache_reader_profile(reader, &profile, &error) == RESULT_OK && profile->is_public;
    set_control(response, report.outcome != CACHE_UNVERIFIED, is_public);
    bool is_hit = report.outcome <= CACHE_HIT_VALIDATED;
    cache_count(service->cache, view,
                is_hit && response->status == 304 ? CACHE_HIT_304 : report.outcome);
    set_timing(request, &report, response);
}

static void close_reader(void *thing)
{
    struct cache_reader *reader = thing;
    cache_reader_close(&reader);
}

/* ── failures ── */

static const char unknown_user[] = "Cannot find user: ";

/* What the contract says while the database is away. */
static const struct {
    enum cache_view view;
    const char *text;
} unavailable_texts[] = {
    {CACHE_VIEW_HISTORY_LISTENS, "The listen database is momentarily offline. Please wait a few"
                                 " minutes and try again."},
    {CACHE_VIEW_HISTORY_COUNT, "Cannot fetch user listen count right now."},
};

static const char *unavailable_text(enum cache_view view)
{
    for (size_t i = 0; i < sizeof unavailable_texts / sizeof *unavailable_texts; i++) {
        if (unavailable_texts[i].view == view) {
            return unavailable_texts[i].text;
        }
    }
    return HTTP_UNAVAILABLE;
}

static bool is_unverified(const struct cache_reader *reader)
{
    struct cache_report report = {.outcome = CACHE_ERROR};
    if (reader != NULL) {
        cache_reader_report(reader, &report);
    }
    return report.outcome == CACHE_UNVERIFIED;
}

/* That somebody is not to be seen may be out of date while the database is away; who is unknown is
 * 503 then, and nobody shall tell the two apart. */
static enum result settle_missing(const struct cache_reader *reader, enum result result,
                                  struct error *error)
{
    return result == RESULT_NOT_FOUND && is_unverified(reader)
               ? error_set(error, RESULT_UNAVAILABLE, "answer",
                           "who is to be seen is not known while the database is away")
               : result;
}

static void fail(const struct service *service, const struct http_request *request,
                 enum cache_view view, enum result result, const struct error *error,
                 struct http_response *response)
{
    if (result == RESULT_NOT_FOUND) {
        http_error(response, 404, "%s%.*s", unknown_user, SLICE_ARGS(request->captures[0]));
        return;
    }
    if (result != RESULT_INVALID) {
        cache_count(service->cache, view, CACHE_ERROR);
    }
    http_error_or(response, result, error, unavailable_text(view));
}

typedef enum result reader_opener(const struct service *service,
                                  const struct http_request *request,
                                  struct cache_reader **reader, struct error *error);

static void read_with(reader_opener *open, const struct service *service,
                      const struct http_request *request, enum cache_view view,
                      answer_writer *write, struct http_response *response)
{
    struct error error;
    struct cache_reader *reader = NULL;
    enum result result = open(service, request, &reader, &error);
    if (result == RESULT_OK) {
        result = write(service, request, reader, response, &error);
    }
    if (result == RESULT_OK) {
        finish(service, request, reader, view, response);
        http_keep(response, reader, close_reader);
    } else {
        result = settle_missing(reader, result, &error);
        fail(service, request, view, result, &error, response);
        cache_reader_close(&reader);
    }
}

void answer_read(const struct service *service, const struct http_request *request,
                 enum cache_view view, answer_writer *write, struct http_response *response)
{
    read_with(access_open_reader, service, request, view, write, response);
}

void answer_read_site(const struct service *service, const struct http_request *request,
                      enum cache_view view, answer_writer *write,
                      struct http_response *response)
{
    read_with(access_open_site_reader, service, request, view, write, response);
}

/* ── past the cache ── */

/* What goes past the cache needs the database: without it, nobody has verified that it may be told. */
static enum result settle_unverified(const struct cache_reader *reader, enum result result,
                                     struct error *error)
{
    return result == RESULT_OK && is_unverified(reader)
               ? error_set(error, RESULT_UNAVAILABLE, "answer",
                           "the profile cannot be verified while the database is away")
               : settle_missing(reader, result, error);
}

static enum result write_directly(const struct service *service,
                                  const struct http_request *request,
                                  const struct answer_direct *direct, bool *is_public,
                                  struct http_response *response, struct error *error)
{
    const struct cache_profile *profile;
    struct cache_reader *reader = NULL;
    enum result result = access_open_reader(service, request, &reader, error);
    if (result == RESULT_OK) {
        result = cache_reader_profile(reader, &profile, error);
        result = settle_unverified(reader, result, error);
    }
    if (result == RESULT_OK) {
        *is_public = profile->is_public;
        result = direct->write(service, request, profile, response, error);
    }
    cache_reader_close(&reader);
    return result;
}

static void finish_directly(const struct http_request *request, bool is_public,
                            struct http_response *response)
{
    http_header_text(response, "Cache-Status", "refrain; fwd=bypass; detail=not-cached");
    set_etag(request, hash_64(buffer_slice(&response->body)), response);
    set_control(response, true, is_public);
}

void answer_direct(const struct service *service, const struct http_request *request,
                   const struct answer_direct *direct, struct http_response *response)
{
    struct error error;
    bool is_public = false;
    enum result result =
        write_directly(service, request, direct, &is_public, response, &error);
    if (result == RESULT_NOT_FOUND) {
        bool is_usual = direct->unknown_before == NULL;
        struct slice name = http_shown(request, request->captures[0]);
        http_error(response, 404, "%s%.*s%s", is_usual ? unknown_user : direct->unknown_before,
                   SLICE_ARGS(name), is_usual ? "" : direct->unknown_after);
    } else if (result != RESULT_OK) {
        http_error_of(response, result, &error);
    } else {
        finish_directly(request, is_public, response);
    }
}

void answer_open(const struct service *service, const struct http_request *request,
                 answer_open_writer *write, struct http_response *response)
{
    struct error error;
    enum result result = write(service, request, response, &error);
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
    } else {
        finish_directly(request, true, response);
    }
}

/* ── what stands in the query ── */

static enum result query_amount(const struct http_request *request, const char *name,
                                int64_t *amount, struct error *error)
{
    struct slice text;
    if (answer_query_int(request, name, amount, &text) && *amount >= 0) {
        return RESULT_OK;
    }
    return error_set(error, RESULT_INVALID, "answer", "'%s' should be a non-negative integer",
                     name);
}

enum result answer_query_span(const struct http_request *request, int64_t count_default,
                              int64_t *offset, int64_t *count, struct error *error)
{
    *offset = 0;
    *count = count_default;
    enum result result = query_amount(request, "offset", offset, error);
    if (result == RESULT_OK) {
        result = query_amount(request, "count", count, error);
    }
    *count = *count > ANSWER_COUNT_MAX ? ANSWER_COUNT_MAX : *count;
    return result;
}

bool answer_query_int(const struct http_request *request, const char *name, int64_t *value,
                      struct slice *text)
{
    if (!http_query(request, name, text)) {
        return true;
    }
    *text = http_shown(request, *text);
    return text_parse_int(text_trim(*text), value);
}

enum result answer_wrong_query(struct cache_reader *reader, enum result parsed,
                               struct error *error)
{
    const struct cache_profile *profile;
    struct error wrong = *error;
    enum result result = cache_reader_profile(reader, &profile, error);
    if (result == RESULT_OK) {
        *error = wrong;
        result = parsed;
    }
    return result;
}
