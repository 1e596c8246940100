/*
 * Answers that are streamed: the real server, in a child process, and a client that takes what comes
 * as it likes.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "fastcgi_client.h"
#include "http/server.h"
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    piece_bytes = 100000,
    pieces_count = 30,
    time_limit_s = 300,
    patience_ms = 20000,
};

/* What the server's process tells. */
struct tale {
    atomic_int pieces;
    atomic_int released;
};

static char folder[64];
static char socket_path[96];
static struct tale *tale;

/* The server's side */

/* How many pieces there are, after which the stream ends or fails. */
struct source {
    int left;
    bool fails;
};

static enum result next_piece(void *thing, int64_t deadline_us, struct buffer *to,
                              struct error *error)
{
    struct source *source = thing;
    CU_ASSERT_TRUE(deadline_us > clock_mono_us());
    if (source->left == 0) {
        return source->fails
                   ? error_set(error, RESULT_NOT_FOUND, "test", "There is no more.")
                   : RESULT_OK;
    }
    int number = atomic_fetch_add(&tale->pieces, 1);
    char *data = buffer_reserve(to, piece_bytes);
    memset(data, 'a' + number % 26, piece_bytes);
    buffer_grown(to, piece_bytes);
    source->left--;
    return RESULT_OK;
}

static void release(void *thing)
{
    free(thing);
    atomic_fetch_add(&tale->released, 1);
}

static void answer_stream(void *context, const struct http_request *request,
                          struct http_response *response)
{
    (void)context;
    struct source *source = calloc(1, sizeof *source);
    source->left = slice_is(request->query, "endless")  ? 1000000
                   : slice_is(request->query, "unbegun") ? 0
                   : slice_is(request->query, "empty")   ? 0
                                                         : pieces_count;
    source->fails = slice_is(request->query, "unbegun") || slice_is(request->query, "broken");
    http_header(response, "Content-Type", "text/plain");
    http_stream(response, next_piece, source, release);
}

static void answer_word(void *context, const struct http_request *request,
                        struct http_response *response)
{
    (void)context;
    (void)request;
    buffer_append_text(&response->body, "word");
}

static const struct http_route routes[] = {
    {HTTP_GET, "/1/stream", answer_stream, NULL},
    {HTTP_GET, "/1/word", answer_word, NULL},
};

