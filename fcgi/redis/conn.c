/*
 * hiredis 0.14 keeps its time-out per read() and forgets it at a reconnect, so contexts here are
 * non-blocking, every wait is a poll() against one deadline for the whole reply, and a context that
 * failed is thrown away: a late reply would answer the next question. `owed` counts replies.
 */
#include "redis/conn.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { WORDS_MAX = 64 };

struct kv_conn {
    redisContext *context;
    int owed;
    bool failed;
};

static enum result fail(struct kv_conn *conn, struct error *error, const char *text)
{
    conn->failed = true;
    return error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %s", text);
}

static enum result wait_socket(struct kv_conn *conn, short events, int64_t deadline_us,
                               struct error *error)
{
    struct pollfd poll_fd = {.fd = conn->context->fd, .events = events};
    int ready;
    do {
        ready = poll(&poll_fd, 1, clock_left_ms(deadline_us));
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? RESULT_OK : fail(conn, error, "no answer in time");
}

static enum result finish_connecting(struct kv_conn *conn, int64_t deadline_us,
                                     struct error *error)
{
    enum result result = wait_socket(conn, POLLOUT, deadline_us, error);
    if (result != RESULT_OK) {
        return result;
    }
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(conn->context->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) {
        code = errno;
    }
    return code == 0 ? RESULT_OK : fail(conn, error, strerror(code));
}

/* A command whose answer is only whether it went well. */
static enum result command(struct kv_conn *conn, const struct slice *words, size_t words_count,
                           int64_t deadline_us, struct error *error)
{
    redisReply *reply = NULL;
    enum result result = kv_conn_send(conn, words, words_count, error);
    if (result == RESULT_OK) {
        result = kv_conn_receive(conn, deadline_us, &reply, error);
    }
    if (result == RESULT_OK && reply->type == REDIS_REPLY_ERROR) {
        result = fail(conn, error, reply->str);
    }
    freeReplyObject(reply);
    return result;
}

static enum result introduce(struct kv_conn *conn, const struct kv_address *address,
                             int64_t deadline_us, struct error *error)
{
    if (address->password != NULL) {
        struct slice words[3] = {slice_text("AUTH")};
        size_t count = 1;
        if (address->user != NULL) {
            words[count++] = slice_text(address->user);
        }
        words[count++] = slice_text(address->password);
        enum result result = command(conn, words, count, deadline_us, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    const struct slice name[] = {slice_text("CLIENT"), slice_text("SETNAME"),
                                 slice_text("refrain")};
    return command(conn, name, 3, deadline_us, error);
}

enum result kv_conn_open(const struct kv_address *address, int64_t deadline_us,
                         struct kv_conn **conn, struct error *error)
{
    *conn = calloc(1, sizeof **conn);
    if (*conn == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    (*conn)->context = address->path != NULL
                           ? redisConnectUnixNonBlock(address->path)
                           : redisConnectNonBlock(address->host, address->port);
    enum result result;
    if ((*conn)->context == NULL) {
        result = error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    } else if ((*conn)->context->err != 0) {
        result = fail(*conn, error, (*conn)->context->errstr);
    } else {
        result = finish_connecting(*conn, deadline_us, error);
    }
    if (result == RESULT_OK) {
        result = introduce(*conn, address, deadline_us, error);
    }
    if (result != RESULT_OK) {
        kv_conn_close(conn);
    }
    return result;
}

void kv_conn_close(struct kv_conn **conn)
{
    if (*conn != NULL) {
        if ((*conn)->context != NULL) {
            redisFree((*conn)->context);
        }
        free(*conn);
        *conn = NULL;
    }
}

bool kv_conn_is_settled(const struct kv_conn *conn)
{
    return !conn->failed && conn->owed == 0;
}

bool kv_conn_is_alive(const struct kv_conn *conn)
{
    struct pollfd poll_fd = {.fd = conn->context->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 0;
}

enum result kv_conn_send(struct kv_conn *conn, const struct slice *words, size_t words_count,
                         struct error *error)
{
    const char *texts[WORDS_MAX];
    size_t sizes[WORDS_MAX];
    if (words_count > WORDS_MAX) {
        return error_set(error, RESULT_TOO_LARGE, "redis", "more than %d words in a command",
                         WORDS_MAX);
    }
    for (size_t i = 0; i < words_count; i++) {
        texts[i] = words[i].data;
        sizes[i] = words[i].size_bytes;
    }
    int done = 0;
    if (redisAppendCommandArgv(conn->context, (int)words_count, texts, sizes) != REDIS_OK
        || redisBufferWrite(conn->context, &done) != REDIS_OK) {
        return fail(conn, error, conn->context->errstr);
    }
    conn->owed++;
    return RESULT_OK;
}

/* Writes what is left and reads what is there. */
static enum result exchange(struct kv_conn *conn, bool *all_written, struct error *error)
{
    int done = 0;
    if (redisBufferWrite(conn->context, &done) != REDIS_OK
        || redisBufferRead(conn->context) != REDIS_OK) {
        return fail(conn, error, conn->context->errstr);
    }
    *all_written = done != 0;
    return RESULT_OK;
}

enum result kv_conn_receive(struct kv_conn *conn, int64_t deadline_us, redisReply **reply,
                            struct error *error)
{
    void *read = NULL;
    *reply = NULL;
    /* Read before waiting: the caller has been busy elsewhere, and the reply is mostly there. */
    for (bool is_first = true, all_written = true;; is_first = false) {
        if (redisGetReplyFromReader(conn->context, &read) != REDIS_OK) {
            return fail(conn, error, conn->context->errstr);
        }
        if (read != NULL) {
            conn->owed--;
            *reply = read;
            return RESULT_OK;
        }
        enum result result = RESULT_OK;
        if (!is_first) {
            result = wait_socket(conn, (short)(all_written ? POLLIN : POLLIN | POLLOUT),
                                 deadline_us, error);
        }
        if (result == RESULT_OK) {
            result = exchange(conn, &all_written, error);
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
}
