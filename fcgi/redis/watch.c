/*
 * Tracking as it can be had with RESP2: the connection tracks by prefix (BCAST), redirects what is
 * tracked to itself, and subscribes to the channel on which that arrives. With another connection
 * as the target, the end of either would be told to nobody; of this one it is an end of file, or a
 * PING without an answer.
 *
 * Redis writes what it has to tell before it writes the answers to the commands of the same turn of
 * its loop. So whoever has the answer to a command, and after that the answer to a PING on this
 * connection, has been told of everything that happened before the command. Between tracking and
 * subscribing Redis drops what it has to tell; after the confirmation of the latter nothing is
 * dropped but with the connection.
 *
 * In this state a server may send exactly two things, told apart by their first word: pushes and
 * the answer to PING. Anything else means that we do not understand each other, and ends the watch.
 * A push may hold many thousands of keys, in an arena of its own that is emptied after each one; it
 * may also come in parts, so arena and message stay in place between calls.
 */
#include "redis/watch.h"

#include "base/clock.h"
#include "redis/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char channel[] = "__redis__:invalidate";

/* Pushes that lie before the answer to PING may be many. */
static const int64_t lateness_max_us = 500000;

struct kv_watch {
    struct kv_watch_options options;
    struct kv_setup setup;
    struct kv_conn *conn;
    struct arena *arena;     /* of the message */
    struct kv_reply message; /* that is being read */
};

static enum result fail(struct error *error, const char *text)
{
    return error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %s", text);
}

/* Sends one command and waits for its answer, which is read until the next one. */
static enum result ask(struct kv_watch *watch, const struct slice *words, size_t words_count,
                       int64_t deadline_us, struct error *error)
{
    arena_reset(watch->arena);
    kv_conn_start(watch->conn);
    kv_conn_queue(watch->conn, words, words_count, NULL, 0);
    enum result result = kv_conn_send(watch->conn, error);
    if (result == RESULT_OK) {
        result = kv_conn_receive(watch->conn, false, deadline_us, watch->arena, &watch->message,
                                 error);
    }
    if (result == RESULT_OK && watch->message.kind == KV_REFUSED) {
        result = error_set(error, RESULT_UNAVAILABLE, "redis",
                           "Redis: %.*s (watching keys needs the commands +client|id "
                           "+client|tracking +subscribe and the channel &%s)",
                           SLICE_ARGS(watch->message.text), channel);
    }
    return result;
}

static bool item_is(const struct kv_reply *list, size_t at, const char *text)
{
    struct kv_reply item = kv_reply_item(list, at);
    return item.kind == KV_TEXT && slice_is(item.text, text);
}

