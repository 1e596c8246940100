/*
 * A path is held against one pattern after the other, those with the most fixed text first. A
 * pattern is fixed text with captures between; the text at both ends is compared in place, and what
 * stands between two captures is taken where it occurs last. Like that nothing is ever tried twice:
 * the cost is linear in the path, however it is made up.
 */
#include "http/router.h"

#include "base/text.h"
#include "http/path.h"

#include <assert.h>
#include <stdlib.h>

enum { methods_count = 8 };

static const char *const method_names[methods_count] = {"GET",   "HEAD",   "POST",    "PUT",
                                                        "PATCH", "DELETE", "OPTIONS", NULL};

struct http_resource {
    struct slice head;                    /* the fixed text before the first capture */
    struct slice tails[HTTP_CAPTURES_MAX]; /* the fixed text after each capture */
    size_t captures_count;
    size_t fixed_bytes;
    const char *pattern;
    const struct http_route *routes[methods_count]; /* by the number of the method's bit */
    struct buffer allow;
    struct buffer cors;
};

struct http_router {
    size_t count;
    struct http_resource resources[];
};

static size_t method_index(enum http_method method)
{
    return (size_t)__builtin_ctz((unsigned)method);
}

static void parse_pattern(struct http_resource *resource, const char *pattern)
{
    assert(pattern[0] == '/' && strstr(pattern, "//") == NULL);
    resource->pattern = pattern;
    const char *p = pattern;
    for (;;) {
        size_t size = strcspn(p, "{");
        struct slice fixed = slice_of(p, size);
        resource->fixed_bytes += size;
        if (resource->captures_count == 0) {
            resource->head = fixed;
        } else {
            assert(size == 0 || fixed.data[0] == '/');
            resource->tails[resource->captures_count - 1] = fixed;
        }
        p += size;
        if (*p == '\0') {
            return;
        }
        assert(size > 0 && p[-1] == '/' && resource->captures_count < HTTP_CAPTURES_MAX);
        resource->captures_count++;
        p = strchr(p, '}');
        assert(p != NULL);
        p++;
    }
}

static struct http_resource *resource_of(struct http_router *router, const char *pattern)
{
    for (size_t i = 0; i < router->count; i++) {
        if (strcmp(router->resources[i].pattern, pattern) == 0) {
            return &router->resources[i];
        }
    }
    struct http_resource *resource = &router->resources[router->count++];
    parse_pattern(resource, pattern);
    return resource;
}

static void add_route(struct http_router *router, const struct http_route *route)
{
    assert(route->handle != NULL && route->methods != 0);
    assert(((unsigned)route->methods & (HTTP_HEAD | HTTP_OPTIONS | HTTP_OTHER)) == 0);
    struct http_resource *resource = resource_of(router, route->pattern);
    for (size_t i = 0; i < methods_count; i++) {
        if (((unsigned)route->methods & 1U << i) != 0) {
            assert(resource->routes[i] == NULL);
            resource->routes[i] = route;
        }
    }
}

static bool make_texts(struct http_resource *resource)
{
    size_t get = method_index(HTTP_GET);
    resource->routes[method_index(HTTP_HEAD)] = resource->routes[get];
    for (size_t i = 0; i < methods_count; i++) {
        if (resource->routes[i] != NULL) {
            buffer_append_text(&resource->allow, method_names[i]);
            buffer_append_text(&resource->allow, ", ");
        }
    }
    buffer_append_text(&resource->allow, "OPTIONS");
    if (buffer_result(&resource->allow) != RESULT_OK) {
        return false;
    }
    if (strncmp(resource->pattern, "/1/", 3) == 0) {
        buffer_append_format(&resource->cors,
                             "Access-Control-Allow-Origin: *\r\n"
                             "Access-Control-Allow-Methods: %s\r\n"
                             "Access-Control-Max-Age: 21600\r\n"
                             "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
                             "Access-Control-Expose-Headers: X-RateLimit-Remaining, "
                             "X-RateLimit-Limit, X-RateLimit-Reset, X-RateLimit-Reset-In, ETag, "
                             "Age, Cache-Status, Retry-After, X-Request-Id\r\n",
                             resource->allow.data);
    }
    return buffer_result(&resource->cors) == RESULT_OK;
}

