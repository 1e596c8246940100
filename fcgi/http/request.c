#include "http/request.h"

#include "base/text.h"
#include "http/path.h"

/* What is read before it becomes part of a request. */
struct parameters {
    struct slice method;
    struct slice uri;
    struct slice query;
    struct slice content_length;
    struct slice content_type;
    struct slice authorization;
    struct slice cookie;
    struct slice if_none_match;
    struct slice accept_encoding;
    struct slice peer;
    struct slice request_id;
};

/* By the length of their names, which tells most of them apart. */
enum { name_bytes_max = 20, same_length_max = 3 };
#define MEMBER(name) offsetof(struct parameters, name)
static const struct {
    const char *name;
    size_t offset;
} names[name_bytes_max + 1][same_length_max] = {
    [11] = {{"REQUEST_URI", MEMBER(uri)},
            {"REMOTE_ADDR", MEMBER(peer)},
            {"HTTP_COOKIE", MEMBER(cookie)}},
    [12] = {{"QUERY_STRING", MEMBER(query)}, {"CONTENT_TYPE", MEMBER(content_type)}},
    [14] = {{"REQUEST_METHOD", MEMBER(method)}, {"CONTENT_LENGTH", MEMBER(content_length)}},
    [17] = {{"HTTP_X_REQUEST_ID", MEMBER(request_id)}},
    [18] = {{"HTTP_AUTHORIZATION", MEMBER(authorization)},
            {"HTTP_IF_NONE_MATCH", MEMBER(if_none_match)}},
    [20] = {{"HTTP_ACCEPT_ENCODING", MEMBER(accept_encoding)}},
};

/* Where the value of a parameter belongs; NULL for one that nobody needs. */
static struct slice *find_member(struct parameters *found, struct slice name)
{
    size_t size = name.size_bytes;
    if (size > name_bytes_max) {
        return NULL;
    }
    for (size_t i = 0; i < same_length_max && names[size][i].name != NULL; i++) {
        if (memcmp(names[size][i].name, name.data, size) == 0) {
            return (struct slice *)((char *)found + names[size][i].offset);
        }
    }
    return NULL;
}

static struct parameters collect(char *const *list)
{
    struct parameters found = {0};
    for (; *list != NULL; list++) {
        const char *end = strchr(*list, '=');
        struct slice *member =
            end == NULL ? NULL : find_member(&found, slice_of(*list, (size_t)(end - *list)));
        if (member != NULL) {
            *member = slice_text(end + 1);
        }
    }
    return found;
}

static enum http_method parse_method(struct slice name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET},         {"POST", HTTP_POST},   {"HEAD", HTTP_HEAD},
        {"OPTIONS", HTTP_OPTIONS}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE},
        {"PUT", HTTP_PUT},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (slice_is(name, methods[i].name)) {
            return methods[i].method;
        }
    }
    return HTTP_OTHER;
}

/* An id that somebody made up to fill the logs is not worth having. */
static bool is_sane_id(struct slice id)
{
    enum { most_bytes = 128 };
    return id.size_bytes <= most_bytes && text_is_plain(id);
}

static bool parse_size(struct slice text, int64_t *size_bytes)
{
    *size_bytes = -1;
    return text.size_bytes == 0 || (text_parse_int(text, size_bytes) && *size_bytes >= 0);
}

enum result http_request_read(struct http_request *request, struct arena *arena,
                              char *const *parameters, int64_t *content_length_bytes,
                              struct error *error)
{
    struct parameters found = collect(parameters);
    struct slice path = found.uri;
    const char *mark = path.size_bytes > 0 ? memchr(path.data, '?', path.size_bytes) : NULL;
    if (mark != NULL) {
        path.size_bytes = (size_t)(mark - path.data);
        if (found.query.data == NULL) {
            found.query = slice_of(mark + 1, found.uri.size_bytes - path.size_bytes - 1);
        }
    }
    enum http_method method = parse_method(found.method);
    *request = (struct http_request){
        .arena = arena,
        .method = method,
        .path = http_path_canonical(arena, method, path),
        .query = found.query,
        .content_type = found.content_type,
        .authorization = found.authorization,
        .cookie = found.cookie,
        .if_none_match = found.if_none_match,
        .accept_encoding = found.accept_encoding,
        .peer = found.peer,
        .request_id = is_sane_id(found.request_id) ? found.request_id : slice_text(""),
    };
    if (found.method.size_bytes == 0 || found.uri.size_bytes == 0) {
        return error_set(error, RESULT_INVALID, "http",
                         "The web server passes no REQUEST_METHOD or no REQUEST_URI.");
    }
    if (!parse_size(found.content_length, content_length_bytes)) {
        return error_set(error, RESULT_INVALID, "http",
                         "Content-Length must be a whole number of bytes.");
    }
    return RESULT_OK;
}

