#include "http/dispatch.h"
#include "http/path.h"
#include "http/response.h"
#include "http/router.h"
#include "unit.h"

#include <stdio.h>

static struct arena *arena;
static struct http_router *router;

static bool is_canonical(enum http_method method, const char *raw, const char *expected)
{
    return slice_is(http_path_canonical(arena, method, slice_text(raw)), expected);
}

static void strips_what_clients_add(void)
{
    static const char *const same[][2] = {
        {"/1/user/rob/listens", "/1/user/rob/listens"},
        {"/1/user/rob/listens/", "/1/user/rob/listens"},
        {"//1///user//rob/listens//", "/1/user/rob/listens"},
        {"/apis/listenbrainz/1/validate-token", "/1/validate-token"},
        {"/apis//listenbrainz//1/validate-token", "/1/validate-token"},
        {"/1/1/submit-listens", "/1/submit-listens"},
        {"/1/1/1/submit-listens/", "/1/submit-listens"},
        {"/apis/listenbrainz/1/1/submit-listens", "/1/submit-listens"},
        {"/apis/listenbrainzer/1", "/apis/listenbrainzer/1"},
        {"/1/10/x", "/1/10/x"},
        {"/1/user/a%2Fb%2f/listens", "/1/user/a%2Fb%2f/listens"},
        {"/apis/web/v1/stats", "/apis/web/v1/stats"},
        {"/apis/listenbrainz", "/"},
        {"/1/1", "/1"},
        {"/1/", "/1"},
        {"//", "/"},
        {"/", "/"},
        {"", "/"},
        {"*", "*"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        CU_ASSERT_TRUE(is_canonical(HTTP_GET, same[i][0], same[i][1]));
    }
}

static void takes_a_post_to_the_root_for_a_submission(void)
{
    static const char *const roots[] = {"/", "/1", "/1/", "//1//", "", "/apis/listenbrainz/1/",
                                        "/apis/listenbrainz", "/1/1"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        CU_ASSERT_TRUE(is_canonical(HTTP_POST, roots[i], "/1/submit-listens"));
        CU_ASSERT_TRUE(is_canonical(HTTP_OPTIONS, roots[i], "/1/submit-listens"));
        CU_ASSERT_FALSE(is_canonical(HTTP_GET, roots[i], "/1/submit-listens"));
    }
}

static bool decodes_to(const char *raw, bool plus, const char *expected, size_t size)
{
    return slice_equal(http_path_decode(arena, slice_text(raw), plus), slice_of(expected, size));
}

static void decodes_percent(void)
{
    CU_ASSERT_TRUE(decodes_to("plain", true, "plain", 5));
    CU_ASSERT_TRUE(decodes_to("", true, "", 0));
    CU_ASSERT_TRUE(decodes_to("a%20b+c", false, "a b+c", 5));
    CU_ASSERT_TRUE(decodes_to("a%20b+c", true, "a b c", 5));
    CU_ASSERT_TRUE(decodes_to("%c3%A9%2f", false, "\xc3\xa9/", 3));
    CU_ASSERT_TRUE(decodes_to("a%00b", false, "a\0b", 3));
    CU_ASSERT_TRUE(decodes_to("100%", false, "100%", 4));
    CU_ASSERT_TRUE(decodes_to("%4", false, "%4", 2));
    CU_ASSERT_TRUE(decodes_to("%zz%41%4", false, "%zzA%4", 6));
    CU_ASSERT_TRUE(decodes_to("%%41", false, "%A", 2));
}

static void answer(void *context, const struct http_request *request,
                   struct http_response *response)
{
    (void)context;
    buffer_append_text(&response->body, request->route->detail);
}

static const struct http_route routes[] = {
    /* The general ones first: the order must not matter. */
    {HTTP_DELETE, "/1/user/{name}", answer, "delete-user"},
    {HTTP_GET, "/1/cf/user/{name}/{type}", answer, "cf"},
    {HTTP_GET, "/1/user/{name}/listens", answer, "listens"},
    {HTTP_GET, "/1/user/{name}/top/{kind}", answer, "top"},
    {HTTP_GET, "/1/user/{name}/top/artists", answer, "top-artists"},
    {HTTP_GET, "/1/user/{name}/playlists/{id}/track/{at}", answer, "track"},
    {HTTP_POST, "/1/submit-listens", answer, "submit"},
    {HTTP_GET | HTTP_POST, "/1/latest-import", answer, "import"},
    {HTTP_DELETE, "/1/latest-import", answer, "import-delete"},
    {HTTP_GET, "/healthz", answer, "health"},
    {HTTP_GET, "/", answer, "root"},
};

/* The route that serves a GET, as "detail capture capture…", or the status where none does. */
static const char *routed(enum http_method method, const char *path)
{
    static char text[400];
    struct http_request request = {
        .arena = arena,
        .method = method,
        .path = http_path_canonical(arena, method, slice_text(path)),
    };
    if (http_dispatch_find(router, &request) == NULL) {
        return "404";
    }
    if (request.route == NULL) {
        return "405";
    }
    snprintf(text, sizeof text, "%s", (const char *)request.route->detail);
    for (size_t i = 0; i < HTTP_CAPTURES_MAX && request.captures[i].data != NULL; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, " [%.*s]", SLICE_ARGS(request.captures[i]));
    }
    return text;
}

