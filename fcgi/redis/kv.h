/*
 * Redis as a store that may go away at any time. Commands and scripts travel in batches, one round
 * trip each; every wait is bounded, and a failure means "not cached", never a wrong value.
 */
#ifndef REFRAIN_REDIS_KV_H
#define REFRAIN_REDIS_KV_H

#include "base/result.h"
#include "base/server_stats.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct kv;
struct kv_batch;

/* A Lua script; its text begins with "#!lua". */
struct kv_script {
    const char *name;
    const char *text;
};

struct kv_options {
    const char *url; /* unix:///PATH or redis://[USER:PASSWORD@]HOST[:PORT] */
    int pool_size;
    int timeout_ms;                          /* of one batch, from sending to its whole answer */
    const struct kv_script *const *scripts;  /* all that will be run; they outlive the kv */
    size_t scripts_count;
    struct server_stats *stats; /* NULL: told to nobody */
    bool is_quiet; /* another kv of this process logs what is wrong with the same Redis */
};

/* Opens no connection yet. RESULT_INVALID names what is wrong with the URL. */
enum result kv_open(const struct kv_options *options, struct kv **kv,
                    struct error *error) MUST_CHECK;
void kv_close(struct kv **kv);

/* A command, or a script with its keys and arguments. */
struct kv_command {
    const struct kv_script *script; /* NULL: words[0] is the command's name */
    size_t keys_count;              /* of a script: so many of the words are keys */
    const struct slice *words;
    size_t words_count;
};

/* Sends commands in one pipeline. The caller may do other things before kv_finish() waits for the
 * answers; what the commands point to may go away at once. RESULT_UNAVAILABLE and *batch NULL where
 * Redis does not answer: at once while the breaker is open. */
enum result kv_begin(struct kv *kv, const struct kv_command *commands, size_t commands_count,
                     struct kv_batch **batch, struct error *error) MUST_CHECK;
/* Waits for all answers, timeout_ms from now. A script that Redis has forgotten is loaded and run
 * again. RESULT_UNAVAILABLE: what was done of the batch is unknown. An error of a single command
 * (a full Redis, a replica) is none of the batch: see kv_reply. */
enum result kv_finish(struct kv_batch *batch, struct error *error) MUST_CHECK;
/* Ends a batch at whatever stage; NULL is fine. */
void kv_free(struct kv_batch **batch);

/* Both at once, for who has nothing else to do. */
enum result kv_run(struct kv *kv, const struct kv_command *commands, size_t commands_count,
                   struct kv_batch **batch, struct error *error) MUST_CHECK;

enum kv_kind {
    KV_ABSENT, /* nil, or no such item */
    KV_TEXT,   /* a string or a status */
    KV_NUMBER,
    KV_LIST,
    KV_REFUSED, /* an error; the text tells which */
};
/* Valid until kv_free(). */
struct kv_reply {
    enum kv_kind kind;
    struct slice text;
    int64_t number;
    size_t items_count; /* of a list */
    const void *items;  /* private */
};
/* The answer to commands[at], after a kv_finish() that went well. */
struct kv_reply kv_reply(const struct kv_batch *batch, size_t at);
/* An item of a list; KV_ABSENT beyond its end. */
struct kv_reply kv_reply_item(const struct kv_reply *list, size_t at);

/* Which server process answered a batch, after a kv_begin() that went well: equal numbers are one
 * process. 0: it does not say (INFO is forbidden); then nothing is known, and two of them may be
 * two servers. */
uint64_t kv_node(const struct kv_batch *batch);

/* From the answer to INFO replication: which history the server's data have. It changes whenever
 * they may have been replaced by those of another server, which tells no watch of it. 0: not told,
 * or the server is no master. */
uint64_t kv_history(const struct kv_reply *info);

struct kv_memory {
    int64_t used_bytes;
    int64_t max_bytes; /* 0: no limit */
    int64_t fragmentation_bytes;
    int64_t evicted; /* keys, since Redis started */
    bool policy_fits; /* there is a limit, and the policy evicts what is read least */
};
/* What Redis says of its memory. */
enum result kv_memory(struct kv *kv, struct kv_memory *memory, struct error *error) MUST_CHECK;

#endif
