/*
 * A batch owns its connection from kv_begin() to the end of kv_finish(). The commands stay in the
 * queue of the connection meanwhile, so that a script which Redis has forgotten can be run again
 * though the caller's words are gone. Nothing here is shared between threads but the server (pool
 * and breaker) and the advice that was last logged, which look after themselves.
 */
#include "redis/kv.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/server.h"
#include "redis/setup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t connect_max_us = 100000;
static const int64_t ping_max_us = 50000;

struct kv {
    struct kv_setup setup;
    int64_t timeout_us;
    struct server *server;
};

struct sent_command {
    struct kv_reply reply;
    const struct kv_script *script;
    size_t begin, end; /* in the queue of the connection */
};

struct kv_batch {
    struct kv *kv;
    struct kv_conn *conn; /* NULL once it is finished */
    struct arena *arena;  /* of the replies */
    uint64_t node;
    size_t count;
    struct sent_command commands[];
};

/* The deadline of whoever asks is that of a call; a connection gets what it needs. */
static enum result open_conn(void *context, int64_t deadline_us, void **item,
                             struct error *error)
{
    (void)deadline_us;
    struct kv *kv = context;
    struct kv_conn *conn;
    enum result result = kv_set_up(&kv->setup, clock_mono_us() + connect_max_us, &conn, error);
    *item = conn;
    return result;
}

static void close_conn(void *item)
{
    struct kv_conn *conn = item;
    kv_conn_close(&conn);
}

static bool is_alive(void *item, int64_t idle_us)
{
    return idle_us < POOL_STALE_US ? !kv_conn_has_hung_up(item)
                                   : kv_conn_ping(item, clock_mono_us() + ping_max_us);
}

static const struct pool_kind kind = {"Redis", open_conn, close_conn, is_alive};