static void finds_the_row(void)
{
    static const char *const expected[][2] = {
        {"/1/user/rob/listens", "listens [rob]"},
        {"/1/user/rob%20x/listens", "listens [rob x]"},
        {"/1/user/a%2Fb/listens", "listens [a/b]"},
        {"/1/user/a/b/listens", "listens [a/b]"},
        {"/1/user/listens/listens", "listens [listens]"},
        {"/1/user/rob/listens/listens", "listens [rob/listens]"},
        {"/1/user/%C3%BC+%22/listens", "listens [\xc3\xbc+\"]"},
        {"/1/user/\xc3\xbc/listens", "listens [\xc3\xbc]"},
        {"/1/user/rob/top/artists", "top-artists [rob]"},
        {"/1/user/rob/top/genres", "top [rob] [genres]"},
        {"/1/user/rob/top/top/top/genres", "top [rob/top/top] [genres]"},
        {"/1/user/a/b/playlists/7/track/3", "track [a/b] [7] [3]"},
        {"/1/user/a/playlists/b/playlists/7/track/track/3", "track [a/playlists/b] [7/track] [3]"},
        {"/1/cf/user/a/b/raw", "cf [a/b] [raw]"},
        {"/1/latest-import", "import"},
        {"/healthz", "health"},
        {"/", "root"},
        {"/1", "404"},
        {"/1/", "404"},
        {"/1/user", "404"},
        {"/1/user/", "404"},
        {"/1/user/listens", "405"},
        {"/1/user/rob", "405"},
        {"/1/user//listens", "405"},
        {"/1/cf/user/raw", "404"},
        {"/1/user/rob/playlists/7/track", "405"},
        {"/1/USER/rob/listens", "404"},
        {"/1/us%65r/rob/listens", "404"},
        {"/1/nothing", "404"},
        {"/1/latest-importx", "404"},
        {"/apis/web/v1/stats", "404"},
        {"/1/user/a%00b/listens", "404"},
        {"/1/user/%ff/listens", "404"},
        {"/1/user/\xff/listens", "404"},
        {"/1/user/%ED%A0%80/listens", "404"},
        {"/1/user/50%/listens", "listens [50%]"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const char *found = routed(HTTP_GET, expected[i][0]);
        if (strcmp(found, expected[i][1]) != 0) {
            printf("# %s: %s, not %s\n", expected[i][0], found, expected[i][1]);
        }
        CU_ASSERT_STRING_EQUAL(found, expected[i][1]);
    }
}

static void tells_methods_apart(void)
{
    CU_ASSERT_STRING_EQUAL(routed(HTTP_HEAD, "/1/user/rob/listens"), "listens [rob]");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_DELETE, "/1/latest-import"), "import-delete");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_POST, "/1/latest-import"), "import");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_HEAD, "/1/latest-import"), "import");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_POST, "/"), "submit");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_GET, "/1/submit-listens"), "405");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_HEAD, "/1/submit-listens"), "405");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_OTHER, "/1/latest-import"), "405");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_PUT, "/1/latest-import"), "405");
    /* The name "rob/listens" must not be deleted by who mistook the method. */
    CU_ASSERT_STRING_EQUAL(routed(HTTP_DELETE, "/1/user/rob/listens"), "405");
    CU_ASSERT_STRING_EQUAL(routed(HTTP_DELETE, "/1/user/rob/b"), "delete-user [rob/b]");
}

static void long_paths_cost_little(void)
{
    enum { segments = 20000 };
    struct buffer path = BUFFER_EMPTY;
    buffer_append_text(&path, "/1/user");
    for (int i = 0; i < segments; i++) {
        buffer_append_text(&path, "/playlists/track");
    }
    struct slice captures[HTTP_CAPTURES_MAX];
    CU_ASSERT_PTR_NOT_NULL(http_router_find(router, buffer_slice(&path), captures));
    buffer_free(&path);
}

