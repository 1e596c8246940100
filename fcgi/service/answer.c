#include "service/answer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "service/access.h"

#include <inttypes.h>
#include <stdio.h>

static void append_hit(struct http_response *response, const struct cache_report *report,
                       const char *detail)
{
    http_header(response, "Cache-Status", "refrain; hit; ttl=%" PRId64 "%s", report->ttl_s,
                detail);
    http_header_int(response, "Age", report->age_s);
}

static void append_status(struct http_response *response, const struct cache_report *report)
{
    const char *stored = report->stored ? "; stored" : "";
    switch (report->outcome) {
    case CACHE_HIT_L1:
        append_hit(response, report, "; detail=l1");
        break;
    case CACHE_HIT:
        append_hit(response, report, "; detail=l2");
        break;
    case CACHE_HIT_VALIDATED:
        append_hit(response, report, "; detail=validated");
        break;
    case CACHE_UNVERIFIED:
        append_hit(response, report, "; detail=unverified");
        break;
    case CACHE_MISS_ABSENT:
        http_header(response, "Cache-Status", "refrain; fwd=miss%s; detail=absent", stored);
        break;
    case CACHE_MISS_VERSION:
        http_header(response, "Cache-Status", "refrain; fwd=miss%s; detail=version", stored);
        break;
    case CACHE_MISS_LEASE:
        http_header(response, "Cache-Status", "refrain; fwd=miss%s; detail=lease", stored);
        break;
    default:
        http_header(response, "Cache-Status", "refrain; fwd=bypass; detail=redis-down");
        break;
    }
}

/* Weak, because nginx compresses on the way. The body is a pure function of the data, so equal
 * bodies are equal data. */
static void set_etag(const struct http_request *request, struct http_response *response)
{
    char etag[24];
    snprintf(etag, sizeof etag, "W/\"%016" PRIx64 "\"", hash_64(buffer_slice(&response->body)));
    http_header(response, "ETag", "%s", etag);
    if (response->status == 200 && http_etag_matches(request, etag)) {
        response->status = 304;
        buffer_clear(&response->body);
    }
}

/* What may be kept of an answer that nobody has verified is nothing. */
static void set_control(struct http_response *response, enum cache_outcome outcome,
                        bool is_public)
{
    http_header(response, "Cache-Control",
                outcome == CACHE_UNVERIFIED ? "no-store"
                : is_public                 ? "public, no-cache"
                                            : "private, no-cache");
    if (!is_public) {
        http_header(response, "Vary", "Authorization");
    }
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
    bool is_public =
        cache_reader_profile(reader, &profile, &error) == RESULT_OK && profile->is_public;
    set_control(response, report.outcome, is_public);
    if (report.outcome != CACHE_UNVERIFIED) {
        set_etag(request, response);
    }
    bool is_hit = report.outcome <= CACHE_HIT_VALIDATED;
    cache_count(service->cache, view,
                is_hit && response->status == 304 ? CACHE_HIT_304 : report.outcome);
    int64_t total_us = clock_mono_us() - request->arrived_us;
    http_header(response, "Server-Timing", "cache;dur=%.2f, db;dur=%.2f, total;dur=%.2f",
                (double)report.asked_us / 1000, (double)report.loaded_us / 1000,
                (double)total_us / 1000);
}

/* That somebody is not to be seen may be out of date as well while the database is away. */
static void fail_to_find(const struct http_request *request, const struct cache_reader *reader,
                         struct http_response *response)
{
    struct cache_report report = {.outcome = CACHE_ERROR};
    if (reader != NULL) {
        cache_reader_report(reader, &report);
    }
    http_error(response, 404, "Cannot find user: %.*s", SLICE_ARGS(request->captures[0]));
    if (report.outcome == CACHE_UNVERIFIED) {
        http_header(response, "Cache-Status", "refrain; hit; detail=unverified");
        http_header(response, "Cache-Control", "no-store");
    }
}

static void fail(const struct service *service, const struct http_request *request,
                 const struct cache_reader *reader, enum cache_view view, enum result result,
                 const struct error *error, struct http_response *response)
{
    if (result == RESULT_NOT_FOUND) {
        fail_to_find(request, reader, response);
        return;
    }
    if (result != RESULT_INVALID) {
        cache_count(service->cache, view, CACHE_ERROR);
    }
    http_error_of(response, result, error);
}

void answer_read(const struct service *service, const struct http_request *request,
                 enum cache_view view, answer_writer *write, struct http_response *response)
{
    struct error error;
    struct cache_reader *reader = NULL;
    enum result result = access_open_reader(service, request, &reader, &error);
    if (result == RESULT_OK) {
        result = write(service, request, reader, response, &error);
    }
    if (result == RESULT_OK) {
        finish(service, request, reader, view, response);
    } else {
        fail(service, request, reader, view, result, &error, response);
    }
    cache_reader_close(&reader);
}

bool answer_query_int(const struct http_request *request, const char *name, int64_t *value,
                      struct slice *text)
{
    return !http_query(request, name, text) || text_parse_int(text_trim(*text), value);
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
