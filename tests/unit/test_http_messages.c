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
    CU_ASSERT_STRING_EQUAL(query_value("x&a+b=c&y", "a b"), "c");
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
        (char[]){"HTTP_ACCEPT_ENCODING=gzip, br"},
        (char[]){"CONTENT_TYPE=text/csv"},
        (char[]){"REMOTE_ADDS=no"},
        (char[]){"HTTP_IF_UNMODIFIED_SINCE=never"},
        (char[]){"no parameter at all"},
        (char[]){"HTTP_X_REQUEST_ID=0af3-7.x"},
        (char[]){"REMOTE_ADDR=192.0.2.7"},
        NULL,
    };
    struct http_request request;
    struct error error;
    int64_t length = 0;
    CU_ASSERT_EQUAL_FATAL(http_request_read(&request, arena, parameters, &length, &error),
                          RESULT_OK);
    CU_ASSERT_EQUAL(request.method, HTTP_PATCH);
    CU_ASSERT_TRUE(slice_is(request.path, "/1/user/a%2Fb/listens"));
    CU_ASSERT_TRUE(slice_is(request.query, "count=3&x=?"));
    CU_ASSERT_TRUE(slice_is(request.authorization, "Token x"));
    CU_ASSERT_TRUE(slice_is(request.cookie, "a=b"));
    CU_ASSERT_TRUE(slice_is(request.if_none_match, "\"e\""));
    CU_ASSERT_TRUE(slice_is(request.accept_encoding, "gzip, br"));
    CU_ASSERT_TRUE(slice_is(request.content_type, "text/csv"));
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
    int64_t length = 0;
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

static bool keeps_id(struct slice id)
{
    struct buffer parameter = BUFFER_EMPTY;
    buffer_append_text(&parameter, "HTTP_X_REQUEST_ID=");
    buffer_append_slice(&parameter, id);
    struct http_request request;
    CU_ASSERT_EQUAL(read_two("REQUEST_URI=/", parameter.data, &request), RESULT_OK);
    buffer_free(&parameter);
    CU_ASSERT_TRUE(request.request_id.size_bytes == 0 || slice_equal(request.request_id, id));
    return request.request_id.size_bytes > 0;
}

static void keeps_ids_that_need_no_quotes(void)
{
    char id[129];
    memset(id, 'a', sizeof id);
    CU_ASSERT_TRUE(keeps_id(slice_of(id, 128)));
    CU_ASSERT_FALSE(keeps_id(slice_of(id, 129)));
    for (size_t size = 1; size < 40; size++) {
        for (size_t at = 0; at < size; at++) {
            id[at] = "\x01 \"\\\x7f\xc3"[at % 6];
            CU_ASSERT_FALSE(keeps_id(slice_of(id, size)));
            id[at] = "!~#[]"[at % 5];
            CU_ASSERT_TRUE(keeps_id(slice_of(id, size)));
        }
    }
}

/* Encodings */

static bool is_compressed(const char *accepted, int status, size_t own_bytes, size_t lent_bytes)
{
    static const char bytes[2000];
    struct http_request request = {.accept_encoding = slice_text(accepted)};
    struct http_response response = {.status = status};
    buffer_append(&response.body, bytes, own_bytes);
    http_lend(&response, slice_of(bytes, lent_bytes));
    bool compressed = http_is_compressed(&request, &response);
    http_response_free(&response);
    return compressed;
}

