#include "http/http.h"
#include "http/request.h"
#include "http/response.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct arena *arena;

/* Query parameters */

static const char *query_value(const char *query, const char *name)
{
    struct http_request request = {.arena = arena, .query = slice_text(query)};
    struct slice value;
    return http_query(&request, name, &value) ? arena_copy(arena, value) : "(absent)";
}

static void finds_query_parameters(void)
{
    CU_ASSERT_STRING_EQUAL(query_value("count=5&offset=10", "count"), "5");
    CU_ASSERT_STRING_EQUAL(query_value("count=5&offset=10", "offset"), "10");
    CU_ASSERT_STRING_EQUAL(query_value("count=5&offset=10", "off"), "(absent)");
    CU_ASSERT_STRING_EQUAL(query_value("", "count"), "(absent)");
    CU_ASSERT_STRING_EQUAL(query_value("&&=&", "count"), "(absent)");
    CU_ASSERT_STRING_EQUAL(query_value("count", "count"), "");
    CU_ASSERT_STRING_EQUAL(query_value("count=", "count"), "");
    CU_ASSERT_STRING_EQUAL(query_value("x&count=a=b", "count"), "a=b");
    CU_ASSERT_STRING_EQUAL(query_value("count=1&count=2", "count"), "1");
    CU_ASSERT_STRING_EQUAL(query_value("Count=1", "count"), "(absent)");
    CU_ASSERT_STRING_EQUAL(query_value("max%5Fts=7", "max_ts"), "7");
    CU_ASSERT_STRING_EQUAL(query_value("q=a+b%2Bc%26d", "q"), "a b+c&d");
    CU_ASSERT_STRING_EQUAL(query_value("q=%zz%", "q"), "%zz%");
}

static void has_no_query_without_one(void)
{
    struct http_request request = {.arena = arena};
    struct slice value;
    CU_ASSERT_FALSE(http_query(&request, "count", &value));
}

/* Authorization */

