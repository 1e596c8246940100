/*
 * Whether nginx compresses an answer, which its entity tag has to tell: a tag names one sequence of
 * bytes (RFC 9110, 8.8.3). So this is no reading of Accept-Encoding of our own, but nginx' one, with
 * all its strictness ("*" and "x-gzip" don't count), and holds for the gzip directives of
 * nginx/refrain.conf.in: the least length, and application/json among the types. Of a client of
 * HTTP/1.0, which gets nothing compressed, nginx passes no Accept-Encoding on; proxies make no
 * difference. Compare ngx_http_gzip_accept_encoding() in nginx' src/http/ngx_http_core_module.c and
 * the conditions of ngx_http_gzip_header_filter().
 */
#include "http/http.h"

#include <strings.h>

enum { gzip_min_length = 1024 };

static struct slice after(struct slice text, size_t size_bytes)
{
    return slice_of(text.data + size_bytes, text.size_bytes - size_bytes);
}

/* What follows the first "gzip" that begins the text, or stands behind a comma or a blank. */
static bool find_gzip(struct slice text, struct slice *rest)
{
    for (size_t i = 0; i + 4 <= text.size_bytes; i++) {
        bool begins = i == 0 || text.data[i - 1] == ',' || text.data[i - 1] == ' ';
        if (begins && strncasecmp(text.data + i, "gzip", 4) == 0) {
            *rest = after(text, i + 4);
            return true;
        }
    }
    return false;
}

static struct slice without_blanks(struct slice text)
{
    while (text.size_bytes > 0 && text.data[0] == ' ') {
        text = after(text, 1);
    }
    return text;
}

/* True for a number from above 0 to 1, of up to three decimals, that ends with the text, a comma or
 * a blank. */
static bool is_positive_quality(struct slice text)
{
    if (text.size_bytes == 0 || (text.data[0] != '0' && text.data[0] != '1')) {
        return false;
    }
    int sum = text.data[0] == '1' ? 100 : 0;
    if (text.size_bytes == 1 || text.data[1] == ',' || text.data[1] == ' ') {
        return sum > 0;
    }
    if (text.data[1] != '.') {
        return false;
    }
    /* nginx adds the digits up: all that matters is whether there is one, and none beyond 1. */
    size_t i = 2;
    for (; i < text.size_bytes && text.data[i] != ',' && text.data[i] != ' '; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        sum += text.data[i] - '0';
    }
    return i - 2 <= 3 && sum > 0 && sum <= 100;
}

static bool accepts_gzip(struct slice accepted)
{
    static const char common[] = "gzip,"; /* what browsers send begins so */
    if (accepted.size_bytes >= sizeof common - 1
        && memcmp(accepted.data, common, sizeof common - 1) == 0) {
        return true;
    }
    struct slice rest;
    if (!find_gzip(accepted, &rest)) {
        return false;
    }
    rest = without_blanks(rest);
    if (rest.size_bytes == 0 || rest.data[0] == ',') {
        return true;
    }
    if (rest.data[0] != ';') {
        return false;
    }
    rest = without_blanks(after(rest, 1));
    if (rest.size_bytes == 0) {
        return true;
    }
    return rest.size_bytes > 2 && (rest.data[0] | 0x20) == 'q' && rest.data[1] == '='
           && is_positive_quality(after(rest, 2));
}

bool http_is_compressed(const struct http_request *request, const struct http_response *response)
{
    int status = response->status;
    return (status == 200 || status == 403 || status == 404)
           && http_body_size(response) >= gzip_min_length
           && accepts_gzip(request->accept_encoding);
}
