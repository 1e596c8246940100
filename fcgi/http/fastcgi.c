/*
 * What is ours and what is libfcgi's: libfcgi parses BEGIN_REQUEST, PARAMS and STDIN. Accepting is
 * ours, because its accept loop cannot be woken soundly; so it is given a connection, and no socket
 * to accept from. Writing is ours, because its writer copies all into records of 8 KB with a system
 * call each, without a deadline, where one sendmsg(2) will do. For that two fields of FCGX_Request
 * are used that its header calls private, ipcFd and keepConnection, and two of FCGX_Stream, rdNext
 * and stop, which tell how much of a body can be had without waiting; they are the same in 2.4.2 and
 * in 2.4.7.
 *
 * Waiting for the next request is ours as well, in poll(2) together with the event that tells of
 * the end. It is also quicker than libfcgi's read(2): a thread that reads a unix socket is woken
 * once for nothing when the peer takes the answer out of it, a thread that polls is not.
 */
#include "http/fastcgi.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

struct fastcgi {
    FCGX_Request request; /* ipcFd is negative without a connection */
    int stop_event;
    int64_t pause_max_us;
    bool used;  /* the connection has had a request */
    bool ended; /* the current request's body has been read to its end */
};

enum {
    first_bytes_max_ms = 500, /* web servers connect when they have a request */
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

/* What one sendmsg(2) takes. The content of a record may go on in the next batch. */
enum { batch_pieces = 64, end_pieces = 3 };
struct batch {
    const struct fastcgi *fastcgi;
    int64_t patience_us; /* the peer may take nothing for so long */
    size_t records_count;
    size_t pieces_count;
    size_t size_bytes; /* of all pieces */
    unsigned char headers[batch_pieces][record_header_bytes];
    struct iovec pieces[batch_pieces];
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

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

struct fastcgi *fastcgi_create(int stop_event, int64_t pause_max_us)
{
    struct fastcgi *fastcgi = calloc(1, sizeof *fastcgi);
    if (fastcgi != NULL) {
        fastcgi->stop_event = stop_event;
        fastcgi->pause_max_us = pause_max_us;
        FCGX_InitRequest(&fastcgi->request, -1, 0);
    }
    return fastcgi;
}

void fastcgi_destroy(struct fastcgi **fastcgi)
{
    if (*fastcgi == NULL) {
        return;
    }
    assert((*fastcgi)->request.ipcFd < 0);
    free(*fastcgi);
    *fastcgi = NULL;
}

void fastcgi_set_pause(struct fastcgi *fastcgi, int64_t pause_max_us)
{
    struct timeval pause_max = {.tv_sec = pause_max_us / 1000000,
                                .tv_usec = pause_max_us % 1000000};
    setsockopt(fastcgi->request.ipcFd, SOL_SOCKET, SO_RCVTIMEO, &pause_max, sizeof pause_max);
}

void fastcgi_open(struct fastcgi *fastcgi, int connection)
{
    assert(fastcgi->request.ipcFd < 0);
    FCGX_InitRequest(&fastcgi->request, -1, 0);
    fastcgi->request.ipcFd = connection;
    fastcgi_set_pause(fastcgi, fastcgi->pause_max_us);
    /* libfcgi begins a request by ending the one before, which had better not close this. */
    fastcgi->request.keepConnection = 1;
    fastcgi->used = false;
}

static void close_connection(struct fastcgi *fastcgi)
{
    close(fastcgi->request.ipcFd);
    fastcgi->request.ipcFd = -1;
}

/* Waits for something to read. A new connection may be a little ahead of its request, so the end of
 * the server is no reason to refuse it; but a silent one is not worth a thread. */
static bool is_request_coming(const struct fastcgi *fastcgi)
{
    struct pollfd ready[] = {
        {.fd = fastcgi->request.ipcFd, .events = POLLIN},
        {.fd = fastcgi->stop_event, .events = POLLIN},
    };
    int woken;
    do {
        woken = fastcgi->used ? poll(ready, 2, -1) : poll(ready, 1, first_bytes_max_ms);
    } while (woken < 0 && errno == EINTR);
    return ready[0].revents != 0;
}

bool fastcgi_next(struct fastcgi *fastcgi)
{
    if (fastcgi->request.ipcFd < 0) {
        return false;
    }
    if (!is_request_coming(fastcgi)) {
        close_connection(fastcgi);
        return false;
    }
    fastcgi->used = true;
    fastcgi->ended = false;
    /* Where the connection ends, libfcgi closes it and fails to accept another one. */
    return FCGX_Accept_r(&fastcgi->request) == 0;
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

size_t fastcgi_read_some(struct fastcgi *fastcgi, char *data, size_t room_bytes)
{
    assert(room_bytes > 0);
    FCGX_Stream *in = fastcgi->request.in;
    int first = FCGX_GetChar(in);
    if (first == EOF) {
        fastcgi->ended = !fastcgi_is_broken(fastcgi);
        return 0;
    }
    data[0] = (char)first;
    size_t there = smaller((size_t)(in->stop - in->rdNext), room_bytes - 1);
    return 1 + (size_t)FCGX_GetStr(data + 1, (int)there, in);
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

/* Patience of more than the usual pause ends with the server, after one such pause. */
static bool is_room_made(const struct batch *batch)
{
    const struct fastcgi *fastcgi = batch->fastcgi;
    struct pollfd ready[] = {
        {.fd = fastcgi->request.ipcFd, .events = POLLOUT},
        {.fd = fastcgi->stop_event, .events = POLLIN},
    };
    bool is_patient = batch->patience_us > fastcgi->pause_max_us;
    int64_t deadline_us = clock_mono_us() + batch->patience_us;
    int woken = poll(ready, is_patient ? 2 : 1, clock_left_ms(deadline_us));
    if (woken > 0 && ready[0].revents == 0) {
        deadline_us = clock_mono_us() + fastcgi->pause_max_us;
        woken = poll(ready, 1, clock_left_ms(deadline_us));
    }
    return woken > 0;
}

static void clear(struct batch *batch)
{
    batch->records_count = 0;
    batch->pieces_count = 0;
    batch->size_bytes = 0;
}

static void begin(struct batch *batch, const struct fastcgi *fastcgi, int64_t patience_us)
{
    batch->fastcgi = fastcgi;
    batch->patience_us = patience_us;
    clear(batch);
}

static bool send_batch(struct batch *batch)
{
    int connection = batch->fastcgi->request.ipcFd;
    struct iovec *pieces = batch->pieces;
    size_t count = batch->pieces_count;
    size_t left_bytes = batch->size_bytes;
    clear(batch);
    while (left_bytes > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
        ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            left_bytes -= (size_t)sent;
            if (left_bytes > 0) {
                advance(&pieces, &count, (size_t)sent);
            }
            continue;
        }
        if (errno != EINTR && (errno != EAGAIN || !is_room_made(batch))) {
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
        batch->size_bytes += size_bytes;
    }
}

static void add_record(struct batch *batch, int type, size_t content_bytes)
{
    int request_id = batch->fastcgi->request.requestId;
    unsigned char *header = batch->headers[batch->records_count++];
    header[0] = 1; /* the protocol's version */
    header[1] = (unsigned char)type;
    header[2] = (unsigned char)(request_id >> 8);
    header[3] = (unsigned char)request_id;
    header[4] = (unsigned char)(content_bytes >> 8);
    header[5] = (unsigned char)content_bytes;
    header[6] = 0;
    header[7] = 0;
    add_piece(batch, (const char *)header, record_header_bytes);
}

/* Adds one piece of an answer of which `left` bytes are to come, in records of which the last one
 * still takes `room`. A batch is sent as soon as there might be no room for the end of the request. */
static bool add_content(struct batch *batch, struct slice piece, size_t *left, size_t *room)
{
    while (piece.size_bytes > 0) {
        if (batch->pieces_count + 2 + end_pieces > batch_pieces && !send_batch(batch)) {
            return false;
        }
        if (*room == 0) {
            *room = smaller(*left, record_content_max_bytes);
            add_record(batch, type_stdout, *room);
        }
        size_t size = smaller(piece.size_bytes, *room);
        add_piece(batch, piece.data, size);
        piece = slice_of(piece.data + size, piece.size_bytes - size);
        *left -= size;
        *room -= size;
    }
    return true;
}

static bool add_pieces(struct batch *batch, const struct slice *pieces, size_t count)
{
    size_t left = 0;
    size_t room = 0;
    for (size_t i = 0; i < count; i++) {
        left += pieces[i].size_bytes;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_content(batch, pieces[i], &left, &room)) {
            return false;
        }
    }
    return true;
}

bool fastcgi_send(struct fastcgi *fastcgi, const struct slice *pieces, size_t count,
                  int64_t patience_us)
{
    struct batch batch;
    begin(&batch, fastcgi, patience_us);
    return add_pieces(&batch, pieces, count) && send_batch(&batch);
}

static bool send_answer(const struct fastcgi *fastcgi, const struct slice *pieces, size_t count)
{
    struct batch batch;
    begin(&batch, fastcgi, fastcgi->pause_max_us);
    if (!add_pieces(&batch, pieces, count)) {
        return false;
    }
    /* An exit status of 0, and 0 for "request complete". */
    static const char end_request[end_request_body_bytes];
    add_record(&batch, type_stdout, 0);
    add_record(&batch, type_end_request, sizeof end_request);
    add_piece(&batch, end_request, sizeof end_request);
    return send_batch(&batch);
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

void fastcgi_answer(struct fastcgi *fastcgi, const struct slice *pieces, size_t count, bool last)
{
    FCGX_Request *request = &fastcgi->request;
    bool keep = request->keepConnection != 0 && fastcgi->ended && !last;
    bool sent = send_answer(fastcgi, pieces, count);
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
