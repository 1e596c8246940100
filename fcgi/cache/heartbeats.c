#include "cache/heartbeats.h"

enum { BEATS, INFO, COMMANDS };

static void read_beats(const struct kv_reply *reply, struct cache_heartbeats *heartbeats)
{
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        struct kv_reply item = kv_reply_item(reply, i);
        heartbeats->is_live[i] =
            item.kind == KV_TEXT && cache_heartbeat_parse(item.text, &heartbeats->beats[i]);
        heartbeats->live_count += heartbeats->is_live[i];
    }
}

enum result cache_heartbeats_read(struct kv *kv, struct cache_heartbeats *heartbeats,
                                  struct error *error)
{
    char keys[CACHE_BUCKETS][CACHE_KEY_MAX];
    struct slice mget[1 + CACHE_BUCKETS] = {slice_text("MGET")};
    const struct slice info[] = {slice_text("INFO"), slice_text("replication")};
    for (int bucket = 0; bucket < CACHE_BUCKETS; bucket++) {
        mget[1 + bucket] = slice_of(keys[bucket], cache_key_heartbeat(bucket, keys[bucket]));
    }
    const struct kv_command commands[COMMANDS] = {
        [BEATS] = {.words = mget, .words_count = 1 + CACHE_BUCKETS},
        [INFO] = {.words = info, .words_count = 2},
    };
    struct kv_batch *batch;
    *heartbeats = (struct cache_heartbeats){.live_count = 0};
    enum result result = kv_run(kv, commands, COMMANDS, &batch, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct kv_reply beats = kv_reply(batch, BEATS);
    struct kv_reply replication = kv_reply(batch, INFO);
    if (beats.kind == KV_LIST) {
        heartbeats->node = kv_node(batch);
        heartbeats->history = kv_history(&replication);
        read_beats(&beats, heartbeats);
    } else {
        result = error_set(error, RESULT_UNAVAILABLE, "redis", "Redis: %.*s",
                           SLICE_ARGS(beats.text));
    }
    kv_free(&batch);
    return result;
}
