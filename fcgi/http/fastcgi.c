/*
 * What is ours and what is libfcgi's: libfcgi parses BEGIN_REQUEST, PARAMS and STDIN. Accepting is
 * ours, because its accept loop cannot be woken soundly; so it is given a connection, and no socket
 * to accept from. Writing is ours, because its writer copies all into records of 8 KB with a system
 * call each, without a deadline, where one sendmsg(2) will do. For that two fields of FCGX_Request
 * are used that its header calls private, ipcFd and keepConnection; they are the same in 2.4.2 and
 * in 2.4.7.
 *
 * Stopping: a thread between two requests is blocked in libfcgi's read(2). Another thread wakes it
 * by shutdown(2) of the receiving side: what has arrived by then is still read and answered, and
 * then the read sees the end. The descriptor for that is a duplicate of our own, because libfcgi
 * closes the original whenever the peer goes away, and its number may by then belong to a database
 * connection. `lock` guards guard, waiting and stopping; the rest is the serving thread's.
 */
#include "http/fastcgi.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct fastcgi {
    FCGX_Request request;
    bool used;  /* the connection has had a request */
    bool ended; /* the current request's body has been read to its end */
    pthread_mutex_t lock;
    int guard; /* -1 without a connection */
    bool waiting;
    bool stopping;
};

enum {
    first_bytes_max_ms = 500, /* web servers connect when they have a request */
    send_stall_max_ms = 10000,
    linger_max_us = 1000000,
};

/* The protocol: https://fastcgi-archives.github.io/FastCGI_Specification.html, section 8. */
enum {
    record_header_bytes = 8,
    record_content_max_bytes = 65528, /* a multiple of 8 under 64 KiB, so that none needs padding */
    end_request_body_bytes = 8,
    type_end_request = 3,
    type_stdout = 6,
};

/* What one sendmsg(2) takes: records of a header and up to two pieces of content, and the two that
 * end a request. */
enum { batch_content_records = 8, batch_records = batch_content_records + 2 };
struct batch {
    int request_id;
    size_t records_count;
    size_t pieces_count;
    unsigned char headers[batch_records][record_header_bytes];
    struct iovec pieces[3 * batch_records];
};

enum result fastcgi_init(struct error *error)
{
    if (FCGX_Init() != 0) {
        return error_set(error, RESULT_INTERNAL, "http", "libfcgi cannot start");
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    return RESULT_OK;
}

struct fastcgi *fastcgi_create(void)
{
    struct fastcgi *fastcgi = calloc(1, sizeof *fastcgi);
    if (fastcgi != NULL) {
        fastcgi->guard = -1;
        FCGX_InitRequest(&fastcgi->request, -1, 0);
        pthread_mutex_init(&fastcgi->lock, NULL);
    }
    return fastcgi;
}

void fastcgi_destroy(struct fastcgi **fastcgi)
{
    if (*fastcgi == NULL) {
        return;
    }
    assert((*fastcgi)->guard == -1);
    pthread_mutex_destroy(&(*fastcgi)->lock);
    free(*fastcgi);
    *fastcgi = NULL;
}

void fastcgi_open(struct fastcgi *fastcgi, int connection)
{
    assert(fastcgi->guard == -1);
    FCGX_InitRequest(&fastcgi->request, -1, 0);
    fastcgi->request.ipcFd = connection;
    /* libfcgi begins a request by ending the one before, which had better not close this. */
    fastcgi->request.keepConnection = 1;
    fastcgi->used = false;
    int guard = fcntl(connection, F_DUPFD_CLOEXEC, 0);
    if (guard < 0) {
        close(connection);
        fastcgi->request.ipcFd = -1;
    }
    pthread_mutex_lock(&fastcgi->lock);
    fastcgi->guard = guard;
    pthread_mutex_unlock(&fastcgi->lock);
}

static void close_guard(struct fastcgi *fastcgi)
{
    pthread_mutex_lock(&fastcgi->lock);
    close(fastcgi->guard);
    fastcgi->guard = -1;
    pthread_mutex_unlock(&fastcgi->lock);
}

static void close_connection(struct fastcgi *fastcgi)
{
    close(fastcgi->request.ipcFd);
    fastcgi->request.ipcFd = -1;
    close_guard(fastcgi);
}

/* A new connection may be a little ahead of its request, but a silent one is not worth a thread. */
static bool has_begun(const struct fastcgi *fastcgi)
{
    struct pollfd ready = {.fd = fastcgi->request.ipcFd, .events = POLLIN};
    return poll(&ready, 1, first_bytes_max_ms) > 0;
}

bool fastcgi_next(struct fastcgi *fastcgi)
{
    if (fastcgi->guard < 0) {
        return false;
    }
    pthread_mutex_lock(&fastcgi->lock);
    bool go_on = !fastcgi->used || !fastcgi->stopping;
    fastcgi->waiting = go_on && fastcgi->used;
    pthread_mutex_unlock(&fastcgi->lock);
    if (!go_on || (!fastcgi->used && !has_begun(fastcgi))) {
        close_connection(fastcgi);
        return false;
    }
    /* Where the connection ends, libfcgi closes it and fails to accept another one. */
    bool begun = FCGX_Accept_r(&fastcgi->request) == 0;
    fastcgi->used = true;
    fastcgi->ended = false;
    pthread_mutex_lock(&fastcgi->lock);
    fastcgi->waiting = false;
    pthread_mutex_unlock(&fastcgi->lock);
    if (!begun) {
        close_guard(fastcgi);
    }
    return begun;
}

char *const *fastcgi_parameters(const struct fastcgi *fastcgi)
{
    return fastcgi->request.envp;
}

size_t fastcgi_read(struct fastcgi *fastcgi, char *data, size_t size_bytes)
{
    enum { most_bytes = 1 << 30 };
    size_t done = 0;
    while (done < size_bytes) {
        size_t left = size_bytes - done;
        int wanted = (int)(left > most_bytes ? most_bytes : left);
        int got = FCGX_GetStr(data + done, wanted, fastcgi->request.in);
        done += (size_t)got;
        if (got < wanted) {
            fastcgi->ended = !fastcgi_is_broken(fastcgi);
            break;
        }
    }
    return done;
}

bool fastcgi_is_broken(const struct fastcgi *fastcgi)
{
    return FCGX_GetError(fastcgi->request.in) != 0;
}

static void advance(struct iovec **pieces, size_t *count, size_t sent_bytes)
{
    while (*count > 0 && sent_bytes >= (*pieces)->iov_len) {
        sent_bytes -= (*pieces)->iov_len;
        (*pieces)++;
        (*count)--;
    }
    if (sent_bytes > 0) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + sent_bytes;
        (*pieces)->iov_len -= sent_bytes;
    }
}

