/*
 * hiredis 0.14 keeps its time-out per read() and forgets it at a reconnect, so contexts here are
 * non-blocking, every wait is a poll() against one deadline for the whole reply, and a context that
 * failed is thrown away: a late reply would answer the next question. `owed` counts replies.
 *
 * Of hiredis only connecting and the parser are used. Replies are made by functions of ours, right
 * where they are wanted: no allocation but the arena's, and a claimed length alone reserves nothing
 * that could hurt. Commands are written by us into one buffer a connection, of any number of words.
 */
#include "redis/conn.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

/* More than we ever store; Redis itself would go to 512 MiB. */
static const size_t unread_max_bytes = (size_t)64 << 20;
enum { ITEMS_MAX = 1 << 20 };
/* A queue that a rare large batch has grown is not kept. */
static const size_t queue_keep_bytes = (size_t)1 << 19;

struct kv_conn {
    redisContext *context;
    struct buffer queue;
    size_t sent_bytes; /* of the queue */
    int owed;
    uint64_t node;
    bool failed;
    bool is_silent;
    struct arena *arena;    /* of the reply that is being read */
    struct kv_reply *reply; /* likewise */
    char hashes[][KV_HASH_SIZE];
};

static enum result fail(struct kv_conn *conn, struct error *error, const char *text)
{
    conn->failed = true;
    return error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %s", text);
}

/* Where a reply belongs: to its list, or it is the whole. */
static struct kv_reply *place_of(const redisReadTask *task)
{
    if (task->parent == NULL) {
        return ((struct kv_conn *)task->privdata)->reply;
    }
    const struct kv_reply *list = task->parent->obj;
    return (struct kv_reply *)list->items + task->idx;
}

static void *make_text(const redisReadTask *task, char *text, size_t size_bytes)
{
    struct kv_conn *conn = task->privdata;
    struct kv_reply *reply = place_of(task);
    *reply = (struct kv_reply){.kind = task->type == REDIS_REPLY_ERROR ? KV_REFUSED : KV_TEXT};
    if (conn->arena != NULL) {
        reply->text = slice_of(arena_copy(conn->arena, slice_of(text, size_bytes)), size_bytes);
    }
    return conn->arena == NULL || reply->text.data != NULL ? reply : NULL;
}

static void *make_list(const redisReadTask *task, int items_count)
{
    struct kv_conn *conn = task->privdata;
    struct kv_reply *reply = place_of(task);
    if (items_count > ITEMS_MAX || conn->arena == NULL) {
        return NULL;
    }
    *reply = (struct kv_reply){.kind = KV_LIST, .items_count = (size_t)items_count};
    reply->items = arena_alloc(conn->arena, reply->items_count * sizeof *reply);
    return reply->items != NULL ? reply : NULL;
}

static void *make_number(const redisReadTask *task, long long number)
{
    struct kv_reply *reply = place_of(task);
    *reply = (struct kv_reply){.kind = KV_NUMBER, .number = number};
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    struct kv_reply *reply = place_of(task);
    *reply = (struct kv_reply){.kind = KV_ABSENT};
    return reply;
}

/* The arena does. */
static void free_nothing(void *reply)
{
    (void)reply;
}

static redisReplyObjectFunctions makers = {make_text, make_list, make_number, make_nil,
                                           free_nothing};

static const int64_t lateness_max_us = 500000;