static void tells_what_nginx_compresses(void)
{
    static const struct {
        const char *accepted;
        bool compressed;
    } cases[] = {
        {"gzip", true},          {"gzip, deflate, br", true},   {"br,gzip", true},
        {"br, GZip", true},      {"gzip ;q=1", true},           {"gzip; q=0.5, br", true},
        {"gzip;Q=0.001", true},  {"gzip;q=1.000", true},        {"gzip;", true},
        {"br;q=1 gzip", true},   {"gzip;q=0.1 , br", true},     {"gzip , br", true},
        {"", false},             {"gzi", false},                {"br", false},
        {"*", false},            {"x-gzip", false},             {"identity", false},
        {"gzip;q=0", false},     {"gzip;q=0.000, br", false},   {"gzip;q=0, *", false},
        {"gzipped", false},      {"gzip/1", false},             {"gzip;q=", false},
        {"gzip;q=2", false},     {"gzip;q=1.001", false},       {"gzip;q=0.5555", false},
        {"gzip;q=0.5x", false},  {"gzip;level=1", false},       {"gzip;q=15", false},
        {"gzip;q=0.", false},    {"gzip;q", false},             {"\tgzip", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(is_compressed(cases[i].accepted, 200, 1024, 0), cases[i].compressed);
    }
    CU_ASSERT_FALSE(is_compressed("gzip", 200, 1023, 0));
    CU_ASSERT_TRUE(is_compressed("gzip", 200, 0, 1024));
    CU_ASSERT_TRUE(is_compressed("gzip", 403, 1024, 0));
    CU_ASSERT_TRUE(is_compressed("gzip", 404, 1024, 0));
    CU_ASSERT_FALSE(is_compressed("gzip", 204, 1024, 0));
    CU_ASSERT_FALSE(is_compressed("gzip", 503, 1024, 0));
}

/* Writing a response */

static const char *finished(struct http_response *response, enum http_method method)
{
    static struct buffer text;
    struct slice pieces[HTTP_PIECES_MAX];
    buffer_clear(&text);
    size_t count =
        http_response_finish(response, method, slice_text("C: o\r\n"), &text, pieces);
    CU_ASSERT_TRUE(count <= HTTP_PIECES_MAX);
    CU_ASSERT_TRUE(slice_equal(pieces[0], buffer_slice(&text)));
    for (size_t i = 1; i < count; i++) {
        buffer_append_slice(&text, pieces[i]);
    }
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

static void writes_headers_without_formats(void)
{
    struct http_response response = {.status = 201};
    http_header_text(&response, "Content-Type", "text/plain");
    http_cache_control(&response, "no-store");
    CU_ASSERT_STRING_EQUAL(finished(&response, HTTP_GET),
                           "Status: 201 Created\r\nContent-Length: 0\r\n"
                           "Content-Type: text/plain\r\nCache-Control: no-store\r\n"
                           "C: o\r\n\r\n");
    response.status = 299;
    CU_ASSERT_TRUE(strncmp(finished(&response, HTTP_GET), "Status: 299 Unknown\r\n", 21) == 0);
    http_response_free(&response);
}

/* More is lent than there is room for, some of it too little to be worth it. */
static void lends_bodies(void)
{
    static char bytes[HTTP_LENT_MIN_BYTES];
    struct http_response response = {.status = 200};
    struct buffer expected = BUFFER_EMPTY;
    memset(bytes, 'l', sizeof bytes);
    for (int i = 0; i < HTTP_LENT_MAX + 3; i++) {
        struct slice lent = slice_of(bytes, sizeof bytes - (i % 4 == 0));
        buffer_append_int(&response.body, i);
        http_lend(&response, lent);
        buffer_append_int(&expected, i);
        buffer_append_slice(&expected, lent);
    }
    http_lend(&response, slice_of(bytes, 0));
    CU_ASSERT_EQUAL(http_body_size(&response), expected.size_bytes);
    CU_ASSERT_TRUE(response.body.size_bytes < 8 * sizeof bytes);
    const char *text = finished(&response, HTTP_GET);
    char length[60];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", expected.size_bytes);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, length));
    CU_ASSERT_STRING_EQUAL(strstr(text, "\r\n\r\n") + 4, expected.data);
    text = finished(&response, HTTP_HEAD);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, length));
    CU_ASSERT_STRING_EQUAL(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    response.status = 304;
    text = finished(&response, HTTP_GET);
    CU_ASSERT_STRING_EQUAL(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    http_response_reset(&response);
    CU_ASSERT_EQUAL(http_body_size(&response), 0);
    buffer_free(&expected);
    http_response_free(&response);
}

static void count_release(void *thing)
{
    ++*(int *)thing;
}

static void releases_what_it_keeps_once(void)
{
    int released[HTTP_KEPT_MAX] = {0};
    char text[] = "It lies in what is kept.";
    struct http_response response = {.status = 200};
    for (int i = 0; i < HTTP_KEPT_MAX; i++) {
        http_keep(&response, &released[i], count_release);
    }
    finished(&response, HTTP_GET);
    CU_ASSERT_EQUAL(released[0], 0);
    http_lend(&response, slice_text(text));
    http_error(&response, 500, "%s", text);
    for (int i = 0; i < HTTP_KEPT_MAX; i++) {
        CU_ASSERT_EQUAL(released[i], 1);
    }
    CU_ASSERT_STRING_EQUAL(response.body.data,
                           "{\"code\":500,\"error\":\"It lies in what is kept.\"}\n");
    http_response_reset(&response);
    CU_ASSERT_EQUAL(released[0], 1);
    http_keep(&response, &released[0], count_release);
    http_response_reset(&response);
    CU_ASSERT_EQUAL(released[0], 2);
    http_keep(&response, &released[0], count_release);
    http_response_free(&response);
    CU_ASSERT_EQUAL(released[0], 3);
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
        UNIT_TEST(keeps_ids_that_need_no_quotes),
        UNIT_TEST(tells_what_nginx_compresses),
        UNIT_TEST(writes_headers_and_defaults),
        UNIT_TEST(writes_headers_without_formats),
        UNIT_TEST(lends_bodies),
        UNIT_TEST(releases_what_it_keeps_once),
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
