/*
 * Threads: each worker accepts a connection, serves its requests until it ends, and accepts the
 * next; what it holds is nobody else's. The main thread owns the signals. To stop it sets
 * `stopping`, after which every answer is the last one of its connection; shuts the listening
 * socket down, which wakes the workers in accept(2) (what has been queued there is, on Linux, still
 * accepted and answered); and makes `stop_event` readable, which wakes those that wait between two
 * requests. In this order, so that a web server whose idle connections end can't open new ones.
 * Requests end by their deadlines, so the workers do, and are joined. Answers that are streamed have
 * the time of one more request, and are cut after that.
 */
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/dispatch.h"
#include "http/fastcgi.h"
#include "http/listener.h"
#include "http/request.h"
#include "http/response.h"
#include "http/transfer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a worker keeps from request to request; more is given back. */
static const size_t kept_bytes = 512 * 1024;

enum { accept_pause_ms = 100 };

struct worker {
    struct http_server *server;
    pthread_t thread;
    struct fastcgi *fastcgi;
    struct arena *arena;
    struct buffer body;
    struct buffer head;
    struct http_response response;
    struct http_transfer transfer;
};

struct http_server {
    struct http_server_options options;
    struct http_router *router;
    struct listener listener;
    atomic_bool stopping;
    atomic_int transfers_left;
    _Atomic int64_t streams_end_us; /* a stream takes no further piece after that */
    int stop_event;
    struct worker workers[];
};

static enum result read_body(struct worker *worker, size_t length_bytes,
                             struct http_request *request, struct error *error)
{
    size_t max_bytes = worker->server->options.body_max_bytes;
    if (length_bytes > max_bytes) {
        return error_set(error, RESULT_TOO_LARGE, "http",
                         "The body has %zu bytes, but may have %zu at most.", length_bytes,
                         max_bytes);
    }
    /* One byte more, to see the end: a connection that still holds some of a body can't be used
     * again. */
    char *data = buffer_reserve(&worker->body, length_bytes + 1);
    if (data == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "http", "no memory for a body of %zu bytes",
                         length_bytes);
    }
    size_t size = fastcgi_read(worker->fastcgi, data, length_bytes + 1);
    request->body = slice_of(data, size);
    if (size != length_bytes) {
        return error_set(error, RESULT_INVALID, "http",
                         "The body is %s than its Content-Length of %zu bytes.",
                         size < length_bytes ? "shorter" : "longer", length_bytes);
    }
    return RESULT_OK;
}

static bool is_upload(const struct http_request *request)
{
    return request->route != NULL && (request->route->methods & HTTP_UPLOAD) != 0;
}

/* Reads the request and has it answered; false where nobody is left to be answered. */
static bool answer_request(struct worker *worker, struct http_request *request,
                           const struct http_resource **resource)
{
    const struct http_server_options *options = &worker->server->options;
    struct error error;
    int64_t length_bytes = -1;
    enum result result = http_request_read(request, worker->arena,
                                           fastcgi_parameters(worker->fastcgi), &length_bytes,
                                           &error);
    request->arrived_us = clock_mono_us();
    request->deadline_us = request->arrived_us + options->request_max_us;
    request->transfer = &worker->transfer;
    log_set_request_id(request->request_id.size_bytes > 0 ? request->request_id.data : NULL);
    *resource = http_dispatch_find(worker->server->router, request);
    if (result == RESULT_OK && is_upload(request)) {
        http_transfer_expect(&worker->transfer, length_bytes);
    } else if (result == RESULT_OK) {
        result = read_body(worker, length_bytes > 0 ? (size_t)length_bytes : 0, request, &error);
    }
    if (fastcgi_is_broken(worker->fastcgi)) {
        return false;
    }
    if (result == RESULT_OK) {
        http_dispatch_answer(*resource, options->context, request, &worker->response);
    } else {
        http_error_of(&worker->response, result, &error);
    }
    if (!is_upload(request)) {
        return true;
    }
    http_transfer_end(&worker->transfer, options->request_max_us);
    return !fastcgi_is_broken(worker->fastcgi);
}

static bool is_written(const struct buffer *buffer)
{
    return buffer_result(buffer) == RESULT_OK;
}

static void keep_small(struct buffer *buffer)
{
    if (buffer->room_bytes > kept_bytes) {
        buffer_free(buffer);
    }
    buffer_clear(buffer);
}