/* The answer to a request, head and body. */
static const char *answered(enum http_method method, const char *path)
{
    static char text[2000];
    struct http_request request = {
        .arena = arena,
        .method = method,
        .path = http_path_canonical(arena, method, slice_text(path)),
    };
    struct http_response response = {.status = 200};
    struct buffer head = BUFFER_EMPTY;
    const struct http_resource *resource = http_dispatch_find(router, &request);
    http_dispatch_answer(resource, NULL, &request, &response);
    struct slice pieces[HTTP_PIECES_MAX];
    size_t count = http_response_finish(&response, method, http_dispatch_cors(resource),
                                        &head, pieces);
    struct slice body = count > 1 ? pieces[1] : slice_of("", 0);
    snprintf(text, sizeof text, "%s%.*s", head.data, SLICE_ARGS(body));
    buffer_free(&head);
    http_response_free(&response);
    return text;
}

#define EXPOSED \
    "Access-Control-Expose-Headers: X-RateLimit-Remaining, X-RateLimit-Limit, " \
    "X-RateLimit-Reset, X-RateLimit-Reset-In, ETag, Age, Cache-Status, Retry-After, " \
    "X-Request-Id\r\n"
#define CORS(methods) \
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: " methods "\r\n" \
    "Access-Control-Max-Age: 21600\r\n" \
    "Access-Control-Allow-Headers: Authorization, Content-Type\r\n" EXPOSED

static void answers_options_without_a_handler(void)
{
    CU_ASSERT_STRING_EQUAL(answered(HTTP_OPTIONS, "/1/latest-import"),
                           "Status: 200 OK\r\nContent-Length: 0\r\n"
                           "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n"
                           "Cache-Control: private, no-cache\r\n" CORS(
                               "GET, HEAD, POST, DELETE, OPTIONS") "\r\n");
    CU_ASSERT_STRING_EQUAL(answered(HTTP_OPTIONS, "/"),
                           "Status: 200 OK\r\nContent-Length: 0\r\nAllow: POST, OPTIONS\r\n"
                           "Cache-Control: private, no-cache\r\n" CORS("POST, OPTIONS") "\r\n");
}

static void answers_unknown_paths(void)
{
    CU_ASSERT_STRING_EQUAL(
        answered(HTTP_GET, "/1/no\"thing"),
        "Status: 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 66\r\n"
        "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
        "{\"code\":404,\"error\":\"There is nothing at the path /1/no\\\"thing.\"}\n");
    CU_ASSERT_STRING_EQUAL(
        answered(HTTP_OPTIONS, "/x"),
        "Status: 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 56\r\n"
        "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
        "{\"code\":404,\"error\":\"There is nothing at the path /x.\"}\n");
}

static void answers_wrong_methods(void)
{
    const char *text = answered(HTTP_PUT, "/1/submit-listens");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Status: 405 Method Not Allowed\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\nAllow: POST, OPTIONS\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, CORS("POST, OPTIONS")));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "{\"code\":405,\"error\":\"This method is not allowed here, but these are: POST, "
              "OPTIONS.\"}\n"));
}

static void answers_head_like_get_without_the_body(void)
{
    CU_ASSERT_STRING_EQUAL(answered(HTTP_GET, "/healthz"),
                           "Status: 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: 6\r\nCache-Control: private, no-cache\r\n\r\nhealth");
    CU_ASSERT_STRING_EQUAL(answered(HTTP_HEAD, "/healthz"),
                           "Status: 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: 6\r\nCache-Control: private, no-cache\r\n\r\n");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(strips_what_clients_add),
        UNIT_TEST(takes_a_post_to_the_root_for_a_submission),
        UNIT_TEST(decodes_percent),
        UNIT_TEST(finds_the_row),
        UNIT_TEST(tells_methods_apart),
        UNIT_TEST(long_paths_cost_little),
        UNIT_TEST(answers_options_without_a_handler),
        UNIT_TEST(answers_unknown_paths),
        UNIT_TEST(answers_wrong_methods),
        UNIT_TEST(answers_head_like_get_without_the_body),
    };
    arena = arena_create();
    router = http_router_create(routes, sizeof routes / sizeof *routes);
    int status = unit_run("http routes", tests, sizeof tests / sizeof *tests);
    http_router_destroy(&router);
    arena_destroy(&arena);
    return status;
}