static enum result wait_socket(struct kv_conn *conn, short events, int64_t deadline_us,
                               struct error *error)
{
    struct pollfd poll_fd = {.fd = conn->context->fd, .events = events};
    int ready;
    do {
        ready = poll(&poll_fd, 1, clock_left_ms(deadline_us));
    } while (ready < 0 && errno == EINTR);
    /* A thread that had to wait for the processor may come late to what is there; one that is fed bit
     * by bit is held for this long and no longer. */
    if (ready > 0 && clock_mono_us() > deadline_us + lateness_max_us) {
        ready = 0;
    }
    conn->is_silent = ready == 0;
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

enum result kv_conn_open(const struct kv_address *address, size_t hashes_count,
                         int64_t deadline_us, struct kv_conn **conn, struct error *error)
{
    *conn = calloc(1, sizeof **conn + hashes_count * KV_HASH_SIZE);
    if (*conn == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    redisContext *context = address->path != NULL
                                ? redisConnectUnixNonBlock(address->path)
                                : redisConnectNonBlock(address->host, address->port);
    (*conn)->context = context;
    enum result result;
    if (context == NULL) {
        result = error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    } else if (context->err != 0) {
        result = fail(*conn, error, context->errstr);
    } else {
        context->reader->fn = &makers;
        context->reader->privdata = *conn;
        result = finish_connecting(*conn, deadline_us, error);
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
        buffer_free(&(*conn)->queue);
        free(*conn);
        *conn = NULL;
    }
}

char *kv_conn_hash(struct kv_conn *conn, size_t script_at)
{
    return conn->hashes[script_at];
}

uint64_t kv_conn_node(const struct kv_conn *conn)
{
    return conn->node;
}

void kv_conn_set_node(struct kv_conn *conn, uint64_t node)
{
    conn->node = node;
}

bool kv_conn_is_silent(const struct kv_conn *conn)
{
    return conn->is_silent;
}

bool kv_conn_is_settled(const struct kv_conn *conn)
{
    return !conn->failed && conn->owed == 0;
}

bool kv_conn_has_hung_up(const struct kv_conn *conn)
{
    struct pollfd poll_fd = {.fd = conn->context->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) != 0;
}

bool kv_conn_ping(struct kv_conn *conn, int64_t deadline_us)
{
    const struct slice ping = slice_text("PING");
    struct kv_reply reply;
    struct error error;
    kv_conn_start(conn);
    kv_conn_queue(conn, &ping, 1, NULL, 0);
    return kv_conn_send(conn, &error) == RESULT_OK
           && kv_conn_receive(conn, false, deadline_us, NULL, &reply, &error) == RESULT_OK
           && reply.kind == KV_TEXT;
}

void kv_conn_start(struct kv_conn *conn)
{
    if (conn->queue.room_bytes > queue_keep_bytes) {
        buffer_free(&conn->queue);
    }
    buffer_clear(&conn->queue);
    conn->sent_bytes = 0;
}

/* A size, or a count, as the protocol writes it. */
static void queue_number(struct buffer *queue, char mark, size_t number)
{
    buffer_append_char(queue, mark);
    buffer_append_int(queue, (int64_t)number);
    buffer_append(queue, "\r\n", 2);
}

static void queue_words(struct buffer *queue, const struct slice *words, size_t words_count)
{
    for (size_t i = 0; i < words_count; i++) {
        queue_number(queue, '$', words[i].size_bytes);
        buffer_append_slice(queue, words[i]);
        buffer_append(queue, "\r\n", 2);
    }
}

void kv_conn_queue(struct kv_conn *conn, const struct slice *head, size_t head_count,
                   const struct slice *words, size_t words_count)
{
    queue_number(&conn->queue, '*', head_count + words_count);
    queue_words(&conn->queue, head, head_count);
    queue_words(&conn->queue, words, words_count);
    conn->owed++;
}

size_t kv_conn_queue_size(const struct kv_conn *conn)
{
    return conn->queue.size_bytes;
}

void kv_conn_queue_again(struct kv_conn *conn, size_t begin, size_t end)
{
    char *copy = buffer_reserve(&conn->queue, end - begin);
    if (copy != NULL) {
        memcpy(copy, conn->queue.data + begin, end - begin);
        buffer_grown(&conn->queue, end - begin);
    }
    conn->owed++;
}

enum result kv_conn_send(struct kv_conn *conn, struct error *error)
{
    if (buffer_result(&conn->queue) != RESULT_OK) {
        fail(conn, NULL, "");
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    while (conn->sent_bytes < conn->queue.size_bytes) {
        ssize_t size = send(conn->context->fd, conn->queue.data + conn->sent_bytes,
                            conn->queue.size_bytes - conn->sent_bytes, MSG_NOSIGNAL);
        if (size >= 0) {
            conn->sent_bytes += (size_t)size;
        } else if (errno == EAGAIN) {
            return RESULT_OK;
        } else if (errno != EINTR) {
            return fail(conn, error, strerror(errno));
        }
    }
    return RESULT_OK;
}

/* Writes what is left and reads what is there. */
static enum result exchange(struct kv_conn *conn, struct error *error)
{
    enum result result = kv_conn_send(conn, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (redisBufferRead(conn->context) != REDIS_OK) {
        return fail(conn, error, conn->context->errstr);
    }
    const redisReader *reader = conn->context->reader;
    return reader->len - reader->pos <= unread_max_bytes ? RESULT_OK
                                                         : fail(conn, error, "a giant reply");
}

/* Goes on with the reply as far as it has been read. */
static enum result parse(struct kv_conn *conn, struct arena *arena, struct kv_reply *reply,
                         bool *is_whole, struct error *error)
{
    void *read = NULL;
    *is_whole = false;
    conn->arena = arena;
    conn->reply = reply;
    if (redisGetReplyFromReader(conn->context, &read) != REDIS_OK) {
        return fail(conn, error, conn->context->errstr);
    }
    *is_whole = read != NULL;
    return RESULT_OK;
}

enum result kv_conn_receive(struct kv_conn *conn, bool may_be_there, int64_t deadline_us,
                            struct arena *arena, struct kv_reply *reply, struct error *error)
{
    for (bool shall_wait = !may_be_there;; shall_wait = true) {
        bool is_whole;
        enum result result = parse(conn, arena, reply, &is_whole, error);
        if (is_whole) {
            conn->owed--;
        }
        if (result != RESULT_OK || is_whole) {
            return result;
        }
        if (shall_wait) {
            bool all_sent = conn->sent_bytes == conn->queue.size_bytes;
            result = wait_socket(conn, (short)(all_sent ? POLLIN : POLLIN | POLLOUT),
                                 deadline_us, error);
        }
        if (result == RESULT_OK) {
            result = exchange(conn, error);
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
}

static bool is_readable(const struct kv_conn *conn, int64_t until_us)
{
    struct pollfd poll_fd = {.fd = conn->context->fd, .events = POLLIN};
    return poll(&poll_fd, 1, clock_left_ms(until_us)) > 0;
}

enum result kv_conn_await(struct kv_conn *conn, int64_t until_us, struct arena *arena,
                          struct kv_reply *reply, bool *came, struct error *error)
{
    enum result result = parse(conn, arena, reply, came, error);
    for (bool has_time = true; result == RESULT_OK && !*came && has_time;) {
        if (is_readable(conn, until_us)) {
            result = exchange(conn, error);
            if (result == RESULT_OK) {
                result = parse(conn, arena, reply, came, error);
            }
        }
        has_time = clock_mono_us() < until_us;
    }
    conn->owed -= *came && conn->owed > 0;
    return result;
}
