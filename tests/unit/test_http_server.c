/*
 * The real server, in a child process, on a socket of its own; the test speaks FastCGI to it. The
 * child's exit status tells what sanitizers found in it.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "fastcgi_client.h"
#include "http_fixture.h"
#include "http/response.h"
#include "http/server.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    idle_connections = 64,
    threads = idle_connections + 8,
    body_max_bytes = 300000,
    large_bytes = 700001,
    huge_bytes = 4500001, /* of more than one batch of records */
    time_limit_s = 300,
};

static char folder[64];
static char socket_path[96];
static int entered[2];  /* a handler tells that it has begun */
static int released[2]; /* and waits until it may end */
static int given_back[2]; /* what a response kept is released */
static char *huge;        /* and lent */

/* The server's side */

static void answer_body(void *context, const struct http_request *request,
                        struct http_response *response)
{
    buffer_append_format(&response->body, "%s:%zu:", (const char *)context,
                         request->body.size_bytes);
    buffer_append_slice(&response->body, request->body);
}

static void answer_large(void *context, const struct http_request *request,
                         struct http_response *response)
{
    (void)context;
    (void)request;
    char *data = buffer_reserve(&response->body, large_bytes);
    for (size_t i = 0; i < large_bytes; i++) {
        data[i] = (char)('a' + i % 23);
    }
    buffer_grown(&response->body, large_bytes);
}

static void answer_slowly(void *context, const struct http_request *request,
                          struct http_response *response)
{
    char byte = 'x';
    if (write(entered[1], &byte, 1) == 1 && read(released[0], &byte, 1) == 1) {
        answer_large(context, request, response);
    }
}

static void answer_nothing(void *context, const struct http_request *request,
                           struct http_response *response)
{
    (void)context;
    (void)request;
    response->status = 204;
}

static void give_back(void *thing)
{
    CU_ASSERT_EQUAL(write(given_back[1], thing, 1), 1);
}

/* Pieces of all sizes, the last of them larger than a batch. */
static void append_lent(struct http_response *response)
{
    for (size_t size = 1; size < huge_bytes; size *= 9) {
        buffer_append_char(&response->body, '<');
        http_lend(response, slice_of(huge, size));
    }
    http_lend(response, slice_of(huge, huge_bytes));
    buffer_append_char(&response->body, '>');
}

static void answer_lent(void *context, const struct http_request *request,
                        struct http_response *response)
{
    static char mark = 'k';
    (void)context;
    append_lent(response);
    http_keep(response, &mark, give_back);
    if (slice_is(request->query, "failed")) {
        http_error(response, 503, "Not now.");
    } else if (slice_is(request->query, "short")) {
        buffer_reserve(&response->body, SIZE_MAX / 2);
    }
}

static const struct http_route routes[] = {
    {HTTP_GET | HTTP_POST, "/1/echo", answer_body, NULL},
    {HTTP_GET, "/1/large", answer_large, NULL},
    {HTTP_GET, "/1/slow", answer_slowly, NULL},
    {HTTP_GET, "/1/lent", answer_lent, NULL},
    {HTTP_GET, "/1/nothing", answer_nothing, NULL},
};

static struct http_server_options options_for(int64_t request_max_us)
{
    static char context[] = "context";
    return (struct http_server_options){
        .socket_path = socket_path,
        .threads = threads,
        .body_max_bytes = body_max_bytes,
        .request_max_us = request_max_us,
        .routes = routes,
        .routes_count = sizeof routes / sizeof *routes,
        .context = context,
    };
}

static pid_t start_server(int64_t request_max_us)
{
    const struct http_server_options options = options_for(request_max_us);
    return fixture_start(&options);
}

/* The client's side */

static bool starts_with(const struct buffer *response, const char *start)
{
    return response->size_bytes >= strlen(start)
           && memcmp(response->data, start, strlen(start)) == 0;
}

static const char *body_of(const struct buffer *response)
{
    const char *end = response->data == NULL ? NULL : strstr(response->data, "\r\n\r\n");
    return end == NULL ? "" : end + 4;
}

static bool is_large_answer(const struct buffer *response)
{
    const char *body = body_of(response);
    size_t size = response->size_bytes - (size_t)(body - response->data);
    for (size_t i = 0; i < size; i++) {
        if (body[i] != (char)('a' + i % 23)) {
            return false;
        }
    }
    return size == large_bytes;
}

/* Tests */