enum result kv_open(const struct kv_options *options, struct kv **kv, struct error *error)
{
    *kv = calloc(1, sizeof **kv);
    if (*kv == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    (*kv)->timeout_us = (int64_t)options->timeout_ms * 1000;
    (*kv)->setup.scripts = options->scripts;
    (*kv)->setup.scripts_count = options->scripts_count;
    (*kv)->setup.name = "refrain";
    (*kv)->setup.is_quiet = options->is_quiet;
    enum result result = kv_address_parse(options->url, &(*kv)->setup.address, error);
    if (result == RESULT_OK) {
        (*kv)->server =
            server_create(&kind, *kv, options->pool_size, options->is_quiet ? NULL : "redis",
                          options->stats);
        if ((*kv)->server == NULL) {
            result = error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
        }
    }
    if (result != RESULT_OK) {
        kv_close(kv);
    }
    return result;
}

void kv_close(struct kv **kv)
{
    if (*kv == NULL) {
        return;
    }
    server_destroy(&(*kv)->server);
    kv_address_free(&(*kv)->setup.address);
    free(*kv);
    *kv = NULL;
}

static struct kv_batch *batch_create(struct kv *kv, size_t count)
{
    struct kv_batch *batch = malloc(sizeof *batch + count * sizeof *batch->commands);
    if (batch == NULL) {
        return NULL;
    }
    *batch = (struct kv_batch){.kv = kv, .count = count, .arena = arena_create()};
    if (batch->arena == NULL) {
        free(batch);
        return NULL;
    }
    return batch;
}

static const char *hash_of(const struct kv_batch *batch, const struct kv_script *script)
{
    const struct kv_setup *setup = &batch->kv->setup;
    size_t at = 0;
    while (at < setup->scripts_count && setup->scripts[at] != script) {
        at++;
    }
    assert(at < setup->scripts_count);
    return kv_conn_hash(batch->conn, at);
}

static void queue_command(struct kv_batch *batch, size_t at, const struct kv_command *command)
{
    char keys_count[24];
    struct slice head[3];
    size_t head_count = 0;
    struct sent_command *sent = &batch->commands[at];
    *sent = (struct sent_command){.script = command->script};
    sent->begin = kv_conn_queue_size(batch->conn);
    if (command->script != NULL) {
        int digits = snprintf(keys_count, sizeof keys_count, "%zu", command->keys_count);
        head[head_count++] = slice_text("EVALSHA");
        head[head_count++] = slice_of(hash_of(batch, command->script), KV_HASH_SIZE);
        head[head_count++] = slice_of(keys_count, (size_t)digits);
    }
    kv_conn_queue(batch->conn, head, head_count, command->words, command->words_count);
    sent->end = kv_conn_queue_size(batch->conn);
}

/* Gives the connection back and tells what became of the call. */
static void end_call(struct kv_batch *batch, enum breaker_outcome outcome,
                     const struct error *cause)
{
    struct kv_conn *conn = batch->conn;
    batch->conn = NULL;
    server_give(batch->kv->server, conn, kv_conn_is_settled(conn), outcome, cause);
}

static enum breaker_outcome outcome_of(const struct kv_batch *batch, enum result result)
{
    if (result != RESULT_UNAVAILABLE) {
        return result == RESULT_OK ? BREAKER_ANSWERED : BREAKER_UNTRIED;
    }
    return kv_conn_is_silent(batch->conn) ? BREAKER_SILENT : BREAKER_BROKEN;
}

static enum result send_all(struct kv_batch *batch, const struct kv_command *commands,
                            struct error *error)
{
    kv_conn_start(batch->conn);
    for (size_t i = 0; i < batch->count; i++) {
        queue_command(batch, i, &commands[i]);
    }
    enum result result = kv_conn_send(batch->conn, error);
    if (result != RESULT_OK) {
        end_call(batch, outcome_of(batch, result), error);
    }
    return result;
}

enum result kv_begin(struct kv *kv, const struct kv_command *commands, size_t commands_count,
                     struct kv_batch **batch, struct error *error)
{
    struct error own;
    error = error == NULL ? &own : error;
    *batch = batch_create(kv, commands_count);
    if (*batch == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    void *conn = NULL;
    enum result result =
        server_take(kv->server, clock_mono_us() + kv->timeout_us, &conn, error);
    (*batch)->conn = conn;
    if (result == RESULT_OK) {
        (*batch)->node = kv_conn_node(conn);
        result = send_all(*batch, commands, error);
    }
    if (result != RESULT_OK) {
        kv_free(batch);
    }
    return result;
}

static bool begins(const struct kv_reply *reply, const char *code)
{
    size_t size = strlen(code);
    return reply->kind == KV_REFUSED && reply->text.size_bytes >= size
           && memcmp(reply->text.data, code, size) == 0;
}

static bool is_forgotten(const struct sent_command *sent)
{
    return sent->script != NULL && begins(&sent->reply, "NOSCRIPT");
}

static enum result receive(struct kv_batch *batch, bool may_be_there, int64_t deadline_us,
                           struct kv_reply *reply, struct error *error)
{
    return kv_conn_receive(batch->conn, may_be_there, deadline_us, batch->arena, reply, error);
}

/* Loads the scripts that Redis has forgotten, each before its command, and runs these again. */
static enum result run_forgotten(struct kv_batch *batch, int64_t deadline_us,
                                 struct error *error)
{
    bool any = false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sent_command *sent = &batch->commands[i];
        if (is_forgotten(sent)) {
            const struct slice load[] = {slice_text("SCRIPT"), slice_text("LOAD"),
                                         slice_text(sent->script->text)};
            kv_conn_queue(batch->conn, load, 3, NULL, 0);
            kv_conn_queue_again(batch->conn, sent->begin, sent->end);
            any = true;
        }
    }
    enum result result = any ? kv_conn_send(batch->conn, error) : RESULT_OK;
    for (size_t i = 0; any && i < batch->count && result == RESULT_OK; i++) {
        struct sent_command *sent = &batch->commands[i];
        struct kv_reply loaded;
        if (is_forgotten(sent)) {
            result = receive(batch, false, deadline_us, &loaded, error);
            if (result == RESULT_OK) {
                result = receive(batch, true, deadline_us, &sent->reply, error);
            }
        }
    }
    return result;
}

/* A Redis that answers, but not as a master that is in service. */
static bool is_out_of_service(const struct kv_batch *batch, struct error *error)
{
    static const char *const codes[] = {"READONLY", "LOADING", "MASTERDOWN"};
    for (size_t i = 0; i < batch->count; i++) {
        const struct kv_reply *reply = &batch->commands[i].reply;
        for (size_t j = 0; j < sizeof codes / sizeof *codes; j++) {
            if (begins(reply, codes[j])) {
                error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %.*s",
                          SLICE_ARGS(reply->text));
                return true;
            }
        }
    }
    return false;
}

