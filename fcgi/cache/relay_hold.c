#include "cache/relay_hold.h"

#include "base/clock.h"

#include <stdio.h>

int relay_count_buckets(const bool buckets[CACHE_BUCKETS])
{
    int sum = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        sum += buckets[b];
    }
    return sum;
}

void relay_log_buckets(enum log_level level, const char *event, int buckets, const char *reason)
{
    char number[16];
    snprintf(number, sizeof number, "%d", buckets);
    log_event(level, event, "buckets", number, reason == NULL ? NULL : "reason", reason, NULL);
}

void relay_hold_lose(struct relay_hold *hold, const bool buckets[CACHE_BUCKETS],
                     const char *reason)
{
    int lost = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        lost += buckets[b] && hold->buckets[b];
        hold->buckets[b] = hold->buckets[b] && !buckets[b];
    }
    hold->count -= lost;
    if (lost > 0) {
        relay_log_buckets(LOG_WARN_LEVEL, "relay-lost", lost, reason);
    }
}

bool relay_hold_note(struct relay_hold *hold, const bool buckets[CACHE_BUCKETS],
                     const bool extended[CACHE_BUCKETS], const char nonce[CACHE_NONCE_SIZE],
                     const char *reason)
{
    bool others[CACHE_BUCKETS];
    hold->extended_at_us = clock_mono_us();
    memcpy(hold->nonce, nonce, sizeof hold->nonce);
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        others[b] = buckets[b] && !extended[b];
        hold->count += extended[b] && !hold->buckets[b];
        hold->buckets[b] = hold->buckets[b] || extended[b];
    }
    relay_hold_lose(hold, others, reason);
    return relay_count_buckets(others) == 0;
}

void relay_hold_release(struct relay_hold *hold, struct relay_beater *beater)
{
    if (hold->count == 0) {
        return;
    }
    /* A heartbeat that ends at once, and that nobody would believe. */
    struct relay_poll nothing = {.position = buffer_slice(&hold->position),
                                 .generations = "0 0 0 0"};
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        nothing.epochs[b] = slice_text("0");
    }
    char nonce[CACHE_NONCE_SIZE];
    cache_make_nonce(nonce);
    const struct relay_beat beat = {.poll = &nothing,
                                    .buckets = hold->buckets,
                                    .old_nonce = hold->nonce,
                                    .new_nonce = nonce,
                                    .life_ms = 1};
    bool extended[CACHE_BUCKETS];
    struct error error;
    enum result result = relay_beat(beater, &beat, extended, &error);
    if (result != RESULT_OK) {
        log_error("relay-release-failed", result, &error);
    }
    memset(hold->buckets, false, sizeof hold->buckets);
    hold->count = 0;
}
