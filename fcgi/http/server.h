/*
 * The FastCGI server: threads that accept on one unix socket, read a request, route it, and write
 * the response in one go.
 */
#ifndef REFRAIN_HTTP_SERVER_H
#define REFRAIN_HTTP_SERVER_H

#include "http/http.h"

struct http_server;

struct http_server_options {
    const char *socket_path; /* mode 0660; a stale one is replaced, a live one refused */
    int threads;             /* each holds one connection, be it idle (keep-alive) or not */
    int transfers_max;       /* requests at a time that may last long: http_begin_transfer() */
    size_t body_max_bytes;   /* a longer body is 413 and not read */
    size_t upload_max_bytes; /* the same for a body that a handler reads */
    int64_t request_max_us;  /* deadline of a request from its arrival, and of every wait for the
                              * web server in the middle of it */
    int64_t stall_max_us;    /* how long nothing may be taken of an answer that is streamed; it
                              * should exceed request_max_us */
    const struct http_route *routes;
    size_t routes_count;
    void *context; /* handed to every handler */
};

/* Binds the socket; who connects waits until http_server_run(). The options are copied, what they
 * point to is not. RESULT_CONFLICT where another process serves the socket. */
enum result http_server_create(const struct http_server_options *options,
                               struct http_server **server, struct error *error) MUST_CHECK;

/* Serves until SIGTERM or SIGINT, then accepts no more, ends the requests in flight, joins the
 * threads and returns. SIGHUP does nothing yet. The calling thread owns these signals: threads that
 * exist already must block them. Logs event=ready once it accepts. */
enum result http_server_run(struct http_server *server, struct error *error) MUST_CHECK;

/* Removes the socket as well. */
void http_server_destroy(struct http_server **server);

#endif
