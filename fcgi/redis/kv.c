#include "redis/kv.h"

#include "base/clock.h"
#include "base/pool.h"
#include "base/text.h"
#include "redis/conn.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t connect_max_us = 100000;

struct kv {
    struct kv_address address;
    int64_t timeout_us;
    struct pool *pool;
};

struct kv_get {
    struct kv *kv;
    struct kv_conn *conn;
    redisReply *reply;
};

static enum result open_conn(void *context, int64_t deadline_us, void **item,
                             struct error *error)
{
    struct kv *kv = context;
    int64_t limit_us = clock_mono_us() + connect_max_us;
    struct kv_conn *conn;
    enum result result = kv_conn_open(&kv->address,
                                      limit_us < deadline_us ? limit_us : deadline_us, &conn,
                                      error);
    if (result == RESULT_OK) {
        *item = conn;
    }
    return result;
}

static void close_conn(void *item)
{
    struct kv_conn *conn = item;
    kv_conn_close(&conn);
}

static bool is_alive(void *item)
{
    return kv_conn_is_alive(item);
}

static const struct pool_kind kind = {"Redis", open_conn, close_conn, is_alive};

enum result kv_open(const struct kv_options *options, struct kv **kv, struct error *error)
{
    *kv = calloc(1, sizeof **kv);
    if (*kv == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    (*kv)->timeout_us = (int64_t)options->timeout_ms * 1000;
    enum result result = kv_address_parse(options->url, &(*kv)->address, error);
    if (result == RESULT_OK) {
        (*kv)->pool = pool_create(&kind, *kv, options->pool_size);
        if ((*kv)->pool == NULL) {
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
    pool_destroy(&(*kv)->pool);
    kv_address_free(&(*kv)->address);
    free(*kv);
    *kv = NULL;
}

static enum result take(struct kv *kv, int64_t deadline_us, struct kv_conn **conn,
                        struct error *error)
{
    void *item = NULL;
    enum result result = pool_take(kv->pool, deadline_us, &item, error);
    *conn = item;
    return result;
}

/* Gives the connection back; one that failed tells that the server does. */
static void give(struct kv *kv, struct kv_conn *conn, enum result result,
                 const struct error *error)
{
    if (result == RESULT_UNAVAILABLE) {
        pool_hold_down(kv->pool, error);
    }
    pool_give(kv->pool, conn, kv_conn_is_settled(conn));
}

enum result kv_get_begin(struct kv *kv, const struct slice *keys, size_t keys_count,
                         struct kv_get **get, struct error *error)
{
    struct slice words[1 + KV_KEYS_MAX] = {slice_text("MGET")};
    *get = NULL;
    if (keys_count > KV_KEYS_MAX) {
        return error_set(error, RESULT_TOO_LARGE, "redis", "more than %d keys at once",
                         KV_KEYS_MAX);
    }
    memcpy(words + 1, keys, keys_count * sizeof *keys);
    int64_t deadline_us = clock_mono_us() + kv->timeout_us;
    struct kv_conn *conn;
    enum result result = take(kv, deadline_us, &conn, error);
    if (result != RESULT_OK) {
        return result;
    }
    result = kv_conn_send(conn, words, 1 + keys_count, error);
    *get = result == RESULT_OK ? malloc(sizeof **get) : NULL;
    if (*get == NULL) {
        give(kv, conn, result, error);
        return result == RESULT_OK ? error_set(error, RESULT_NO_MEMORY, "redis", "out of memory")
                                   : result;
    }
    **get = (struct kv_get){.kv = kv, .conn = conn};
    return RESULT_OK;
}

enum result kv_get_finish(struct kv_get *get, struct error *error)
{
    /* The caller may have been busy elsewhere for long, which says nothing about Redis. */
    int64_t deadline_us = clock_mono_us() + get->kv->timeout_us;
    enum result result = kv_conn_receive(get->conn, deadline_us, &get->reply, error);
    give(get->kv, get->conn, result, error);
    get->conn = NULL;
    if (result == RESULT_OK && get->reply->type != REDIS_REPLY_ARRAY) {
        const char *text = get->reply->type == REDIS_REPLY_ERROR ? get->reply->str : "no array";
        result = error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %s", text);
    }
    return result;
}

bool kv_get_value(const struct kv_get *get, size_t index, struct slice *value)
{
    if (index >= get->reply->elements
        || get->reply->element[index]->type != REDIS_REPLY_STRING) {
        return false;
    }
    *value = slice_of(get->reply->element[index]->str, get->reply->element[index]->len);
    return true;
}

void kv_get_free(struct kv_get **get)
{
    if (*get == NULL) {
        return;
    }
    if ((*get)->conn != NULL) {
        pool_give((*get)->kv->pool, (*get)->conn, false);
    }
    if ((*get)->reply != NULL) {
        freeReplyObject((*get)->reply);
    }
    free(*get);
    *get = NULL;
}

static enum result send_set(struct kv_conn *conn, const struct kv_item *item,
                            struct error *error)
{
    char ttl[24];
    snprintf(ttl, sizeof ttl, "%lld", (long long)item->ttl_ms);
    const struct slice words[] = {slice_text("SET"), item->key, item->value, slice_text("PX"),
                                  slice_text(ttl)};
    return kv_conn_send(conn, words, sizeof words / sizeof *words, error);
}

/* One reply that must be no error: a full Redis answers OOM, a replica READONLY. */
static enum result receive_ok(struct kv_conn *conn, int64_t deadline_us, struct error *error)
{
    redisReply *reply;
    enum result result = kv_conn_receive(conn, deadline_us, &reply, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        result = error_set(error, RESULT_CONFLICT, "redis", "Redis: %s", reply->str);
    }
    freeReplyObject(reply);
    return result;
}

enum result kv_set(struct kv *kv, const struct kv_item *items, size_t items_count,
                   struct error *error)
{
    int64_t deadline_us = clock_mono_us() + kv->timeout_us;
    struct kv_conn *conn;
    enum result result = take(kv, deadline_us, &conn, error);
    if (result != RESULT_OK) {
        return result;
    }
    size_t sent = 0;
    while (sent < items_count && result == RESULT_OK) {
        result = send_set(conn, &items[sent++], error);
    }
    enum result refused = RESULT_OK;
    for (size_t i = 0; i < sent && result == RESULT_OK; i++) {
        result = receive_ok(conn, deadline_us, error);
        if (result == RESULT_CONFLICT) {
            refused = result;
            result = RESULT_OK;
        }
    }
    give(kv, conn, result, error);
    return result == RESULT_OK ? refused : result;
}

/* The number after "name:" in the text of INFO; 0 where it is missing. */
static int64_t info_number(struct slice info, const char *name)
{
    const char *line = info.data;
    size_t size = strlen(name);
    while (line != NULL && *line != '\0') {
        if (strncmp(line, name, size) == 0 && line[size] == ':') {
            const char *digits = line + size + 1;
            int64_t value = 0;
            bool read = text_parse_int(slice_of(digits, strcspn(digits, "\r\n")), &value);
            return read ? value : 0;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return 0;
}

static enum result fetch_info(struct kv_conn *conn, int64_t deadline_us,
                              struct kv_memory *memory, struct error *error)
{
    const struct slice words[] = {slice_text("INFO"), slice_text("memory"), slice_text("stats")};
    redisReply *reply = NULL;
    enum result result = kv_conn_send(conn, words, 3, error);
    if (result == RESULT_OK) {
        result = kv_conn_receive(conn, deadline_us, &reply, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    if (reply->type == REDIS_REPLY_STRING) {
        struct slice info = slice_of(reply->str, reply->len);
        memory->used_bytes = info_number(info, "used_memory");
        memory->max_bytes = info_number(info, "maxmemory");
        memory->evicted = info_number(info, "evicted_keys");
    } else {
        result = error_set(error, RESULT_CONFLICT, "redis", "Redis does not answer INFO");
    }
    freeReplyObject(reply);
    return result;
}

enum result kv_memory(struct kv *kv, struct kv_memory *memory, struct error *error)
{
    int64_t deadline_us = clock_mono_us() + kv->timeout_us;
    struct kv_conn *conn;
    enum result result = take(kv, deadline_us, &conn, error);
    if (result != RESULT_OK) {
        return result;
    }
    result = fetch_info(conn, deadline_us, memory, error);
    give(kv, conn, result, error);
    return result;
}
