#include "redis/conn.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { default_port = 6379 };

void kv_address_free(struct kv_address *address)
{
    free(address->path);
    free(address->host);
    free(address->user);
    free(address->password);
    *address = (struct kv_address){0};
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    int digit = at != NULL ? (int)(at - digits) : -1;
    return digit < 16 ? digit : digit - 6;
}

/* Without percent signs; NULL where one is not followed by two digits. */
static char *decode(const char *text, size_t size_bytes)
{
    char *decoded = strndup(text, size_bytes);
    char *end = decoded;
    for (const char *at = decoded; at != NULL && *at != '\0'; at++) {
        if (*at == '%') {
            int high = hex_digit(at[1]);
            int low = high < 0 ? -1 : hex_digit(at[2]);
            if (low < 0 || high + low == 0) {
                free(decoded);
                return NULL;
            }
            *end++ = (char)(high * 16 + low);
            at += 2;
        } else {
            *end++ = *at;
        }
    }
    if (end != NULL) {
        *end = '\0';
    }
    return decoded;
}

/* Everything after the last '@' is the host, so a password may hold one. */
static bool split_credentials(struct kv_address *address, const char **rest)
{
    const char *at = strrchr(*rest, '@');
    if (at == NULL) {
        return true;
    }
    const char *colon = memchr(*rest, ':', (size_t)(at - *rest));
    if (colon == NULL) {
        return false;
    }
    if (colon > *rest) {
        address->user = decode(*rest, (size_t)(colon - *rest));
    }
    address->password = decode(colon + 1, (size_t)(at - colon - 1));
    bool has_user = colon == *rest || address->user != NULL;
    *rest = at + 1;
    return has_user && address->password != NULL;
}

static bool parse_host(struct kv_address *address, const char *rest)
{
    size_t host_size = strcspn(rest, ":/");
    address->host = strndup(rest, host_size);
    address->port = default_port;
    rest += host_size;
    if (*rest == ':') {
        size_t digits = strcspn(rest + 1, "/");
        int64_t port;
        if (!text_parse_int(slice_of(rest + 1, digits), &port) || port < 1 || port > 65535) {
            return false;
        }
        address->port = (int)port;
        rest += 1 + digits;
    }
    return host_size > 0 && address->host != NULL
           && (*rest == '\0' || strcmp(rest, "/") == 0 || strcmp(rest, "/0") == 0);
}

enum result kv_address_parse(const char *url, struct kv_address *address, struct error *error)
{
    static const char unix_scheme[] = "unix://";
    static const char host_scheme[] = "redis://";
    *address = (struct kv_address){0};
    bool fits = false;
    if (strncmp(url, unix_scheme, sizeof unix_scheme - 1) == 0) {
        address->path = strdup(url + sizeof unix_scheme - 1);
        fits = address->path != NULL && address->path[0] == '/';
    } else if (strncmp(url, host_scheme, sizeof host_scheme - 1) == 0) {
        const char *rest = url + sizeof host_scheme - 1;
        fits = split_credentials(address, &rest) && parse_host(address, rest);
    }
    if (fits) {
        return RESULT_OK;
    }
    kv_address_free(address);
    /* The URL itself may hold a password, so it is not repeated. */
    return error_set(error, RESULT_INVALID, "redis",
                     "redis.url must be unix:///PATH or redis://[USER:PASSWORD@]HOST[:PORT] "
                     "(one Redis, no TLS, database 0)");
}