/* Cuts `rest` at the first `separator` and returns what stands before it. */
static struct slice take_until(struct slice *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->size_bytes);
    struct slice taken = *rest;
    if (end == NULL) {
        *rest = slice_of(rest->data + rest->size_bytes, 0);
        return taken;
    }
    taken.size_bytes = (size_t)(end - rest->data);
    *rest = slice_of(end + 1, rest->size_bytes - taken.size_bytes - 1);
    return taken;
}

/* Whether `raw` stands for `name`. No escape is shorter than what it stands for. */
static bool is_key(struct arena *arena, struct slice raw, struct slice name)
{
    return slice_equal(raw, name)
           || (raw.size_bytes >= name.size_bytes
               && slice_equal(http_path_decode(arena, raw, true), name));
}

/* Most keys are told apart by their first byte. */
static bool may_be_key(char first, const char *name)
{
    return first == name[0] || first == '%';
}

static bool take_value(struct arena *arena, struct slice pair, const char *name,
                       struct slice *value)
{
    const char *mark = memchr(pair.data, '=', pair.size_bytes);
    size_t key_size = mark == NULL ? pair.size_bytes : (size_t)(mark - pair.data);
    size_t start = key_size + (mark != NULL);
    if (!is_key(arena, slice_of(pair.data, key_size), slice_text(name))) {
        return false;
    }
    *value = http_path_decode(arena, slice_of(pair.data + start, pair.size_bytes - start), true);
    return true;
}

bool http_query(const struct http_request *request, const char *name, struct slice *value)
{
    const char *at = request->query.data;
    const char *end = at + request->query.size_bytes;
    while (at < end) {
        const char *mark = memchr(at, '&', (size_t)(end - at));
        const char *pair_end = mark == NULL ? end : mark;
        if (may_be_key(*at, name)
            && take_value(request->arena, slice_of(at, (size_t)(pair_end - at)), name, value)) {
            return true;
        }
        at = pair_end + 1;
    }
    return false;
}

struct slice http_shown(const struct http_request *request, struct slice value)
{
    static const char escape[] = "\\u0000";
    enum { escape_bytes = sizeof escape - 1 };
    if (value.size_bytes == 0 || memchr(value.data, '\0', value.size_bytes) == NULL) {
        return value;
    }
    char *shown = arena_alloc(request->arena, value.size_bytes * escape_bytes);
    size_t size = 0;
    for (size_t i = 0; i < value.size_bytes && shown != NULL; i++) {
        bool is_nul = value.data[i] == '\0';
        memcpy(shown + size, is_nul ? escape : value.data + i, is_nul ? escape_bytes : 1);
        size += is_nul ? escape_bytes : 1;
    }
    return shown == NULL ? value : slice_of(shown, size);
}

bool http_authorization(const struct http_request *request, struct slice *scheme,
                        struct slice *secret)
{
    struct slice rest = request->authorization;
    if (rest.size_bytes == 0 || memchr(rest.data, ' ', rest.size_bytes) == NULL) {
        return false;
    }
    *scheme = take_until(&rest, ' ');
    *secret = rest.size_bytes > 0 ? take_until(&rest, ' ') : rest;
    return true;
}

static struct slice without_weak_mark(struct slice tag)
{
    bool weak = tag.size_bytes > 2 && tag.data[0] == 'W' && tag.data[1] == '/';
    return weak ? slice_of(tag.data + 2, tag.size_bytes - 2) : tag;
}

/* The next entity tag of a list, quotes included (a comma may stand inside); empty at its end and
 * where the list is broken. */
static struct slice take_tag(struct slice *rest)
{
    size_t start = 0;
    while (start < rest->size_bytes && strchr(" \t,", rest->data[start]) != NULL) {
        start++;
    }
    struct slice tag = slice_of(rest->data + start, rest->size_bytes - start);
    struct slice quoted = without_weak_mark(tag);
    const char *end = quoted.size_bytes > 1 && quoted.data[0] == '"'
                          ? memchr(quoted.data + 1, '"', quoted.size_bytes - 1)
                          : NULL;
    tag.size_bytes = end == NULL ? 0 : (size_t)(end + 1 - tag.data);
    *rest = slice_of(tag.data + tag.size_bytes, rest->size_bytes - start - tag.size_bytes);
    return tag;
}

bool http_etag_matches(const struct http_request *request, const char *etag)
{
    struct slice rest = request->if_none_match;
    if (rest.size_bytes == 0) {
        return false;
    }
    if (slice_is(text_trim(rest), "*")) {
        return true;
    }
    struct slice ours = without_weak_mark(slice_text(etag));
    for (;;) {
        struct slice tag = take_tag(&rest);
        if (tag.size_bytes == 0) {
            return false;
        }
        if (slice_equal(without_weak_mark(tag), ours)) {
            return true;
        }
    }
}
