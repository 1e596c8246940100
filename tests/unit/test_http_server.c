/*
 * The real server, in a child process, on a socket of its own; the test speaks FastCGI to it. The
 * child's exit status tells what sanitizers found in it.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    idle_connections = 64,
    threads = idle_connections + 8,
    body_max_bytes = 300000,
    large_bytes = 700001, /* of more than one batch of records */
    patience_ms = 20000,
    time_limit_s = 300,
};

static char folder[64];
static char socket_path[96];
static int entered[2];  /* a handler tells that it has begun */
static int released[2]; /* and waits until it may end */

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

static const struct http_route routes[] = {
    {HTTP_GET | HTTP_POST, "/1/echo", answer_body, NULL},
    {HTTP_GET, "/1/large", answer_large, NULL},
    {HTTP_GET, "/1/slow", answer_slowly, NULL},
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

/* Binds before it returns, so that clients may connect at once. */
static pid_t start_server(int64_t request_max_us)
{
    struct http_server_options options = options_for(request_max_us);
    struct http_server *server;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(http_server_create(&options, &server, &error), RESULT_OK);
    fflush(stdout);
    pid_t child = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(child, -1);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_set_level(LOG_ERROR_LEVEL);
        enum result result = http_server_run(server, &error);
        http_server_destroy(&server);
        exit(result == RESULT_OK ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    /* The socket's file is the child's from now on. */
    char moved[sizeof socket_path + 8];
    snprintf(moved, sizeof moved, "%s.kept", socket_path);
    rename(socket_path, moved);
    http_server_destroy(&server);
    rename(moved, socket_path);
    return child;
}

/* Waits for the child's end and returns how long it took, in milliseconds. */
static int64_t join_server(pid_t child)
{
    int64_t start_us = clock_mono_us();
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    return (clock_mono_us() - start_us) / 1000;
}

static void stop_server(pid_t child)
{
    kill(child, SIGTERM);
    join_server(child);
}

/* The client's side */

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static void add_record(struct buffer *to, int type, const void *content, size_t size)
{
    unsigned char header[8] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(size >> 8), (unsigned char)size, 0, 0};
    buffer_append(to, header, sizeof header);
    buffer_append(to, content, size);
}

static void add_parameter(struct buffer *to, const char *name, const char *value)
{
    buffer_append_char(to, (char)strlen(name));
    buffer_append_char(to, (char)strlen(value));
    buffer_append_text(to, name);
    buffer_append_text(to, value);
}

/* A request whose connection is to be kept open, without the end of its body. */
static void add_head(struct buffer *to, const char *method, const char *uri, const char *length)
{
    static const unsigned char begin[8] = {0, 1, 1};
    struct buffer parameters = BUFFER_EMPTY;
    add_parameter(&parameters, "REQUEST_METHOD", method);
    add_parameter(&parameters, "REQUEST_URI", uri);
    add_parameter(&parameters, "CONTENT_LENGTH", length);
    add_record(to, 1, begin, sizeof begin);
    add_record(to, 4, parameters.data, parameters.size_bytes);
    add_record(to, 4, "", 0);
    buffer_free(&parameters);
}

static void send_bytes(int client, const struct buffer *bytes)
{
    size_t done = 0;
    while (done < bytes->size_bytes) {
        ssize_t sent = send(client, bytes->data + done, bytes->size_bytes - done, MSG_NOSIGNAL);
        CU_ASSERT_TRUE_FATAL(sent > 0);
        done += (size_t)sent;
    }
}

static void send_request(int client, const char *method, const char *uri, const char *length,
                         struct slice body)
{
    struct buffer bytes = BUFFER_EMPTY;
    add_head(&bytes, method, uri, length);
    while (body.size_bytes > 0) {
        size_t size = body.size_bytes < 60000 ? body.size_bytes : 60000;
        add_record(&bytes, 5, body.data, size);
        body = slice_of(body.data + size, body.size_bytes - size);
    }
    add_record(&bytes, 5, "", 0);
    send_bytes(client, &bytes);
    buffer_free(&bytes);
}

static bool read_exactly(int client, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        struct pollfd ready = {.fd = client, .events = POLLIN};
        if (poll(&ready, 1, patience_ms) <= 0) {
            return false;
        }
        ssize_t got = read(client, (char *)data + done, size - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* Appends what one response holds; false where the connection ended before the response did. */
static bool read_response(int client, struct buffer *response)
{
    buffer_clear(response);
    for (;;) {
        unsigned char header[8];
        if (!read_exactly(client, header, sizeof header)) {
            return false;
        }
        size_t size = (size_t)header[4] << 8 | header[5];
        char content[65536 + 256];
        if (!read_exactly(client, content, size + header[6])) {
            return false;
        }
        if (header[1] == 3) {
            return true;
        }
        CU_ASSERT_EQUAL(header[1], 6);
        buffer_append(response, content, size);
    }
}

static bool is_at_end(int client)
{
    char byte;
    struct pollfd ready = {.fd = client, .events = POLLIN};
    return poll(&ready, 1, patience_ms) > 0 && read(client, &byte, 1) <= 0;
}

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
    pid_t child = start_server(5000000);
    int client = connect_client();
    struct buffer response = BUFFER_EMPTY;
    send_request(client, "POST", "/1/echo", "5", slice_text("hello"));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 200 OK\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "context:5:hello");
    send_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "context:0:");
    send_request(client, "GET", "/1/nothing", "", slice_text(""));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 204 No Content\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "");
    send_request(client, "GET", "/1/unknown", "3", slice_text("abc"));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 404 Not Found\r\n"));
    send_request(client, "HEAD", "/1/large", "", slice_text(""));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Content-Length: 700001\r\n"));
    CU_ASSERT_STRING_EQUAL(body_of(&response), "");
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void sends_large_answers_and_reads_large_bodies(void)
{
    pid_t child = start_server(5000000);
    int client = connect_client();
    struct buffer response = BUFFER_EMPTY;
    for (int i = 0; i < 3; i++) {
        send_request(client, "GET", "/1/large", "", slice_text(""));
        CU_ASSERT_TRUE(read_response(client, &response));
        CU_ASSERT_TRUE(is_large_answer(&response));
    }
    struct buffer body = BUFFER_EMPTY;
    while (body.size_bytes < body_max_bytes) {
        buffer_append_text(&body, "0123456789");
    }
    send_request(client, "POST", "/1/echo", "300000", buffer_slice(&body));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(strncmp(body_of(&response), "context:300000:", 15) == 0);
    CU_ASSERT_STRING_EQUAL(body_of(&response) + 15, body.data);
    close(client);
    buffer_free(&body);
    buffer_free(&response);
    stop_server(child);
}

