/*
 * One connection to Redis, private to redis/: commands out, replies in, each against a deadline.
 */
#ifndef REFRAIN_REDIS_CONN_H
#define REFRAIN_REDIS_CONN_H

#include "base/arena.h"
#include "base/result.h"
#include "base/slice.h"
#include "redis/kv.h"

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

/* Connects and no more: see kv_set_up() for the only way to a usable connection. `hashes_count` is
 * how many scripts will be loaded on it. The name of a host is looked up without a deadline. */
enum result kv_conn_open(const struct kv_address *address, size_t hashes_count,
                         int64_t deadline_us, struct kv_conn **conn,
                         struct error *error) MUST_CHECK;
void kv_conn_close(struct kv_conn **conn);

/* The hash under which a script is run, as Redis told it; the caller writes it once. */
enum { KV_HASH_SIZE = 40 };
char *kv_conn_hash(struct kv_conn *conn, size_t script_at);

/* Which server process is at the other end: see kv_node(). 0 until it is set. */
uint64_t kv_conn_node(const struct kv_conn *conn);
void kv_conn_set_node(struct kv_conn *conn, uint64_t node);

/* Whether a deadline has passed. */
bool kv_conn_is_silent(const struct kv_conn *conn);
/* Whether all replies have been read and nothing went wrong. */
bool kv_conn_is_settled(const struct kv_conn *conn);
/* Whether the server still holds its end of a settled connection; a system call. */
bool kv_conn_has_hung_up(const struct kv_conn *conn);
/* Whether the server answers. */
bool kv_conn_ping(struct kv_conn *conn, int64_t deadline_us);

/* Commands are queued, then sent together. What was queued is kept until the next start, and its
 * place is told by the size of the queue before and after it. */
void kv_conn_start(struct kv_conn *conn);
/* `head` and `words` make up one command. */
void kv_conn_queue(struct kv_conn *conn, const struct slice *head, size_t head_count,
                   const struct slice *words, size_t words_count);
size_t kv_conn_queue_size(const struct kv_conn *conn);
/* Queues once more what stands from `begin` to `end`: one command. */
void kv_conn_queue_again(struct kv_conn *conn, size_t begin, size_t end);

/* Writes what was queued, as far as the socket takes it; receiving writes the rest. */
enum result kv_conn_send(struct kv_conn *conn, struct error *error) MUST_CHECK;

/* The next reply, whatever its kind; its texts and items lie in `arena` (NULL: a text is dropped, a
 * list is an error). `may_be_there`: looks before it waits. A connection that failed is of no
 * further use. */
enum result kv_conn_receive(struct kv_conn *conn, bool may_be_there, int64_t deadline_us,
                            struct arena *arena, struct kv_reply *reply,
                            struct error *error) MUST_CHECK;

/* The next message, whether or not a command has asked for it, if one comes until `until_us`: after
 * that it looks once for what is there. *came false: none is whole yet; arena and reply belong to
 * the connection until one is. */
enum result kv_conn_await(struct kv_conn *conn, int64_t until_us, struct arena *arena,
                          struct kv_reply *reply, bool *came, struct error *error) MUST_CHECK;

#endif
