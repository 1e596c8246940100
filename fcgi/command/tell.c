#include "command/tell.h"

#include "base/clock.h"
#include "base/fold.h"
#include "base/log.h"
#include "cache/scripts.h"
#include "cache/tell.h"

static const int64_t tell_max_us = 1000000;

/* NULL: nobody on this host serves in this folder, or it is not ours to write. */
static struct cache_slots *join_slots(const struct command_context *context)
{
    struct cache_slots *slots;
    struct error error;
    enum result result =
        slots_join(config_text(context->config, CONFIG_PATHS_RUNTIME), &slots, &error);
    if (result != RESULT_OK && result != RESULT_NOT_FOUND) {
        log_error("slots-not-told", result, &error);
    }
    return result == RESULT_OK ? slots : NULL;
}

void command_tell_cache(const struct command_context *context, const char *name)
{
    const struct kv_options options = {
        .url = config_text(context->config, CONFIG_REDIS_URL),
        .pool_size = 1,
        .timeout_ms = (int)config_number(context->config, CONFIG_REDIS_TIMEOUT_MS),
        .scripts = cache_scripts,
        .scripts_count = cache_scripts_count,
    };
    struct buffer folded = BUFFER_EMPTY;
    struct kv *kv = NULL;
    struct cache_slots *slots = NULL;
    struct error error;
    if (fold_append(&folded, slice_text(name)) == RESULT_OK
        && kv_open(&options, &kv, &error) == RESULT_OK) {
        slots = join_slots(context);
        cache_tell(kv, slots, context->db, buffer_slice(&folded), clock_mono_us() + tell_max_us);
    }
    slots_close(&slots);
    kv_close(&kv);
    buffer_free(&folded);
}