/* Makes the next piece of a streamed body the response's body. */
static enum result take_piece(struct http_response *response, int64_t deadline_us,
                              struct error *error)
{
    keep_small(&response->body);
    enum result result = response->next(response->source, deadline_us, &response->body, error);
    if (result == RESULT_OK && !is_written(&response->body)) {
        result = error_set(error, RESULT_NO_MEMORY, "http", "no memory for a piece of an answer");
    }
    return result;
}

/* Makes the response one that can be sent: a stream has its first piece. */
static void prepare(struct worker *worker, const struct http_request *request)
{
    struct http_response *response = &worker->response;
    struct error error;
    enum result result = RESULT_OK;
    if (response->next != NULL) {
        result = take_piece(response, request->deadline_us, &error);
    }
    if (result == RESULT_OK && !(is_written(&response->headers) && is_written(&response->body))) {
        result = error_set(&error, RESULT_NO_MEMORY, "http", "no memory for an answer");
    }
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
    }
}

/* What a server that ends does not wait for is cut. */
static enum result take_piece_in_time(struct worker *worker, struct error *error)
{
    struct http_server *server = worker->server;
    int64_t now_us = clock_mono_us();
    if (now_us > atomic_load(&server->streams_end_us)) {
        return error_set(error, RESULT_UNAVAILABLE, "http", "the server ends");
    }
    return take_piece(&worker->response, now_us + server->options.request_max_us, error);
}

/* Sends a streamed answer, of which these pieces are the beginning, but for its end; false where
 * that has failed. */
static bool send_stream(struct worker *worker, const struct slice *pieces, size_t count)
{
    struct buffer *body = &worker->response.body;
    struct slice piece;
    while (fastcgi_send(worker->fastcgi, pieces, count,
                        worker->server->options.stall_max_us)) {
        struct error error;
        enum result result = take_piece_in_time(worker, &error);
        if (result != RESULT_OK) {
            log_error("answer-cut", result, &error);
            return false;
        }
        if (body->size_bytes == 0) {
            return true;
        }
        piece = buffer_slice(body);
        pieces = &piece;
        count = 1;
    }
    return false;
}

static void send_response(struct worker *worker, const struct http_request *request,
                          const struct http_resource *resource)
{
    struct http_response *response = &worker->response;
    struct slice pieces[HTTP_PIECES_MAX];
    size_t count = http_response_finish(response, request->method, http_dispatch_cors(resource),
                                        &worker->head, pieces);
    bool sends = is_written(&response->body) && is_written(&worker->head);
    if (sends && response->next != NULL && request->method != HTTP_HEAD) {
        sends = send_stream(worker, pieces, count);
        count = 0;
    }
    if (sends) {
        fastcgi_answer(worker->fastcgi, pieces, count, atomic_load(&worker->server->stopping));
    } else {
        fastcgi_drop(worker->fastcgi);
    }
}

static void serve_request(struct worker *worker)
{
    struct http_response *response = &worker->response;
    struct http_request request;
    const struct http_resource *resource;
    if (answer_request(worker, &request, &resource)) {
        prepare(worker, &request);
        send_response(worker, &request, resource);
    } else {
        fastcgi_drop(worker->fastcgi);
    }
    log_set_request_id(NULL);
    http_response_reset(response);
    keep_small(&response->body);
    keep_small(&worker->body);
    buffer_clear(&worker->head);
    arena_reset(worker->arena);
}

/* The next connection; -1 once there will be none. */
static int accept_connection(struct http_server *server)
{
    for (;;) {
        int connection = accept4(server->listener.socket, NULL, NULL, SOCK_CLOEXEC);
        int why = errno;
        if (connection >= 0) {
            return connection;
        }
        if (atomic_load(&server->stopping)) {
            return -1;
        }
        if (why != EINTR && why != ECONNABORTED) {
            log_event(LOG_WARN_LEVEL, "accept-failed", "error", strerror(why), NULL);
            /* Descriptors or memory are short: a pause, which shutdown(2) of the socket ends. */
            struct pollfd stopped = {.fd = server->listener.socket, .events = 0};
            poll(&stopped, 1, accept_pause_ms);
        }
    }
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct http_server *server = worker->server;
    for (;;) {
        int connection = accept_connection(server);
        if (connection < 0) {
            break;
        }
        fastcgi_open(worker->fastcgi, connection);
        while (fastcgi_next(worker->fastcgi)) {
            serve_request(worker);
        }
    }
    return NULL;
}

