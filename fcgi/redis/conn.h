/*
 * One connection to Redis, private to redis/.
 */
#ifndef REFRAIN_REDIS_CONN_H
#define REFRAIN_REDIS_CONN_H

#include "base/result.h"
#include "base/slice.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

/* A URL, taken apart. The texts belong to it. */
struct kv_address {
    char *path; /* of a unix socket; NULL: host and port */
    char *host;
    int port;
    char *user; /* NULL: none */
    char *password;
};
enum result kv_address_parse(const char *url, struct kv_address *address,
                             struct error *error) MUST_CHECK;
void kv_address_free(struct kv_address *address);

struct kv_conn;

/* The only way to a usable connection: connects, gives name and password. */
enum result kv_conn_open(const struct kv_address *address, int64_t deadline_us,
                         struct kv_conn **conn, struct error *error) MUST_CHECK;
void kv_conn_close(struct kv_conn **conn);

/* Whether all replies have been read and the server still holds its end. */
bool kv_conn_is_settled(const struct kv_conn *conn);
bool kv_conn_is_alive(const struct kv_conn *conn);

/* Queues a command, and writes all that is queued as far as the socket takes it. */
enum result kv_conn_send(struct kv_conn *conn, const struct slice *words, size_t words_count,
                         struct error *error) MUST_CHECK;

/* The next reply, whatever its type; the caller frees it with freeReplyObject(). A failed
 * connection is of no further use. */
enum result kv_conn_receive(struct kv_conn *conn, int64_t deadline_us, redisReply **reply,
                            struct error *error) MUST_CHECK;

#endif
