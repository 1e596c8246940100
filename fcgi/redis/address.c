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
        address->user = strndup(*rest, (size_t)(colon - *rest));
    }
    address->password = strndup(colon + 1, (size_t)(at - colon - 1));
    *rest = at + 1;
    return address->password != NULL;
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
