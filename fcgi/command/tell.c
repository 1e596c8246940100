#include "command/tell.h"

#include "base/clock.h"
#include "base/fold.h"
#include "cache/scripts.h"
#include "cache/tell.h"

static const int64_t tell_max_us = 1000000;

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
    struct error error;
    if (fold_append(&folded, slice_text(name)) == RESULT_OK
        && kv_open(&options, &kv, &error) == RESULT_OK) {
        cache_tell(kv, context->db, buffer_slice(&folded), clock_mono_us() + tell_max_us);
    }
    kv_close(&kv);
    buffer_free(&folded);
}