static bool send_pieces(int connection, struct iovec *pieces, size_t count)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
        ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            advance(&pieces, &count, (size_t)sent);
            continue;
        }
        struct pollfd room = {.fd = connection, .events = POLLOUT};
        if (errno != EINTR && (errno != EAGAIN || poll(&room, 1, send_stall_max_ms) <= 0)) {
            return false;
        }
    }
    return true;
}

static void add_piece(struct batch *batch, const char *data, size_t size_bytes)
{
    if (size_bytes > 0) {
        batch->pieces[batch->pieces_count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size_bytes};
    }
}

static void add_record(struct batch *batch, int type, size_t content_bytes)
{
    unsigned char *header = batch->headers[batch->records_count++];
    header[0] = 1; /* the protocol's version */
    header[1] = (unsigned char)type;
    header[2] = (unsigned char)(batch->request_id >> 8);
    header[3] = (unsigned char)batch->request_id;
    header[4] = (unsigned char)(content_bytes >> 8);
    header[5] = (unsigned char)content_bytes;
    header[6] = 0;
    header[7] = 0;
    add_piece(batch, (const char *)header, record_header_bytes);
}

static size_t add_content(struct batch *batch, struct slice *rest, size_t room_bytes)
{
    size_t size = rest->size_bytes < room_bytes ? rest->size_bytes : room_bytes;
    add_piece(batch, rest->data, size);
    *rest = slice_of(rest->data + size, rest->size_bytes - size);
    return room_bytes - size;
}

static bool send_answer(int connection, int request_id, struct slice head, struct slice body)
{
    struct batch batch = {.request_id = request_id};
    for (;;) {
        size_t left = head.size_bytes + body.size_bytes;
        if (left == 0) {
            break;
        }
        size_t size = left < record_content_max_bytes ? left : record_content_max_bytes;
        add_record(&batch, type_stdout, size);
        add_content(&batch, &body, add_content(&batch, &head, size));
        if (batch.records_count == batch_content_records) {
            if (!send_pieces(connection, batch.pieces, batch.pieces_count)) {
                return false;
            }
            batch.records_count = 0;
            batch.pieces_count = 0;
        }
    }
    /* An exit status of 0, and 0 for "request complete". */
    static const char end_request[end_request_body_bytes];
    add_record(&batch, type_stdout, 0);
    add_record(&batch, type_end_request, sizeof end_request);
    add_piece(&batch, end_request, sizeof end_request);
    return send_pieces(connection, batch.pieces, batch.pieces_count);
}

/* A peer that is still sending finds its connection reset once we close, and may never look at the
 * answer. So it gets a moment to end the connection itself. */
static void linger(int connection)
{
    char trash[16 * 1024];
    int64_t deadline_us = clock_mono_us() + linger_max_us;
    struct pollfd more = {.fd = connection, .events = POLLIN};
    shutdown(connection, SHUT_WR);
    while (poll(&more, 1, clock_left_ms(deadline_us)) > 0
           && read(connection, trash, sizeof trash) > 0) {
    }
}

void fastcgi_answer(struct fastcgi *fastcgi, struct slice head, struct slice body)
{
    FCGX_Request *request = &fastcgi->request;
    bool keep = request->keepConnection != 0 && fastcgi->ended;
    bool sent = send_answer(request->ipcFd, request->requestId, head, body);
    FCGX_Free(request, 0);
    if (sent && keep) {
        return;
    }
    if (sent && !fastcgi->ended) {
        linger(request->ipcFd);
    }
    close_connection(fastcgi);
}

void fastcgi_drop(struct fastcgi *fastcgi)
{
    FCGX_Free(&fastcgi->request, 0);
    close_connection(fastcgi);
}

void fastcgi_stop(struct fastcgi *fastcgi, bool at_once)
{
    pthread_mutex_lock(&fastcgi->lock);
    fastcgi->stopping = true;
    if (fastcgi->guard >= 0 && (fastcgi->waiting || at_once)) {
        shutdown(fastcgi->guard, at_once ? SHUT_RDWR : SHUT_RD);
    }
    pthread_mutex_unlock(&fastcgi->lock);
}