static void keeps_connections(void)
{
    pid_t child = start_server(60000000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    client_request(client, "POST", "/1/echo", "5", slice_text("hello"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 200 OK\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "context:5:hello");
    client_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "context:0:");
    client_request(client, "GET", "/1/nothing", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 204 No Content\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "");
    client_request(client, "GET", "/1/unknown", "3", slice_text("abc"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 404 Not Found\r\n"));
    client_request(client, "HEAD", "/1/large", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Content-Length: 700001\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "");
    close(client);
    buffer_free(&response);
    fixture_stop(child);
}

static void sends_large_answers_and_reads_large_bodies(void)
{
    pid_t child = start_server(60000000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    for (int i = 0; i < 3; i++) {
        client_request(client, "GET", "/1/large", "", slice_text(""));
        CU_ASSERT_TRUE(client_response(client, &response));
        CU_ASSERT_TRUE(is_large_answer(&response));
    }
    struct buffer body = BUFFER_EMPTY;
    while (body.size_bytes < body_max_bytes) {
        buffer_append_text(&body, "0123456789");
    }
    client_request(client, "POST", "/1/echo", "300000", buffer_slice(&body));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(strncmp(body_of(&response), "context:300000:", 15) == 0);
    CU_ASSERT_STRING_EQUAL(body_of(&response) + 15, body.data);
    close(client);
    buffer_free(&body);
    buffer_free(&response);
    fixture_stop(child);
}

static bool is_given_back_once(void)
{
    char marks[2];
    struct pollfd more = {.fd = given_back[0], .events = POLLIN};
    return poll(&more, 1, 20000) == 1
           && read(given_back[0], marks, sizeof marks) == 1;
}

static void sends_what_is_lent_and_gives_it_back(void)
{
    struct http_response expected = {.status = 200};
    struct buffer whole = BUFFER_EMPTY;
    huge = malloc(huge_bytes);
    for (size_t i = 0; i < huge_bytes; i++) {
        huge[i] = (char)('a' + i % 23);
    }
    append_lent(&expected);
    size_t own = 0;
    for (size_t i = 0; i < expected.lent_count; i++) {
        const struct http_lent *lent = &expected.lent[i];
        buffer_append(&whole, expected.body.data + own, lent->at - own);
        buffer_append_slice(&whole, lent->bytes);
        own = lent->at;
    }
    buffer_append(&whole, expected.body.data + own, expected.body.size_bytes - own);
    pid_t child = start_server(60000000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    for (int i = 0; i < 2; i++) {
        client_request(client, "GET", "/1/lent", "", slice_text(""));
        CU_ASSERT_TRUE(client_response(client, &response));
        CU_ASSERT_STRING_EQUAL(body_of(&response), whole.data);
        CU_ASSERT_TRUE(is_given_back_once());
    }
    client_request(client, "HEAD", "/1/lent", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "");
    CU_ASSERT_TRUE(is_given_back_once());
    client_request(client, "GET", "/1/lent?failed", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "{\"code\":503,\"error\":\"Not now.\"}\n");
    CU_ASSERT_TRUE(is_given_back_once());
    client_request(client, "GET", "/1/lent?short", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 503 Service Unavailable\r\n"));
    CU_ASSERT_TRUE(is_given_back_once());
    /* Nobody is left to read it. */
    client_request(client, "GET", "/1/lent", "", slice_text(""));
    close(client);
    CU_ASSERT_TRUE(is_given_back_once());
    buffer_free(&whole);
    buffer_free(&response);
    http_response_free(&expected);
    fixture_stop(child);
    free(huge);
}

static void refuses_bodies_over_the_limit_unread(void)
{
    pid_t child = start_server(60000000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    struct buffer bytes = BUFFER_EMPTY;
    client_add_head(&bytes, "POST", "/1/echo", "300001");
    client_add_record(&bytes, 5, "the rest never comes", 20);
    client_send(client, &bytes);
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 413 Content Too Large\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Access-Control-Allow-Methods: GET, HEAD, POST"));
    CU_ASSERT_STRING_EQUAL(body_of(&response),
                           "{\"code\":413,\"error\":\"The body has 300001 bytes, but may have "
                           "300000 at most.\"}\n");
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    buffer_free(&bytes);
    buffer_free(&response);
    fixture_stop(child);
}

static void refuses_bodies_of_another_length(void)
{
    pid_t child = start_server(60000000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    client_request(client, "POST", "/1/echo", "6", slice_text("hello"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response),
                           "{\"code\":400,\"error\":\"The body is shorter than its "
                           "Content-Length of 6 bytes.\"}\n");
    client_request(client, "POST", "/1/echo", "six", slice_text("hello!"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 400 Bad Request\r\n"));
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    client = client_connect(socket_path);
    client_request(client, "POST", "/1/echo", "4", slice_text("hello"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 400 Bad Request\r\n"));
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    buffer_free(&response);
    fixture_stop(child);
}

static void survives_what_is_no_request(void)
{
    pid_t child = start_server(60000000);
    struct buffer response = BUFFER_EMPTY;
    struct buffer bytes = BUFFER_EMPTY;
    int client = client_connect(socket_path);
    buffer_append_text(&bytes, "GET / HTTP/1.1\r\n\r\n");
    client_send(client, &bytes);
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    /* Half a request, half a body, and a client that does not wait. */
    buffer_clear(&bytes);
    client_add_head(&bytes, "POST", "/1/echo", "100");
    client = client_connect(socket_path);
    CU_ASSERT_EQUAL(send(client, bytes.data, 30, MSG_NOSIGNAL), 30);
    close(client);
    client_add_record(&bytes, 5, "half", 4);
    client = client_connect(socket_path);
    client_send(client, &bytes);
    shutdown(client, SHUT_WR);
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    client = client_connect(socket_path);
    client_request(client, "GET", "/1/large", "", slice_text(""));
    close(client);
    /* All is well for the next one. */
    client = client_connect(socket_path);
    client_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    close(client);
    buffer_free(&bytes);
    buffer_free(&response);
    fixture_stop(child);
}

static void drains_on_sigterm(void)
{
    pid_t child = start_server(60000000);
    struct buffer response = BUFFER_EMPTY;
    int idle[idle_connections];
    for (size_t i = 0; i < idle_connections; i++) {
        idle[i] = client_connect(socket_path);
        client_request(idle[i], "GET", "/1/echo", "", slice_text(""));
        CU_ASSERT_TRUE(client_response(idle[i], &response));
    }
    int busy = client_connect(socket_path);
    client_request(busy, "GET", "/1/slow", "", slice_text(""));
    char byte;
    CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
    int silent = client_connect(socket_path);

    kill(child, SIGHUP);
    kill(child, SIGTERM);
    for (size_t i = 0; i < idle_connections; i++) {
        CU_ASSERT_TRUE_FATAL(client_is_at_end(idle[i]));
        close(idle[i]);
    }
    /* Nothing is accepted any more, while the request in flight still waits. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int late = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(connect(late, (struct sockaddr *)&address, sizeof address), -1);
    CU_ASSERT_EQUAL(errno, ECONNREFUSED);
    close(late);
    CU_ASSERT_EQUAL(waitpid(child, NULL, WNOHANG), 0);

    CU_ASSERT_EQUAL(write(released[1], "x", 1), 1);
    CU_ASSERT_TRUE(client_response(busy, &response));
    CU_ASSERT_TRUE(is_large_answer(&response));
    CU_ASSERT_TRUE(client_is_at_end(busy));
    CU_ASSERT_TRUE(fixture_join(child) < 1000);
    CU_ASSERT_EQUAL(access(socket_path, F_OK), -1);
    close(busy);
    close(silent);
    buffer_free(&response);
}

static void answers_what_was_queued_before_sigterm(void)
{
    /* More connections than threads: the ones left over are waiting to be accepted. */
    enum { clients_count = threads + 20 };
    pid_t child = start_server(60000000);
    struct buffer response = BUFFER_EMPTY;
    int clients[clients_count];
    char byte;
    for (size_t i = 0; i < clients_count; i++) {
        clients[i] = client_connect(socket_path);
        client_request(clients[i], "GET", "/1/slow", "", slice_text(""));
        if (i < threads) {
            CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
        }
    }
    kill(child, SIGTERM);
    for (size_t i = 0; i < clients_count; i++) {
        CU_ASSERT_EQUAL(write(released[1], "x", 1), 1);
    }
    for (size_t i = 0; i < clients_count; i++) {
        CU_ASSERT_TRUE(client_response(clients[i], &response));
        CU_ASSERT_TRUE(is_large_answer(&response));
        close(clients[i]);
        if (i >= threads) {
            CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
        }
    }
    CU_ASSERT_TRUE(fixture_join(child) < 1000);
    buffer_free(&response);
}

static void gives_up_on_half_a_body(void)
{
    pid_t child = start_server(300000);
    int client = client_connect(socket_path);
    struct buffer bytes = BUFFER_EMPTY;
    client_add_head(&bytes, "POST", "/1/echo", "100");
    client_add_record(&bytes, 5, "half", 4);
    client_send(client, &bytes);
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    buffer_free(&bytes);
    fixture_stop(child);
}

static void keeps_idle_connections_longer_than_a_request(void)
{
    pid_t child = start_server(100000);
    int client = client_connect(socket_path);
    struct buffer response = BUFFER_EMPTY;
    client_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    struct pollfd ended = {.fd = client, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&ended, 1, 400), 0);
    client_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    close(client);
    buffer_free(&response);
    fixture_stop(child);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(keeps_connections),
        UNIT_TEST(sends_large_answers_and_reads_large_bodies),
        UNIT_TEST(sends_what_is_lent_and_gives_it_back),
        UNIT_TEST(refuses_bodies_over_the_limit_unread),
        UNIT_TEST(refuses_bodies_of_another_length),
        UNIT_TEST(survives_what_is_no_request),
        UNIT_TEST(drains_on_sigterm),
        UNIT_TEST(answers_what_was_queued_before_sigterm),
        UNIT_TEST(gives_up_on_half_a_body),
        UNIT_TEST(keeps_idle_connections_longer_than_a_request),
    };
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/refrain-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL || pipe(entered) != 0 || pipe(released) != 0
        || pipe(given_back) != 0) {
        printf("Bail out! no temporary folder\n");
        return EXIT_FAILURE;
    }
    snprintf(socket_path, sizeof socket_path, "%s/http.sock", folder);
    /* A server that does not end would keep the test, too. */
    alarm(time_limit_s);
    int status = unit_run("http server", tests, sizeof tests / sizeof *tests);
    rmdir(folder);
    return status;
}
