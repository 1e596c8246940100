#include "cache/scripts.h"

/* Made from scripts/NAME.lua (local.mk). */
#include "cache/scripts_text.h"

#define SCRIPT(name) const struct kv_script cache_script_##name = {#name, script_##name##_text}

SCRIPT(acquire);
SCRIPT(store);
SCRIPT(apply);
SCRIPT(discard);
SCRIPT(mark);
SCRIPT(beat);

const struct kv_script *const cache_scripts[] = {
    &cache_script_acquire, &cache_script_store, &cache_script_apply,
    &cache_script_discard, &cache_script_mark,  &cache_script_beat,
};
const size_t cache_scripts_count = sizeof cache_scripts / sizeof *cache_scripts;
