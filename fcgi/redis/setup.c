/*
 * Everything is queued before the first answer is read, and the answers are judged in the order of
 * the questions: so a Redis that is too old is told from one that merely does not know a command.
 * PING is the last of them, for it is refused where Redis answers nobody: while it loads its data,
 * or has lost its disk or its master.
 */
#include "redis/setup.h"

#include "base/hash.h"

#include <stdatomic.h>

static const char *const sections[] = {"server", "replication", "memory"};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void queue_all(const struct kv_setup *setup, struct kv_conn *conn)
{
    const struct kv_address *address = &setup->address;
    const struct slice name[] = {slice_text("CLIENT"), slice_text("SETNAME"),
                                 slice_text(setup->name)};
    kv_conn_start(conn);
    if (address->password != NULL) {
        struct slice words[3] = {slice_text("AUTH")};
        size_t count = 1;
        if (address->user != NULL) {
            words[count++] = slice_text(address->user);
        }
        words[count++] = slice_text(address->password);
        kv_conn_queue(conn, words, count, NULL, 0);
    }
    kv_conn_queue(conn, name, 3, NULL, 0);
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct slice info[] = {slice_text("INFO"), slice_text(sections[i])};
        kv_conn_queue(conn, info, 2, NULL, 0);
    }
    for (size_t i = 0; i < setup->scripts_count; i++) {
        const struct slice load[] = {slice_text("SCRIPT"), slice_text("LOAD"),
                                     slice_text(setup->scripts[i]->text)};
        kv_conn_queue(conn, load, 3, NULL, 0);
    }
    const struct slice ping = slice_text("PING");
    kv_conn_queue(conn, &ping, 1, NULL, 0);
}

/* The answers, one after the other. */
struct answers {
    struct kv_conn *conn;
    int64_t deadline_us;
    struct arena *arena;
};

/* The next one, which must not be an error. */
static enum result receive_fine(struct answers *answers, struct kv_reply *reply,
                                struct error *error)
{
    enum result result = kv_conn_receive(answers->conn, true, answers->deadline_us,
                                         answers->arena, reply, error);
    if (result == RESULT_OK && reply->kind != KV_TEXT) {
        struct slice text =
            reply->kind == KV_REFUSED ? reply->text : slice_text("not an answer of Redis");
        result = error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %.*s", SLICE_ARGS(text));
    }
    return result;
}

static bool is_forbidden(const struct kv_reply *reply)
{
    static const char code[] = "NOPERM ";
    return reply->kind == KV_REFUSED && reply->text.size_bytes >= sizeof code - 1
           && memcmp(reply->text.data, code, sizeof code - 1) == 0;
}

static enum result receive_info(struct kv_setup *setup, struct answers *answers,
                                struct error *error)
{
    struct kv_info info = {0};
    const char *refusal = NULL;
    for (size_t i = 0; i < SECTIONS; i++) {
        struct kv_reply reply = {0};
        enum result result = receive_fine(answers, &reply, error);
        if (is_forbidden(&reply)) {
            refusal = reply.text.data;
            continue;
        }
        if (result == RESULT_OK) {
            kv_info_read(reply.text, &info);
            result = kv_info_check(&info, error);
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (info.run_id[0] != '\0') {
        kv_conn_set_node(answers->conn, hash_64(slice_text(info.run_id)));
    }
    kv_advise(setup, &info, refusal);
    return RESULT_OK;
}

static enum result receive_hashes(const struct kv_setup *setup, struct answers *answers,
                                  struct error *error)
{
    for (size_t i = 0; i < setup->scripts_count; i++) {
        struct kv_reply reply = {0};
        enum result result = receive_fine(answers, &reply, error);
        if (result == RESULT_OK && reply.text.size_bytes != KV_HASH_SIZE) {
            result = error_set(error, RESULT_UNAVAILABLE, "redis",
                               "Redis gave no hash for the script %s", setup->scripts[i]->name);
        }
        if (result != RESULT_OK) {
            return result;
        }
        memcpy(kv_conn_hash(answers->conn, i), reply.text.data, KV_HASH_SIZE);
    }
    return RESULT_OK;
}

static enum result introduce(struct kv_setup *setup, struct answers *answers,
                             struct error *error)
{
    struct kv_reply reply = {0};
    queue_all(setup, answers->conn);
    enum result result = kv_conn_send(answers->conn, error);
    if (result == RESULT_OK && setup->address.password != NULL) {
        result = receive_fine(answers, &reply, error);
    }
    if (result == RESULT_OK) {
        result = receive_fine(answers, &reply, error);
    }
    if (result == RESULT_OK) {
        result = receive_info(setup, answers, error);
    }
    if (result == RESULT_OK) {
        result = receive_hashes(setup, answers, error);
    }
    return result == RESULT_OK ? receive_fine(answers, &reply, error) : result;
}

enum result kv_set_up(struct kv_setup *setup, int64_t deadline_us, struct kv_conn **conn,
                      struct error *error)
{
    *conn = NULL;
    struct answers answers = {.deadline_us = deadline_us, .arena = arena_create()};
    if (answers.arena == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "redis", "out of memory");
    }
    enum result result =
        kv_conn_open(&setup->address, setup->scripts_count, deadline_us, conn, error);
    if (result == RESULT_OK) {
        answers.conn = *conn;
        result = introduce(setup, &answers, error);
    }
    if (result != RESULT_OK) {
        kv_conn_close(conn);
    }
    arena_destroy(&answers.arena);
    return result;
}

void kv_advise(struct kv_setup *setup, const struct kv_info *info, const char *refusal)
{
    enum kv_advice advice = refusal != NULL ? KV_ADVICE_FORBIDDEN : kv_info_advice(info);
    if (atomic_exchange(&setup->advice, (int)advice) != (int)advice && !setup->is_quiet) {
        kv_info_warn(advice, info, refusal);
    }
}