static enum result track(struct kv_watch *watch, int64_t deadline_us, struct error *error)
{
    const struct slice id[] = {slice_text("CLIENT"), slice_text("ID")};
    enum result result = ask(watch, id, 2, deadline_us, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (watch->message.kind != KV_NUMBER) {
        return fail(error, "no number for this connection");
    }
    char own_id[24];
    snprintf(own_id, sizeof own_id, "%" PRId64, watch->message.number);
    const struct slice tracking[] = {slice_text("CLIENT"), slice_text("TRACKING"),
                                     slice_text("ON"),     slice_text("REDIRECT"),
                                     slice_text(own_id),   slice_text("BCAST"),
                                     slice_text("PREFIX"), slice_text(watch->options.prefix)};
    result = ask(watch, tracking, sizeof tracking / sizeof *tracking, deadline_us, error);
    if (result == RESULT_OK
        && (watch->message.kind != KV_TEXT || !slice_is(watch->message.text, "OK"))) {
        result = fail(error, "no OK for CLIENT TRACKING");
    }
    return result;
}

static enum result subscribe(struct kv_watch *watch, int64_t deadline_us, struct error *error)
{
    const struct slice words[] = {slice_text("SUBSCRIBE"), slice_text(channel)};
    enum result result = ask(watch, words, 2, deadline_us, error);
    const struct kv_reply *message = &watch->message;
    if (result == RESULT_OK
        && (message->items_count != 3 || !item_is(message, 0, "subscribe")
            || !item_is(message, 1, channel))) {
        result = fail(error, "no confirmation of SUBSCRIBE");
    }
    return result;
}

enum result kv_watch_open(const struct kv_watch_options *options, int64_t deadline_us,
                          struct kv_watch **watch, struct error *error)
{
    struct kv_watch *opened = calloc(1, sizeof *opened);
    *watch = opened;
    if (opened == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    opened->options = *options;
    opened->setup.name = "refrain-watch";
    opened->setup.is_quiet = true;
    opened->arena = arena_create();
    enum result result = opened->arena == NULL
                             ? error_set(error, RESULT_NO_MEMORY, "redis", "out of memory")
                             : kv_address_parse(options->url, &opened->setup.address, error);
    if (result == RESULT_OK) {
        result = kv_set_up(&opened->setup, deadline_us, &opened->conn, error);
    }
    if (result == RESULT_OK) {
        result = track(opened, deadline_us, error);
    }
    if (result == RESULT_OK) {
        result = subscribe(opened, deadline_us, error);
    }
    if (result == RESULT_OK) {
        arena_reset(opened->arena);
    } else {
        kv_watch_close(watch);
    }
    return result;
}

void kv_watch_close(struct kv_watch **watch)
{
    if (*watch != NULL) {
        kv_conn_close(&(*watch)->conn);
        kv_address_free(&(*watch)->setup.address);
        arena_destroy(&(*watch)->arena);
        free(*watch);
        *watch = NULL;
    }
}

uint64_t kv_watch_node(const struct kv_watch *watch)
{
    return kv_conn_node(watch->conn);
}

static bool is_watched(const struct kv_watch *watch, const struct kv_reply *key)
{
    size_t prefix_size = strlen(watch->options.prefix);
    return key->kind == KV_TEXT && key->text.size_bytes >= prefix_size
           && memcmp(key->text.data, watch->options.prefix, prefix_size) == 0;
}

static enum result hand_on_keys(struct kv_watch *watch, const struct kv_reply *keys,
                                struct error *error)
{
    for (size_t i = 0; i < keys->items_count; i++) {
        struct kv_reply key = kv_reply_item(keys, i);
        if (!is_watched(watch, &key)) {
            return fail(error, "told of a key that is not watched");
        }
        watch->options.told(watch->options.context, key.text);
    }
    return RESULT_OK;
}

/* A push, or (then *is_pong) the answer to PING. */
static enum result hand_on(struct kv_watch *watch, bool *is_pong, struct error *error)
{
    const struct kv_reply *message = &watch->message;
    *is_pong = message->items_count == 2 && item_is(message, 0, "pong") && item_is(message, 1, "");
    if (*is_pong) {
        return RESULT_OK;
    }
    struct kv_reply keys = kv_reply_item(message, 2);
    bool is_push = message->items_count == 3 && item_is(message, 0, "message")
                   && item_is(message, 1, channel);
    if (is_push && keys.kind == KV_ABSENT) {
        watch->options.told(watch->options.context, slice_of("", 0));
        return RESULT_OK;
    }
    if (is_push && keys.kind == KV_LIST) {
        return hand_on_keys(watch, &keys, error);
    }
    return message->kind == KV_REFUSED
               ? error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %.*s",
                           SLICE_ARGS(message->text))
               : fail(error, "neither a push nor the answer to PING");
}

/* The next message, if one comes until a time. */
static enum result next(struct kv_watch *watch, int64_t until_us, bool *came, bool *is_pong,
                        struct error *error)
{
    *is_pong = false;
    enum result result = kv_conn_await(watch->conn, until_us, watch->arena, &watch->message, came,
                                       error);
    if (result == RESULT_OK && *came) {
        result = hand_on(watch, is_pong, error);
        arena_reset(watch->arena);
    }
    return result;
}

enum result kv_watch_listen(struct kv_watch *watch, int64_t until_us, struct error *error)
{
    enum result result;
    bool came, is_pong;
    do {
        result = next(watch, until_us, &came, &is_pong, error);
        if (is_pong) {
            result = fail(error, "an answer to no PING");
        }
    } while (result == RESULT_OK && came && clock_mono_us() < until_us);
    return result;
}

enum result kv_watch_settle(struct kv_watch *watch, int64_t deadline_us, struct error *error)
{
    const struct slice ping = slice_text("PING");
    kv_conn_start(watch->conn);
    kv_conn_queue(watch->conn, &ping, 1, NULL, 0);
    enum result result = kv_conn_send(watch->conn, error);
    for (bool is_pong = false; result == RESULT_OK && !is_pong;) {
        bool came;
        result = next(watch, deadline_us, &came, &is_pong, error);
        bool is_late = !came || clock_mono_us() > deadline_us + lateness_max_us;
        if (result == RESULT_OK && !is_pong && is_late) {
            result = fail(error, "no answer in time");
        }
    }
    return result;
}