static bool make_worker(struct http_server *server, struct worker *worker)
{
    worker->server = server;
    worker->fastcgi = fastcgi_create(server->stop_event, server->options.request_max_us);
    worker->arena = arena_create();
    worker->transfer = (struct http_transfer){
        .places = &server->transfers_left,
        .stopping = &server->stopping,
        .fastcgi = worker->fastcgi,
        .body_max_bytes = server->options.upload_max_bytes,
    };
    http_response_reset(&worker->response);
    return worker->fastcgi != NULL && worker->arena != NULL;
}

static void free_worker(struct worker *worker)
{
    fastcgi_destroy(&worker->fastcgi);
    arena_destroy(&worker->arena);
    buffer_free(&worker->body);
    buffer_free(&worker->head);
    http_response_free(&worker->response);
}

static enum result fill_server(struct http_server *server, struct error *error)
{
    const struct http_server_options *options = &server->options;
    server->stop_event = eventfd(0, EFD_CLOEXEC);
    if (server->stop_event < 0) {
        return error_set(error, RESULT_UNAVAILABLE, "http", "cannot make an event: %s",
                         strerror(errno));
    }
    bool made = true;
    for (int i = 0; i < options->threads && made; i++) {
        made = make_worker(server, &server->workers[i]);
    }
    server->router = http_router_create(options->routes, options->routes_count);
    if (!made || server->router == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "http", "no memory for the server");
    }
    enum result result = fastcgi_init(error);
    return result == RESULT_OK
               ? listener_open(&server->listener, options->socket_path, error)
               : result;
}

enum result http_server_create(const struct http_server_options *options,
                               struct http_server **server, struct error *error)
{
    assert(options->threads > 0);
    size_t threads = (size_t)options->threads;
    struct http_server *made = calloc(1, sizeof *made + threads * sizeof made->workers[0]);
    if (made == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "http", "no memory for the server");
    }
    made->options = *options;
    atomic_init(&made->transfers_left, options->transfers_max);
    atomic_init(&made->streams_end_us, INT64_MAX);
    made->listener.socket = -1;
    made->stop_event = -1;
    enum result result = fill_server(made, error);
    if (result != RESULT_OK) {
        http_server_destroy(&made);
    }
    *server = made;
    return result;
}

void http_server_destroy(struct http_server **server)
{
    if (*server == NULL) {
        return;
    }
    listener_close(&(*server)->listener);
    for (int i = 0; i < (*server)->options.threads; i++) {
        free_worker(&(*server)->workers[i]);
    }
    http_router_destroy(&(*server)->router);
    if ((*server)->stop_event >= 0) {
        close((*server)->stop_event);
    }
    free(*server);
    *server = NULL;
}

/* Workers block all signals but those that tell of their own mistakes. */
static int start_workers(struct http_server *server)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        sigdelset(&blocked, own[i]);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int started = 0;
    while (started < server->options.threads) {
        struct worker *worker = &server->workers[started];
        if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
            break;
        }
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void drain(struct http_server *server, int started)
{
    atomic_store(&server->stopping, true);
    atomic_store(&server->streams_end_us, clock_mono_us() + server->options.request_max_us);
    shutdown(server->listener.socket, SHUT_RDWR);
    eventfd_write(server->stop_event, 1);
    for (int i = 0; i < started; i++) {
        pthread_join(server->workers[i].thread, NULL);
    }
}

enum result http_server_run(struct http_server *server, struct error *error)
{
    sigset_t ours;
    sigset_t before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    enum result result = RESULT_OK;
    int started = start_workers(server);
    if (started < server->options.threads) {
        result = error_set(error, RESULT_NO_MEMORY, "http", "cannot start %d threads: %s",
                           server->options.threads, strerror(EAGAIN));
    } else {
        log_event(LOG_INFO_LEVEL, "ready", "socket", server->options.socket_path, NULL);
        int number = SIGHUP;
        while (number == SIGHUP) {
            sigwait(&ours, &number);
        }
        log_event(LOG_INFO_LEVEL, "stopping", "signal", number == SIGTERM ? "TERM" : "INT", NULL);
    }
    drain(server, started);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}
