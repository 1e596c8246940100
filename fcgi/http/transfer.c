#include "http/transfer.h"

#include "base/clock.h"

#include <assert.h>

static void leave(void *thing)
{
    atomic_int *places = thing;
    atomic_fetch_add(places, 1);
}

bool http_begin_transfer(const struct http_request *request, struct http_response *response)
{
    atomic_int *places = request->transfer->places;
    if (atomic_fetch_sub(places, 1) <= 0) {
        atomic_fetch_add(places, 1);
        http_error(response, 503,
                   "As many uploads and downloads as this server takes at a time are under way. "
                   "Please try again in a moment.");
        return false;
    }
    http_keep(response, places, leave);
    return true;
}

/* ── bodies that handlers read ── */

void http_transfer_expect(struct http_transfer *transfer, int64_t length_bytes)
{
    transfer->length_bytes = length_bytes;
    transfer->read_bytes = 0;
    transfer->is_patient = false;
}

void http_transfer_end(struct http_transfer *transfer, int64_t pause_max_us)
{
    if (transfer->is_patient) {
        fastcgi_set_pause(transfer->fastcgi, pause_max_us);
        transfer->is_patient = false;
    }
}

static enum result check_size(const struct http_transfer *transfer, struct error *error)
{
    size_t max_bytes = transfer->body_max_bytes;
    if (transfer->length_bytes > (int64_t)max_bytes) {
        return error_set(error, RESULT_TOO_LARGE, "http",
                         "The body has %lld bytes, but may have %zu at most.",
                         (long long)transfer->length_bytes, max_bytes);
    }
    if (transfer->read_bytes > max_bytes) {
        return error_set(error, RESULT_TOO_LARGE, "http",
                         "The body has more than %zu bytes, which it may have at most.",
                         max_bytes);
    }
    return RESULT_OK;
}

static enum result check_end(const struct http_transfer *transfer, struct error *error)
{
    if (fastcgi_is_broken(transfer->fastcgi)) {
        return error_set(error, RESULT_INVALID, "http", "The body was broken off.");
    }
    if (transfer->length_bytes >= 0 && transfer->read_bytes != (size_t)transfer->length_bytes) {
        return error_set(error, RESULT_INVALID, "http",
                         "The body is %s than its Content-Length of %lld bytes.",
                         transfer->read_bytes < (size_t)transfer->length_bytes ? "shorter"
                                                                               : "longer",
                         (long long)transfer->length_bytes);
    }
    return RESULT_OK;
}

static enum result check_time(const struct http_request *request, int64_t piece_deadline_us,
                              struct error *error)
{
    int64_t now_us = clock_mono_us();
    if (atomic_load(request->transfer->stopping)) {
        return error_set(error, RESULT_UNAVAILABLE, "http",
                         "the server stops, and with it an upload");
    }
    if (now_us > request->arrived_us + UPLOAD_MAX_S * INT64_C(1000000)
        || now_us > piece_deadline_us) {
        return error_set(error, RESULT_INVALID, "http",
                         "The body takes too long to arrive: it may take %d minutes, and at no "
                         "time be nearly still.",
                         UPLOAD_MAX_S / 60);
    }
    return RESULT_OK;
}

enum result http_read_body(const struct http_request *request, char *data, size_t room_bytes,
                           size_t *size_bytes, struct error *error)
{
    struct http_transfer *transfer = request->transfer;
    int64_t deadline_us = clock_mono_us() + UPLOAD_PIECE_MAX_S * INT64_C(1000000);
    enum result result = check_size(transfer, error);
    *size_bytes = 0;
    if (result == RESULT_OK && !transfer->is_patient) {
        fastcgi_set_pause(transfer->fastcgi, UPLOAD_PAUSE_MAX_S * INT64_C(1000000));
        transfer->is_patient = true;
    }
    while (result == RESULT_OK && *size_bytes < room_bytes) {
        size_t got =
            fastcgi_read_some(transfer->fastcgi, data + *size_bytes, room_bytes - *size_bytes);
        if (got == 0) {
            return check_end(transfer, error);
        }
        *size_bytes += got;
        transfer->read_bytes += got;
        result = check_size(transfer, error);
        if (result == RESULT_OK) {
            result = check_time(request, deadline_us, error);
        }
    }
    return result;
}