/* `looks_first`: the answers may be there already. */
static enum result finish(struct kv_batch *batch, bool looks_first, struct error *error)
{
    struct error own;
    error = error == NULL ? &own : error;
    /* The caller may have been busy elsewhere for long, which says nothing about Redis. */
    int64_t deadline_us = clock_mono_us() + batch->kv->timeout_us;
    enum result result = RESULT_OK;
    for (size_t i = 0; i < batch->count && result == RESULT_OK; i++) {
        result = receive(batch, looks_first || i > 0, deadline_us, &batch->commands[i].reply,
                         error);
    }
    if (result == RESULT_OK) {
        result = run_forgotten(batch, deadline_us, error);
    }
    if (result == RESULT_OK && is_out_of_service(batch, error)) {
        end_call(batch, BREAKER_BROKEN, error);
    } else {
        end_call(batch, outcome_of(batch, result), error);
    }
    return result;
}

enum result kv_finish(struct kv_batch *batch, struct error *error)
{
    return finish(batch, true, error);
}

void kv_free(struct kv_batch **batch)
{
    if (*batch == NULL) {
        return;
    }
    if ((*batch)->conn != NULL) {
        end_call(*batch, BREAKER_UNTRIED, NULL);
    }
    arena_destroy(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

enum result kv_run(struct kv *kv, const struct kv_command *commands, size_t commands_count,
                   struct kv_batch **batch, struct error *error)
{
    enum result result = kv_begin(kv, commands, commands_count, batch, error);
    if (result == RESULT_OK) {
        result = finish(*batch, false, error);
    }
    if (result != RESULT_OK) {
        kv_free(batch);
    }
    return result;
}

struct kv_reply kv_reply(const struct kv_batch *batch, size_t at)
{
    return at < batch->count ? batch->commands[at].reply : (struct kv_reply){.kind = KV_ABSENT};
}

struct kv_reply kv_reply_item(const struct kv_reply *list, size_t at)
{
    if (list->kind != KV_LIST || at >= list->items_count) {
        return (struct kv_reply){.kind = KV_ABSENT};
    }
    return ((const struct kv_reply *)list->items)[at];
}

uint64_t kv_node(const struct kv_batch *batch)
{
    return batch->node;
}

uint64_t kv_history(const struct kv_reply *info)
{
    struct kv_info read = {0};
    if (info->kind == KV_TEXT) {
        kv_info_read(info->text, &read);
    }
    bool is_master = strcmp(read.role, "master") == 0;
    return is_master && read.history[0] != '\0' ? hash_64(slice_text(read.history)) : 0;
}

enum result kv_memory(struct kv *kv, struct kv_memory *memory, struct error *error)
{
    const struct slice words[] = {slice_text("INFO"), slice_text("memory"), slice_text("stats")};
    const struct kv_command command = {.words = words, .words_count = 3};
    struct kv_batch *batch;
    struct kv_info info = {0};
    *memory = (struct kv_memory){0};
    enum result result = kv_run(kv, &command, 1, &batch, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct kv_reply reply = kv_reply(batch, 0);
    if (reply.kind == KV_TEXT) {
        kv_info_read(reply.text, &info);
        kv_advise(&kv->setup, &info, NULL);
        *memory = info.memory;
    } else {
        result = error_set(error, RESULT_UNAUTHORIZED, "redis", "Redis: %.*s",
                           SLICE_ARGS(reply.text));
    }
    kv_free(&batch);
    return result;
}