static void splits_authorization(void)
{
    static const char *const cases[][3] = {
        {"Token abc", "Token", "abc"},    {"bearer abc", "bearer", "abc"},
        {"Token  abc", "Token", ""},      {"Token abc def", "Token", "abc"},
        {"Token ", "Token", ""},          {" abc", "", "abc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_request request = {.authorization = slice_text(cases[i][0])};
        struct slice scheme;
        struct slice secret;
        CU_ASSERT_TRUE_FATAL(http_authorization(&request, &scheme, &secret));
        CU_ASSERT_TRUE(slice_is(scheme, cases[i][1]));
        CU_ASSERT_TRUE(slice_is(secret, cases[i][2]));
    }
    struct http_request request = {0};
    struct slice unused;
    CU_ASSERT_FALSE(http_authorization(&request, &unused, &unused));
    request.authorization = slice_text("Token");
    CU_ASSERT_FALSE(http_authorization(&request, &unused, &unused));
}

/* Entity tags */

static bool matches(const char *header, const char *etag)
{
    struct http_request request = {.if_none_match = slice_text(header)};
    return http_etag_matches(&request, etag);
}

static void compares_entity_tags_weakly(void)
{
    CU_ASSERT_TRUE(matches("\"a\"", "\"a\""));
    CU_ASSERT_TRUE(matches("W/\"a\"", "\"a\""));
    CU_ASSERT_TRUE(matches("\"a\"", "W/\"a\""));
    CU_ASSERT_TRUE(matches("\"b\", W/\"a,b\" ,\"c\"", "\"a,b\""));
    CU_ASSERT_TRUE(matches("\"b\",\"c\"", "\"c\""));
    CU_ASSERT_TRUE(matches(" * ", "\"a\""));
    CU_ASSERT_TRUE(matches(", ,\"a\"", "\"a\""));
    CU_ASSERT_FALSE(matches("\"ab\"", "\"a\""));
    CU_ASSERT_FALSE(matches("a", "\"a\""));
    CU_ASSERT_FALSE(matches("\"a", "\"a\""));
    CU_ASSERT_FALSE(matches("\"", "\"a\""));
    CU_ASSERT_FALSE(matches("W/", "\"a\""));
    CU_ASSERT_FALSE(matches("", "\"a\""));
    CU_ASSERT_FALSE(matches("\"b\" x \"a\"", "\"a\""));
    struct http_request request = {0};
    CU_ASSERT_FALSE(http_etag_matches(&request, "\"a\""));
}

/* Reading a request */

static void reads_parameters(void)
{
    char *const parameters[] = {
        (char[]){"FCGI_ROLE=RESPONDER"},
        (char[]){"REQUEST_METHOD=PATCH"},
        (char[]){"REQUEST_URI=/apis/listenbrainz//1/user/a%2Fb/listens/?count=3&x=?"},
        (char[]){"QUERY_STRING=count=3&x=?"},
        (char[]){"CONTENT_LENGTH=12"},
        (char[]){"HTTP_AUTHORIZATION=Token x"},
        (char[]){"HTTP_COOKIE=a=b"},
        (char[]){"HTTP_IF_NONE_MATCH=\"e\""},
        (char[]){"HTTP_X_REQUEST_ID=0af3-7.x"},
        (char[]){"REMOTE_ADDR=192.0.2.7"},
        NULL,
    };
    struct http_request request;
    struct error error;
    size_t length = 0;
    CU_ASSERT_EQUAL_FATAL(http_request_read(&request, arena, parameters, &length, &error),
                          RESULT_OK);
    CU_ASSERT_EQUAL(request.method, HTTP_PATCH);
    CU_ASSERT_TRUE(slice_is(request.path, "/1/user/a%2Fb/listens"));
    CU_ASSERT_TRUE(slice_is(request.query, "count=3&x=?"));
    CU_ASSERT_TRUE(slice_is(request.authorization, "Token x"));
    CU_ASSERT_TRUE(slice_is(request.cookie, "a=b"));
    CU_ASSERT_TRUE(slice_is(request.if_none_match, "\"e\""));
    CU_ASSERT_TRUE(slice_is(request.request_id, "0af3-7.x"));
    CU_ASSERT_TRUE(slice_is(request.peer, "192.0.2.7"));
    CU_ASSERT_EQUAL(length, 12);
    CU_ASSERT_PTR_NULL(request.route);
}

static enum result read_two(const char *first, const char *second, struct http_request *request)
{
    char *const parameters[] = {arena_copy(arena, slice_text(first)),
                                arena_copy(arena, slice_text(second)),
                                (char[]){"REQUEST_METHOD=GET"}, NULL};
    struct error error;
    size_t length = 0;
    return http_request_read(request, arena, parameters, &length, &error);
}

static void refuses_what_is_no_request(void)
{
    struct http_request request;
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/", "CONTENT_LENGTH=", &request), RESULT_OK);
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/", "CONTENT_LENGTH=-1", &request), RESULT_INVALID);
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/", "CONTENT_LENGTH=1x", &request), RESULT_INVALID);
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/", "CONTENT_LENGTH=99999999999999999999", &request),
                    RESULT_INVALID);
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=", "CONTENT_LENGTH=", &request), RESULT_INVALID);
    CU_ASSERT_EQUAL(read_two("X=", "Y=", &request), RESULT_INVALID);
    CU_ASSERT_TRUE(slice_is(request.path, "/"));
}

static void takes_query_from_the_address_and_drops_mad_ids(void)
{
    struct http_request request;
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/1/x?a=b", "HTTP_X_REQUEST_ID=a b", &request),
                    RESULT_OK);
    CU_ASSERT_TRUE(slice_is(request.query, "a=b"));
    CU_ASSERT_TRUE(slice_is(request.path, "/1/x"));
    CU_ASSERT_EQUAL(request.request_id.size_bytes, 0);
}

/* Writing a response */

static const char *finished(struct http_response *response, enum http_method method)
{
    static struct buffer text;
    buffer_clear(&text);
    struct slice body = http_response_finish(response, method, slice_text("C: o\r\n"), &text);
    buffer_append_slice(&text, body);
    return text.data;
}

static void writes_headers_and_defaults(void)
{
    struct http_response response = {.status = 200};
    buffer_append_text(&response.body, "{}");
    http_header(&response, "ETag", "\"%d\"", 7);
    CU_ASSERT_STRING_EQUAL(finished(&response, HTTP_GET),
                           "Status: 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: 2\r\nETag: \"7\"\r\n"
                           "Cache-Control: private, no-cache\r\nC: o\r\n\r\n{}");
    http_header(&response, "cache-control", "%s", "max-age=1");
    http_header(&response, "content-type", "text/plain");
    CU_ASSERT_STRING_EQUAL(finished(&response, HTTP_GET),
                           "Status: 200 OK\r\nContent-Length: 2\r\nETag: \"7\"\r\n"
                           "cache-control: max-age=1\r\ncontent-type: text/plain\r\n"
                           "C: o\r\n\r\n{}");
    http_response_free(&response);
}