static void refuses_bodies_over_the_limit_unread(void)
{
    pid_t child = start_server(5000000);
    int client = connect_client();
    struct buffer response = BUFFER_EMPTY;
    struct buffer bytes = BUFFER_EMPTY;
    add_head(&bytes, "POST", "/1/echo", "300001");
    add_record(&bytes, 5, "the rest never comes", 20);
    send_bytes(client, &bytes);
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 413 Content Too Large\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Access-Control-Allow-Methods: GET, HEAD, POST"));
    CU_ASSERT_STRING_EQUAL(body_of(&response),
                           "{\"code\":413,\"error\":\"The body has 300001 bytes, but may have "
                           "300000 at most.\"}\n");
    CU_ASSERT_TRUE(is_at_end(client));
    close(client);
    buffer_free(&bytes);
    buffer_free(&response);
    stop_server(child);
}

static void refuses_bodies_of_another_length(void)
{
    pid_t child = start_server(5000000);
    int client = connect_client();
    struct buffer response = BUFFER_EMPTY;
    send_request(client, "POST", "/1/echo", "6", slice_text("hello"));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response),
                           "{\"code\":400,\"error\":\"The body is shorter than its "
                           "Content-Length of 6 bytes.\"}\n");
    send_request(client, "POST", "/1/echo", "six", slice_text("hello!"));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 400 Bad Request\r\n"));
    CU_ASSERT_TRUE(is_at_end(client));
    close(client);
    client = connect_client();
    send_request(client, "POST", "/1/echo", "4", slice_text("hello"));
    CU_ASSERT_TRUE(read_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 400 Bad Request\r\n"));
    CU_ASSERT_TRUE(is_at_end(client));
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void survives_what_is_no_request(void)
{
    pid_t child = start_server(5000000);
    struct buffer response = BUFFER_EMPTY;
    struct buffer bytes = BUFFER_EMPTY;
    int client = connect_client();
    buffer_append_text(&bytes, "GET / HTTP/1.1\r\n\r\n");
    send_bytes(client, &bytes);
    CU_ASSERT_TRUE(is_at_end(client));
    close(client);
    /* Half a request, half a body, and a client that does not wait. */
    buffer_clear(&bytes);
    add_head(&bytes, "POST", "/1/echo", "100");
    client = connect_client();
    CU_ASSERT_EQUAL(send(client, bytes.data, 30, MSG_NOSIGNAL), 30);
    close(client);
    add_record(&bytes, 5, "half", 4);
    client = connect_client();
    send_bytes(client, &bytes);
    shutdown(client, SHUT_WR);
    CU_ASSERT_TRUE(is_at_end(client));
    close(client);
    client = connect_client();
    send_request(client, "GET", "/1/large", "", slice_text(""));
    close(client);
    /* All is well for the next one. */
    client = connect_client();
    send_request(client, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(read_response(client, &response));
    close(client);
    buffer_free(&bytes);
    buffer_free(&response);
    stop_server(child);
}

static void drains_on_sigterm(void)
{
    pid_t child = start_server(5000000);
    struct buffer response = BUFFER_EMPTY;
    int idle[idle_connections];
    for (size_t i = 0; i < idle_connections; i++) {
        idle[i] = connect_client();
        send_request(idle[i], "GET", "/1/echo", "", slice_text(""));
        CU_ASSERT_TRUE(read_response(idle[i], &response));
    }
    int busy = connect_client();
    send_request(busy, "GET", "/1/slow", "", slice_text(""));
    char byte;
    CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
    int silent = connect_client();

    kill(child, SIGHUP);
    kill(child, SIGTERM);
    for (size_t i = 0; i < idle_connections; i++) {
        CU_ASSERT_TRUE_FATAL(is_at_end(idle[i]));
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
    CU_ASSERT_TRUE(read_response(busy, &response));
    CU_ASSERT_TRUE(is_large_answer(&response));
    CU_ASSERT_TRUE(is_at_end(busy));
    CU_ASSERT_TRUE(join_server(child) < 1000);
    CU_ASSERT_EQUAL(access(socket_path, F_OK), -1);
    close(busy);
    close(silent);
    buffer_free(&response);
}

static void answers_what_was_queued_before_sigterm(void)
{
    /* More connections than threads: the ones left over are waiting to be accepted. */
    enum { clients_count = threads + 20 };
    pid_t child = start_server(5000000);
    struct buffer response = BUFFER_EMPTY;
    int clients[clients_count];
    char byte;
    for (size_t i = 0; i < clients_count; i++) {
        clients[i] = connect_client();
        send_request(clients[i], "GET", "/1/slow", "", slice_text(""));
        if (i < threads) {
            CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
        }
    }
    kill(child, SIGTERM);
    for (size_t i = 0; i < clients_count; i++) {
        CU_ASSERT_EQUAL(write(released[1], "x", 1), 1);
    }
    for (size_t i = 0; i < clients_count; i++) {
        CU_ASSERT_TRUE(read_response(clients[i], &response));
        CU_ASSERT_TRUE(is_large_answer(&response));
        close(clients[i]);
        if (i >= threads) {
            CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
        }
    }
    CU_ASSERT_TRUE(join_server(child) < 1000);
    buffer_free(&response);
}

static void cuts_what_does_not_end(void)
{
    pid_t child = start_server(300000);
    int client = connect_client();
    struct buffer bytes = BUFFER_EMPTY;
    add_head(&bytes, "POST", "/1/echo", "100");
    add_record(&bytes, 5, "half", 4);
    send_bytes(client, &bytes);
    /* By the time that this one is answered, the thread above waits for the other half. */
    int other = connect_client();
    send_request(other, "GET", "/1/echo", "", slice_text(""));
    CU_ASSERT_TRUE(read_response(other, &bytes));
    /* Without the cut it would not end at all. */
    stop_server(child);
    CU_ASSERT_TRUE(is_at_end(client));
    close(other);
    close(client);
    buffer_free(&bytes);
}

static void replaces_a_stale_socket_and_refuses_a_live_one(void)
{
    struct http_server_options options = options_for(1000000);
    struct http_server *first = NULL;
    struct http_server *second = NULL;
    struct error error;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
    close(stale);
    CU_ASSERT_EQUAL_FATAL(http_server_create(&options, &first, &error), RESULT_OK);
    struct stat made;
    CU_ASSERT_EQUAL(lstat(socket_path, &made), 0);
    CU_ASSERT_EQUAL(made.st_mode, S_IFSOCK | 0660);

    CU_ASSERT_EQUAL(http_server_create(&options, &second, &error), RESULT_CONFLICT);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is served by another process"));
    CU_ASSERT_EQUAL(access(socket_path, F_OK), 0);

    /* A file that has taken the socket's name is left alone, by either of them. */
    unlink(socket_path);
    close(open(socket_path, O_CREAT | O_WRONLY, 0600));
    CU_ASSERT_EQUAL(http_server_create(&options, &second, &error), RESULT_CONFLICT);
    http_server_destroy(&first);
    CU_ASSERT_PTR_NULL(first);
    CU_ASSERT_EQUAL(access(socket_path, F_OK), 0);
    unlink(socket_path);
}

static void says_what_is_wrong_with_a_path(void)
{
    struct http_server_options options = options_for(1000000);
    struct http_server *server = NULL;
    struct error error;
    char path[200];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    options.socket_path = path;
    CU_ASSERT_EQUAL(http_server_create(&options, &server, &error), RESULT_INVALID);
    options.socket_path = "/nowhere/at/all.sock";
    CU_ASSERT_EQUAL(http_server_create(&options, &server, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(server);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(keeps_connections),
        UNIT_TEST(sends_large_answers_and_reads_large_bodies),
        UNIT_TEST(refuses_bodies_over_the_limit_unread),
        UNIT_TEST(refuses_bodies_of_another_length),
        UNIT_TEST(survives_what_is_no_request),
        UNIT_TEST(drains_on_sigterm),
        UNIT_TEST(answers_what_was_queued_before_sigterm),
        UNIT_TEST(cuts_what_does_not_end),
        UNIT_TEST(replaces_a_stale_socket_and_refuses_a_live_one),
        UNIT_TEST(says_what_is_wrong_with_a_path),
    };
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/refrain-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL || pipe(entered) != 0 || pipe(released) != 0) {
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
