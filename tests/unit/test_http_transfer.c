/*
 * Places for long requests, and bodies that handlers read, with the real server in a child process.
 */
#include "base/buffer.h"
#include "fastcgi_client.h"
#include "http_fixture.h"
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { transfers_max = 2, upload_max_bytes = 300000, piece_bytes = 70000, time_limit_s = 300 };

static char folder[64];
static char socket_path[96];
static int entered[2];  /* a handler tells that it has begun, or has a piece */
static int released[2]; /* and waits until it may end */

/* The server's side */

/* Lasts until the test says so. */
static void answer_transfer(void *context, const struct http_request *request,
                            struct http_response *response)
{
    char byte = 'x';
    (void)context;
    if (http_begin_transfer(request, response) && write(entered[1], &byte, 1) == 1
        && read(released[0], &byte, 1) == 1 && slice_is(request->query, "failed")) {
        http_error(response, 400, "This is wrong.");
    }
}

/* Tells of each full piece, and answers with what it got. */
static void answer_upload(void *context, const struct http_request *request,
                          struct http_response *response)
{
    static _Thread_local char piece[piece_bytes];
    struct error error;
    size_t size = piece_bytes;
    enum result result = RESULT_OK;
    (void)context;
    CU_ASSERT_EQUAL(request->body.size_bytes, 0);
    buffer_append_slice(&response->body, request->content_type);
    if (slice_is(request->query, "unread")) {
        http_error(response, 401, "Not you.");
        return;
    }
    while (result == RESULT_OK && size > 0) {
        result = http_read_body(request, piece, piece_bytes, &size, &error);
        buffer_append(&response->body, piece, size);
        if (size == piece_bytes && slice_is(request->query, "told")) {
            CU_ASSERT_EQUAL(write(entered[1], "p", 1), 1);
        }
    }
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
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
    {HTTP_GET, "/1/transfer", answer_transfer, NULL},
    {HTTP_POST | HTTP_UPLOAD, "/1/upload", answer_upload, NULL},
    {HTTP_GET, "/1/upload", answer_nothing, NULL},
};

static pid_t start_server(void)
{
    const struct http_server_options options = {
        .socket_path = socket_path,
        .threads = 8,
        .transfers_max = transfers_max,
        .body_max_bytes = 1000,
        .upload_max_bytes = upload_max_bytes,
        .request_max_us = 60000000,
        .routes = routes,
        .routes_count = sizeof routes / sizeof *routes,
    };
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

static struct buffer body_of_size(size_t size_bytes)
{
    struct buffer body = BUFFER_EMPTY;
    for (size_t i = 0; i < size_bytes; i++) {
        buffer_append_char(&body, (char)('a' + i % 23));
    }
    return body;
}

static void check_upload(int client, const char *length, struct slice body, const char *start)
{
    struct buffer response = BUFFER_EMPTY;
    client_request(client, "POST", "/1/upload", length, body);
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, start));
    if (strstr(start, "200") != NULL) {
        struct slice got = slice_text(body_of(&response));
        CU_ASSERT_TRUE(slice_equal(got, body));
    }
    buffer_free(&response);
}

/* Tests */

static void reads_bodies_of_all_sizes(void)
{
    static const size_t sizes[] = {0, 1, piece_bytes - 1, piece_bytes, piece_bytes + 1,
                                   2 * piece_bytes, 280000, upload_max_bytes};
    pid_t child = start_server();
    int client = client_connect(socket_path);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer body = body_of_size(sizes[i]);
        char length[24];
        snprintf(length, sizeof length, "%zu", sizes[i]);
        check_upload(client, length, buffer_slice(&body), "Status: 200 OK\r\n");
        check_upload(client, "", buffer_slice(&body), "Status: 200 OK\r\n");
        buffer_free(&body);
    }
    close(client);
    fixture_stop(child);
}

static void refuses_what_is_too_large(void)
{
    pid_t child = start_server();
    struct buffer body = body_of_size(upload_max_bytes + 1);
    struct buffer bytes = BUFFER_EMPTY;
    struct buffer response = BUFFER_EMPTY;
    int client = client_connect(socket_path);
    check_upload(client, "", buffer_slice(&body), "Status: 413 Content Too Large\r\n");
    close(client);
    /* Nothing of it ever comes. */
    client = client_connect(socket_path);
    client_add_head(&bytes, "POST", "/1/upload", "300001");
    client_send(client, &bytes);
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_STRING_EQUAL(body_of(&response),
                           "{\"code\":413,\"error\":\"The body has 300001 bytes, but may have "
                           "300000 at most.\"}\n");
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    buffer_free(&body);
    buffer_free(&bytes);
    buffer_free(&response);
    fixture_stop(child);
}

static void refuses_bodies_of_another_length(void)
{
    pid_t child = start_server();
    int client = client_connect(socket_path);
    check_upload(client, "6", slice_text("hello"), "Status: 400 Bad Request\r\n");
    close(client);
    client = client_connect(socket_path);
    check_upload(client, "4", slice_text("hello"), "Status: 400 Bad Request\r\n");
    close(client);
    fixture_stop(child);
}