static void sends_no_body_where_there_is_none(void)
{
    struct http_response response = {.status = 204};
    buffer_append_text(&response.body, "{}");
    CU_ASSERT_STRING_EQUAL(finished(&response, HTTP_GET),
                           "Status: 204 No Content\r\nCache-Control: private, no-cache\r\n"
                           "C: o\r\n\r\n");
    response.status = 304;
    CU_ASSERT_STRING_EQUAL(finished(&response, HTTP_GET),
                           "Status: 304 Not Modified\r\nCache-Control: private, no-cache\r\n"
                           "C: o\r\n\r\n");
    http_response_free(&response);
}

static void keeps_headers_on_their_lines(void)
{
    struct http_response response = {.status = 200};
    http_header(&response, "A", "%s", "x\r\nSet-Cookie: y\x7f");
    char longest[1000];
    memset(longest, 'z', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    http_header(&response, "B", "<%s>", longest);
    CU_ASSERT_TRUE(strncmp(response.headers.data, "A: xSet-Cookie: y\r\nB: <zzz", 26) == 0);
    CU_ASSERT_EQUAL(response.headers.size_bytes, 19 + 3 + 1001 + 2);
    CU_ASSERT_STRING_EQUAL(response.headers.data + response.headers.size_bytes - 4, "z>\r\n");
    http_response_free(&response);
}

static void writes_errors_as_json(void)
{
    struct http_response response = {.status = 200};
    buffer_append_text(&response.body, "half a body");
    http_header(&response, "ETag", "\"x\"");
    http_error(&response, 400, "%s", "a \"b\" \\ \n\x01 \xc3\xa9 \xff\xc3 \xf0\x9f\x8e\xb5");
    CU_ASSERT_EQUAL(response.status, 400);
    CU_ASSERT_STRING_EQUAL(response.body.data,
                           "{\"code\":400,\"error\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xc3\xa9 ?? "
                           "\xf0\x9f\x8e\xb5\"}\n");
    CU_ASSERT_EQUAL(response.headers.size_bytes, 0);
    http_error(&response, 503, "Later, than \"%s\".", response.body.data);
    CU_ASSERT_STRING_EQUAL(response.headers.data, "Retry-After: 2\r\n");
    http_error(&response, 401, "No.");
    CU_ASSERT_STRING_EQUAL(response.headers.data, "WWW-Authenticate: Token\r\n");
    CU_ASSERT_STRING_EQUAL(response.body.data, "{\"code\":401,\"error\":\"No.\"}\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(finished(&response, HTTP_GET), "Cache-Control: no-store\r\n"));
    http_response_free(&response);
}

static void answers_failures(void)
{
    static const struct {
        enum result result;
        int status;
        const char *text;
    } cases[] = {
        {RESULT_NOT_FOUND, 404, "secret"},
        {RESULT_INVALID, 400, "secret"},
        {RESULT_UNAUTHORIZED, 401, "secret"},
        {RESULT_CONFLICT, 409, "secret"},
        {RESULT_TOO_LARGE, 413, "secret"},
        {RESULT_TIMEOUT, 503, "The server cannot answer just now. Please try again later."},
        {RESULT_UNAVAILABLE, 503, "The server cannot answer just now. Please try again later."},
        {RESULT_NO_MEMORY, 503, "The server cannot answer just now. Please try again later."},
        {RESULT_INTERNAL, 500, "An unknown error occured."},
    };
    /* The failures that are logged would clutter the test's output. */
    int saved = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    close(null);
    struct http_response response = {.status = 200};
    struct error error = {.text = "secret", .origin = "test"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        snprintf(expected, sizeof expected, "{\"code\":%d,\"error\":\"%s\"}\n", cases[i].status,
                 cases[i].text);
        http_error_of(&response, cases[i].result, &error);
        CU_ASSERT_EQUAL(response.status, cases[i].status);
        CU_ASSERT_STRING_EQUAL(response.body.data, expected);
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    http_response_free(&response);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(finds_query_parameters),
        UNIT_TEST(has_no_query_without_one),
        UNIT_TEST(splits_authorization),
        UNIT_TEST(compares_entity_tags_weakly),
        UNIT_TEST(reads_parameters),
        UNIT_TEST(refuses_what_is_no_request),
        UNIT_TEST(takes_query_from_the_address_and_drops_mad_ids),
        UNIT_TEST(writes_headers_and_defaults),
        UNIT_TEST(sends_no_body_where_there_is_none),
        UNIT_TEST(keeps_headers_on_their_lines),
        UNIT_TEST(writes_errors_as_json),
        UNIT_TEST(answers_failures),
    };
    arena = arena_create();
    int status = unit_run("http messages", tests, sizeof tests / sizeof *tests);
    arena_destroy(&arena);
    return status;
}