static pid_t start_server(int64_t request_max_us, int64_t stall_max_us)
{
    const struct http_server_options options = {
        .socket_path = socket_path,
        .threads = 2,
        .transfers_max = 1,
        .body_max_bytes = 1000,
        .request_max_us = request_max_us,
        .stall_max_us = stall_max_us,
        .routes = routes,
        .routes_count = sizeof routes / sizeof *routes,
    };
    int ready[2];
    char byte = 'r';
    atomic_store(&tale->pieces, 0);
    atomic_store(&tale->released, 0);
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    fflush(stdout);
    pid_t child = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(child, -1);
    if (child == 0) {
        struct http_server *server;
        struct error error;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_set_level(LOG_ERROR_LEVEL);
        enum result result = http_server_create(&options, &server, &error);
        if (result == RESULT_OK && write(ready[1], &byte, 1) == 1) {
            result = http_server_run(server, &error);
            http_server_destroy(&server);
        }
        exit(result == RESULT_OK ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ready[1]);
    CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void join_server(pid_t child)
{
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static void stop_server(pid_t child)
{
    kill(child, SIGTERM);
    join_server(child);
}

/* The client's side */

static int ask(const char *method, const char *uri)
{
    int client = client_connect(socket_path);
    client_request(client, method, uri, "", slice_text(""));
    return client;
}

static bool is_released(int times)
{
    for (int waited_ms = 0; waited_ms < patience_ms; waited_ms += 10) {
        if (atomic_load(&tale->released) == times) {
            return true;
        }
        poll(NULL, 0, 10);
    }
    return false;
}

static struct slice body_of(const struct buffer *response)
{
    const char *end = response->data == NULL ? NULL : strstr(response->data, "\r\n\r\n");
    return end == NULL ? slice_text("none")
                       : slice_of(end + 4, response->size_bytes
                                               - (size_t)(end + 4 - response->data));
}

static bool is_whole(struct slice body)
{
    for (size_t i = 0; i < body.size_bytes; i++) {
        if (body.data[i] != (char)('a' + i / piece_bytes % 26)) {
            return false;
        }
    }
    return body.size_bytes == (size_t)piece_bytes * pieces_count;
}

/* Tests */

static void sends_piece_after_piece(void)
{
    pid_t child = start_server(60000000, 60000000);
    struct buffer response = BUFFER_EMPTY;
    int client = ask("GET", "/1/stream");
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_PTR_NULL(strstr(response.data, "Content-Length"));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Content-Type: text/plain\r\n"));
    CU_ASSERT_TRUE(is_whole(body_of(&response)));
    CU_ASSERT_TRUE(is_released(1));
    /* The connection is as good as before. */
    client_request(client, "GET", "/1/word", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(slice_is(body_of(&response), "word"));
    CU_ASSERT_PTR_NOT_NULL(strstr(response.data, "Content-Length: 4\r\n"));
    client_request(client, "GET", "/1/stream?empty", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(slice_is(body_of(&response), ""));
    CU_ASSERT_TRUE(is_released(2));
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void sends_no_piece_to_head(void)
{
    pid_t child = start_server(60000000, 60000000);
    struct buffer response = BUFFER_EMPTY;
    int client = ask("HEAD", "/1/stream");
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_PTR_NULL(strstr(response.data, "Content-Length"));
    CU_ASSERT_TRUE(slice_is(body_of(&response), ""));
    CU_ASSERT_TRUE(is_released(1));
    CU_ASSERT_EQUAL(atomic_load(&tale->pieces), 1);
    client_request(client, "GET", "/1/word", "", slice_text(""));
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(slice_is(body_of(&response), "word"));
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void tells_what_fails_before_the_first_piece(void)
{
    pid_t child = start_server(60000000, 60000000);
    struct buffer response = BUFFER_EMPTY;
    int client = ask("GET", "/1/stream?unbegun");
    CU_ASSERT_TRUE(client_response(client, &response));
    CU_ASSERT_TRUE(strncmp(response.data, "Status: 404 ", 12) == 0);
    CU_ASSERT_TRUE(
        slice_is(body_of(&response), "{\"code\":404,\"error\":\"There is no more.\"}\n"));
    CU_ASSERT_TRUE(is_released(1));
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void breaks_what_fails_later(void)
{
    pid_t child = start_server(60000000, 60000000);
    struct buffer response = BUFFER_EMPTY;
    int client = ask("GET", "/1/stream?broken");
    CU_ASSERT_FALSE(client_response(client, &response));
    CU_ASSERT_TRUE(is_released(1));
    close(client);
    buffer_free(&response);
    stop_server(child);
}

static void waits_for_the_client(void)
{
    pid_t child = start_server(100000, 500000);
    /* Longer than a request may take, but never still for so long. */
    int client = ask("GET", "/1/stream?endless");
    char taken[piece_bytes];
    int64_t end_us = clock_mono_us() + 1500000;
    int64_t bytes = 0;
    while (clock_mono_us() < end_us) {
        ssize_t size = read(client, taken, sizeof taken);
        CU_ASSERT_TRUE_FATAL(size > 0);
        bytes += size;
        poll(NULL, 0, 20);
    }
    /* What has been made and not taken is in the sockets, and no more than a few pieces. */
    CU_ASSERT_TRUE((int64_t)atomic_load(&tale->pieces) * piece_bytes < bytes + 20 * piece_bytes);
    CU_ASSERT_EQUAL(atomic_load(&tale->released), 0);
    /* Who takes nothing any more loses the connection. */
    CU_ASSERT_TRUE(is_released(1));
    close(client);
    client = ask("GET", "/1/stream?endless");
    close(client);
    CU_ASSERT_TRUE(is_released(2));
    stop_server(child);
}

static void cuts_streams_when_it_ends(void)
{
    pid_t child = start_server(1000000, 60000000);
    int client = ask("GET", "/1/stream?endless");
    char taken[piece_bytes];
    CU_ASSERT_TRUE(read(client, taken, sizeof taken) > 0);
    int64_t begin_us = clock_mono_us();
    kill(child, SIGTERM);
    while (read(client, taken, sizeof taken) > 0) {
    }
    int64_t lasted_us = clock_mono_us() - begin_us;
    CU_ASSERT_TRUE(lasted_us > 900000);
    join_server(child);
    close(client);
}

static void is_less_patient_when_it_ends(void)
{
    pid_t child = start_server(100000, 60000000);
    int client = ask("GET", "/1/stream?endless");
    char byte;
    CU_ASSERT_EQUAL(read(client, &byte, 1), 1);
    /* Longer than any other answer would wait. */
    poll(NULL, 0, 400);
    CU_ASSERT_EQUAL(atomic_load(&tale->released), 0);
    int64_t begin_us = clock_mono_us();
    stop_server(child);
    CU_ASSERT_TRUE(clock_mono_us() - begin_us < 30000000);
    CU_ASSERT_EQUAL(atomic_load(&tale->released), 1);
    close(client);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(sends_piece_after_piece),
        UNIT_TEST(sends_no_piece_to_head),
        UNIT_TEST(tells_what_fails_before_the_first_piece),
        UNIT_TEST(breaks_what_fails_later),
        UNIT_TEST(waits_for_the_client),
        UNIT_TEST(cuts_streams_when_it_ends),
        UNIT_TEST(is_less_patient_when_it_ends),
    };
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/refrain-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    tale = mmap(NULL, sizeof *tale, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mkdtemp(folder) == NULL || tale == MAP_FAILED) {
        printf("Bail out! no temporary folder\n");
        return EXIT_FAILURE;
    }
    snprintf(socket_path, sizeof socket_path, "%s/http.sock", folder);
    alarm(time_limit_s);
    int status = unit_run("http stream", tests, sizeof tests / sizeof *tests);
    rmdir(folder);
    return status;
}