static void ends_what_breaks_off_or_is_not_read(void)
{
    pid_t child = start_server();
    struct buffer bytes = BUFFER_EMPTY;
    struct buffer response = BUFFER_EMPTY;
    int client = client_connect(socket_path);
    client_add_head(&bytes, "POST", "/1/upload", "");
    client_add_record(&bytes, 5, "half", 4);
    client_send(client, &bytes);
    shutdown(client, SHUT_WR);
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    client = client_connect(socket_path);
    client_request(client, "POST", "/1/upload?unread", "4", slice_text("half"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 401 Unauthorized\r\n"));
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    /* The other methods of the path are as everywhere. */
    client = client_connect(socket_path);
    client_request(client, "GET", "/1/upload", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    client_request(client, "PUT", "/1/upload", "4", slice_text("half"));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 405 "));
    close(client);
    buffer_free(&bytes);
    buffer_free(&response);
    fixture_stop(child);
}

static bool is_accepting(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int late = socket(AF_UNIX, SOCK_STREAM, 0);
    bool is_connected = connect(late, (struct sockaddr *)&address, sizeof address) == 0;
    close(late);
    return is_connected;
}

static void ends_uploads_when_it_stops(void)
{
    pid_t child = start_server();
    struct buffer bytes = BUFFER_EMPTY;
    struct buffer response = BUFFER_EMPTY;
    struct buffer piece = body_of_size(60000);
    char byte;
    int client = client_connect(socket_path);
    client_add_head(&bytes, "POST", "/1/upload?told", "");
    client_add_record(&bytes, 5, piece.data, piece.size_bytes);
    client_add_record(&bytes, 5, piece.data, piece.size_bytes);
    client_send(client, &bytes);
    CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
    kill(child, SIGTERM);
    /* Once nothing is accepted any more, what comes is the upload's last. */
    while (is_accepting()) {
        CU_ASSERT_EQUAL(poll(NULL, 0, 1), 0);
    }
    buffer_clear(&bytes);
    client_add_record(&bytes, 5, "x", 1);
    client_send(client, &bytes);
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 503 Service Unavailable\r\n"));
    CU_ASSERT_TRUE(client_is_at_end(client));
    close(client);
    CU_ASSERT_TRUE(fixture_join(child) < 5000);
    buffer_free(&bytes);
    buffer_free(&piece);
    buffer_free(&response);
}

/* False where the client has an answer instead. */
static bool has_entered(int client)
{
    struct pollfd either[] = {
        {.fd = entered[0], .events = POLLIN},
        {.fd = client, .events = POLLIN},
    };
    CU_ASSERT_TRUE(poll(either, 2, 20000) > 0);
    return either[1].revents == 0;
}

/* Who has his answer may be a moment ahead of the place that is given back. */
static void begin_transfers(int clients[transfers_max], const char *uri)
{
    struct buffer response = BUFFER_EMPTY;
    char byte;
    for (size_t i = 0; i < transfers_max; i++) {
        clients[i] = client_connect(socket_path);
        client_request(clients[i], "GET", uri, "", slice_text(""));
        while (!has_entered(clients[i])) {
            CU_ASSERT_TRUE(client_response(clients[i], &response));
            client_request(clients[i], "GET", uri, "", slice_text(""));
        }
        CU_ASSERT_EQUAL(read(entered[0], &byte, 1), 1);
    }
    buffer_free(&response);
}

static void end_transfers(int clients[transfers_max], const char *start)
{
    struct buffer response = BUFFER_EMPTY;
    for (size_t i = 0; i < transfers_max; i++) {
        CU_ASSERT_EQUAL(write(released[1], "x", 1), 1);
    }
    for (size_t i = 0; i < transfers_max; i++) {
        CU_ASSERT_TRUE(client_response(clients[i], &response));
        CU_ASSERT_TRUE(starts_with(&response, start));
        close(clients[i]);
    }
    buffer_free(&response);
}

static void turns_away_more_transfers_than_there_are_places(void)
{
    pid_t child = start_server();
    struct buffer response = BUFFER_EMPTY;
    int clients[transfers_max];
    int client = client_connect(socket_path);
    begin_transfers(clients, "/1/transfer");
    client_request(client, "GET", "/1/transfer", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 503 Service Unavailable\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Retry-After: "));
    client_request(client, "GET", "/1/upload", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(starts_with(&response, "Status: 204 No Content\r\n"));
    end_transfers(clients, "Status: 200 OK\r\n");
    /* Places are given back once, whatever the answer was. */
    for (int round = 0; round < 3; round++) {
        begin_transfers(clients, "/1/transfer?failed");
        end_transfers(clients, "Status: 400 Bad Request\r\n");
    }
    close(client);
    buffer_free(&response);
    fixture_stop(child);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(reads_bodies_of_all_sizes),
        UNIT_TEST(refuses_what_is_too_large),
        UNIT_TEST(refuses_bodies_of_another_length),
        UNIT_TEST(ends_what_breaks_off_or_is_not_read),
        UNIT_TEST(ends_uploads_when_it_stops),
        UNIT_TEST(turns_away_more_transfers_than_there_are_places),
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
    int status = unit_run("http transfer", tests, sizeof tests / sizeof *tests);
    rmdir(folder);
    return status;
}