static int compare_fixed(const void *left, const void *right)
{
    const struct http_resource *a = left;
    const struct http_resource *b = right;
    if (a->fixed_bytes != b->fixed_bytes) {
        return a->fixed_bytes > b->fixed_bytes ? -1 : 1;
    }
    return strcmp(a->pattern, b->pattern);
}

struct http_router *http_router_create(const struct http_route *routes, size_t count)
{
    struct http_router *router =
        calloc(1, sizeof *router + count * sizeof router->resources[0]);
    if (router == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        add_route(router, &routes[i]);
    }
    for (size_t i = 0; i < router->count; i++) {
        if (!make_texts(&router->resources[i])) {
            http_router_destroy(&router);
            return NULL;
        }
    }
    qsort(router->resources, router->count, sizeof router->resources[0], compare_fixed);
    return router;
}

void http_router_destroy(struct http_router **router)
{
    if (*router == NULL) {
        return;
    }
    for (size_t i = 0; i < (*router)->count; i++) {
        buffer_free(&(*router)->resources[i].allow);
        buffer_free(&(*router)->resources[i].cors);
    }
    free(*router);
    *router = NULL;
}

/* The last byte tells most of them apart without a call. */
static bool stands_at(struct slice path, size_t at, struct slice fixed)
{
    size_t size = fixed.size_bytes;
    return size == 0
           || (path.data[at + size - 1] == fixed.data[size - 1]
               && memcmp(path.data + at, fixed.data, size) == 0);
}

/* Where `fixed` occurs last in path[start, end) with at least a byte on both sides; 0 if it does
 * not. */
static size_t find_last(struct slice path, size_t start, size_t end, struct slice fixed)
{
    if (end - start < fixed.size_bytes + 2) {
        return 0;
    }
    for (size_t at = end - fixed.size_bytes - 1; at > start; at--) {
        if (stands_at(path, at, fixed)) {
            return at;
        }
    }
    return 0;
}

static bool fits(const struct http_resource *resource, struct slice path, struct slice captures[])
{
    size_t count = resource->captures_count;
    if (count == 0) {
        return path.size_bytes == resource->head.size_bytes && stands_at(path, 0, resource->head);
    }
    struct slice tail = resource->tails[count - 1];
    size_t start = resource->head.size_bytes;
    if (path.size_bytes <= start + tail.size_bytes) {
        return false;
    }
    size_t end = path.size_bytes - tail.size_bytes;
    if (!stands_at(path, end, tail) || !stands_at(path, 0, resource->head)) {
        return false;
    }
    for (size_t i = count - 1; i > 0; i--) {
        struct slice between = resource->tails[i - 1];
        size_t at = find_last(path, start, end, between);
        if (at == 0) {
            return false;
        }
        size_t from = at + between.size_bytes;
        captures[i] = slice_of(path.data + from, end - from);
        end = at;
    }
    captures[0] = slice_of(path.data + start, end - start);
    return true;
}

const struct http_resource *http_router_find(const struct http_router *router, struct slice path,
                                             struct slice captures[HTTP_CAPTURES_MAX])
{
    for (size_t i = 0; i < router->count; i++) {
        if (fits(&router->resources[i], path, captures)) {
            return &router->resources[i];
        }
    }
    return NULL;
}

const struct http_route *http_resource_route(const struct http_resource *resource,
                                             enum http_method method)
{
    return resource->routes[method_index(method)];
}

const char *http_resource_allow(const struct http_resource *resource)
{
    return resource->allow.data;
}

struct slice http_resource_cors(const struct http_resource *resource)
{
    return buffer_slice(&resource->cors);
}

/* Nearly every name is: then there is nothing to decode, and nothing to check. */
static bool is_plain(struct slice capture)
{
    for (size_t i = 0; i < capture.size_bytes; i++) {
        unsigned char c = (unsigned char)capture.data[i];
        if (c == '%' || c >= 0x80 || c == '\0') {
            return false;
        }
    }
    return true;
}

bool http_resource_decode(const struct http_resource *resource, struct arena *arena,
                          struct slice captures[HTTP_CAPTURES_MAX])
{
    for (size_t i = 0; i < resource->captures_count; i++) {
        if (is_plain(captures[i])) {
            continue;
        }
        captures[i] = http_path_decode(arena, captures[i], false);
        if (memchr(captures[i].data, '\0', captures[i].size_bytes) != NULL
            || !text_is_utf8(captures[i])) {
            return false;
        }
    }
    return true;
}
