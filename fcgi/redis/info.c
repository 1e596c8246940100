#include "redis/info.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>

enum { VERSION_MIN = 7 };

static void read_text(struct slice value, char *text, size_t room)
{
    snprintf(text, room, "%.*s", SLICE_ARGS(value));
}

static void read_number(struct slice value, int64_t *number)
{
    int64_t read;
    if (text_parse_int(value, &read)) {
        *number = read;
    }
}

static void read_field(struct slice name, struct slice value, struct kv_info *info)
{
    if (slice_is(name, "redis_version")) {
        read_text(value, info->version, sizeof info->version);
    } else if (slice_is(name, "role")) {
        read_text(value, info->role, sizeof info->role);
    } else if (slice_is(name, "maxmemory_policy")) {
        read_text(value, info->policy, sizeof info->policy);
    } else if (slice_is(name, "run_id")) {
        read_text(value, info->run_id, sizeof info->run_id);
    } else if (slice_is(name, "master_replid")) {
        read_text(value, info->history, sizeof info->history);
    } else if (slice_is(name, "used_memory")) {
        read_number(value, &info->memory.used_bytes);
    } else if (slice_is(name, "maxmemory")) {
        read_number(value, &info->memory.max_bytes);
    } else if (slice_is(name, "mem_fragmentation_bytes")) {
        read_number(value, &info->memory.fragmentation_bytes);
    } else if (slice_is(name, "evicted_keys")) {
        read_number(value, &info->memory.evicted);
    }
}

static bool policy_fits(const struct kv_info *info)
{
    return strcmp(info->policy, "allkeys-lfu") == 0 || strcmp(info->policy, "allkeys-lru") == 0;
}

/* Lines of "name:value"; others are headings. */
void kv_info_read(struct slice text, struct kv_info *info)
{
    while (text.size_bytes > 0) {
        const char *end = memchr(text.data, '\n', text.size_bytes);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size_bytes;
        const char *colon = memchr(text.data, ':', size);
        if (colon != NULL) {
            const char *value = colon + 1;
            size_t value_size = size - (size_t)(value - text.data);
            while (value_size > 0 && value[value_size - 1] == '\r') {
                value_size--;
            }
            read_field(slice_of(text.data, (size_t)(colon - text.data)),
                       slice_of(value, value_size), info);
        }
        size_t step = end != NULL ? size + 1 : size;
        text = slice_of(text.data + step, text.size_bytes - step);
    }
    info->memory.policy_fits = info->memory.max_bytes > 0 && policy_fits(info);
}

enum result kv_info_check(const struct kv_info *info, struct error *error)
{
    int64_t major;
    if (text_parse_int(slice_of(info->version, strcspn(info->version, ".")), &major)
        && major < VERSION_MIN) {
        return error_set(error, RESULT_UNAVAILABLE, "redis",
                         "Redis %s is too old, %d.0 or newer is needed", info->version,
                         VERSION_MIN);
    }
    if (strcmp(info->role, "slave") == 0) {
        return error_set(error, RESULT_UNAVAILABLE, "redis",
                         "this Redis is a replica, redis.url must name its master");
    }
    return RESULT_OK;
}

enum kv_advice kv_info_advice(const struct kv_info *info)
{
    if (info->memory.policy_fits) {
        return KV_ADVICE_NONE;
    }
    return info->memory.max_bytes == 0 ? KV_ADVICE_LIMIT : KV_ADVICE_POLICY;
}

void kv_info_warn(enum kv_advice advice, const struct kv_info *info, const char *cause)
{
    if (advice == KV_ADVICE_FORBIDDEN) {
        log_event(LOG_WARN_LEVEL, "redis-unknown", "cause", cause, "cure",
                  "let its user run INFO (+info), or version, role and memory of this Redis "
                  "stay unchecked",
                  NULL);
    } else if (advice == KV_ADVICE_LIMIT) {
        log_event(LOG_WARN_LEVEL, "redis-memory", "cause",
                  "maxmemory is 0: Redis never evicts and grows until the host has no memory",
                  "cure", "set maxmemory, and maxmemory-policy allkeys-lfu, in redis.conf", NULL);
    } else if (advice == KV_ADVICE_POLICY) {
        char text[100];
        snprintf(text, sizeof text, "maxmemory-policy is %s: it does not evict what is read least",
                 info->policy);
        log_event(LOG_WARN_LEVEL, "redis-memory", "cause", text, "cure",
                  "set maxmemory-policy allkeys-lfu (or allkeys-lru) in redis.conf", NULL);
    }
}
