/*
 * The order matters: the lease is taken before the database is read. Whatever is applied in between
 * deletes it, and then what was read is not stored. A reading may be shared by a request that came
 * after it had begun if both found the same lease: nothing was applied since that was taken.
 */
#include "cache/knowledge.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cache/protocol.h"

#include <inttypes.h>
#include <stdio.h>

/* Looking up one row, and waiting for somebody else's looking: whoever takes longer does not
 * answer. */
static const int64_t state_max_us = 2000000;
static const int64_t identity_life_ms = (int64_t)2 * 86400 * 1000;

static bool is_young(const struct cache_heartbeat *heartbeat)
{
    return clock_host_us() - heartbeat->polled_at_us
           <= (int64_t)CACHE_HEARTBEAT_AGE_MAX_MS * 1000;
}

void cache_know_versions(struct cache *cache, struct cache_knowledge *known,
                         struct kv_reply heartbeat, struct kv_reply mark)
{
    known->redis_answers = true;
    known->mark_text = mark.kind == KV_TEXT ? mark.text : slice_of("", 0);
    cache_mark_parse(known->mark_text, &known->mark);
    if (known->mark.kind == CACHE_MARK_FOREIGN) {
        cache_metrics_add(cache->options.metrics, CACHE_COUNT_UNREADABLE, 1);
        log_event(LOG_WARN_LEVEL, "cache-versions-unreadable", NULL);
    }
    known->is_vouched_for = heartbeat.kind == KV_TEXT
                            && cache_heartbeat_parse(heartbeat.text, &known->heartbeat)
                            && is_young(&known->heartbeat)
                            && known->mark.kind == CACHE_MARK_NUMBER
                            && known->mark.epoch == known->heartbeat.epoch;
}

bool cache_decode_reply(struct cache *cache, struct kv_reply reply, struct slice key,
                        struct cache_header *header, struct slice *payload)
{
    if (reply.kind == KV_TEXT && cache_decode(reply.text, key, header, payload)) {
        return true;
    }
    if (reply.kind != KV_ABSENT) {
        char name[CACHE_KEY_MAX];
        snprintf(name, sizeof name, "%.*s", SLICE_ARGS(key));
        cache_metrics_add(cache->options.metrics, CACHE_COUNT_UNREADABLE, 1);
        log_event(LOG_WARN_LEVEL, "cache-value-unreadable", "key", name, NULL);
    }
    return false;
}

/* Judged by auth, against versions that may be vouched for or not. */
static bool is_identity_current(const struct cache_knowledge *known,
                                const struct cache_header *header)
{
    return known->mark.kind == CACHE_MARK_NUMBER && header->versions.epoch == known->mark.epoch
           && header->versions.auth >= known->mark.auth;
}

void cache_know_profile(struct cache *cache, struct cache_knowledge *known, struct slice key,
                        struct kv_reply reply)
{
    struct cache_header header;
    struct slice payload;
    known->has_profile = cache_decode_reply(cache, reply, key, &header, &payload)
                         && is_identity_current(known, &header)
                         && cache_profile_decode(payload, &known->profile);
}

void cache_know_account(struct cache *cache, struct cache_knowledge *known, struct slice key,
                        struct kv_reply reply)
{
    struct cache_header header;
    struct slice payload;
    known->has_account = cache_decode_reply(cache, reply, key, &header, &payload)
                         && is_identity_current(known, &header)
                         && cache_account_decode(payload, &known->account);
}

static bool mark_reaches(const struct cache_mark *mark, const struct cache_versions *versions)
{
    return mark->epoch >= versions->epoch && mark->live >= versions->live
           && mark->past >= versions->past && mark->auth >= versions->auth;
}

bool cache_is_phantom(const struct cache_mark *mark, const struct cache_versions *versions)
{
    return mark->kind == CACHE_MARK_NUMBER
           && (mark->epoch > versions->epoch || mark->live > versions->live
               || mark->past > versions->past || mark->auth > versions->auth);
}

static void encode(struct buffer *to, struct slice key, const struct cache_state *state,
                   const struct buffer *payload)
{
    const struct cache_header header = {.versions = state->versions,
                                        .built_at_us = clock_wall_us(),
                                        .ttl_s = identity_life_ms / 1000};
    cache_encode(to, key, &header, buffer_slice(payload));
}

/* v and the profile, in one step. */
static void keep_profile(struct cache *cache, const struct cache_state *state, const char *lease)
{
    char key[CACHE_KEY_MAX];
    struct slice key_text = slice_of(key, cache_key_profile(&state->subject, key));
    struct buffer payload = BUFFER_EMPTY;
    struct buffer value = BUFFER_EMPTY;
    cache_profile_encode(&payload, &state->profile);
    encode(&value, key_text, state, &payload);
    struct cache_store store = {.subject = &state->subject,
                                .lease = lease,
                                .versions = &state->versions,
                                .keys = {key_text},
                                .values = {buffer_slice(&value)},
                                .lives_ms = {identity_life_ms},
                                .count = 1};
    if (!payload.failed && !value.failed) {
        failpoint("before_store");
        cache_store_run(&cache->steps, &store);
    }
    buffer_free(&payload);
    buffer_free(&value);
}

/* A token's key lies in another bucket than its owner's v, so it is stored by itself: its versions
 * are true whatever happens, and it is only used if v does not exceed them. */
static void keep_account(struct cache *cache, const struct cache_state *state,
                         const unsigned char *token_hash)
{
    char key[CACHE_KEY_MAX];
    struct slice key_text = slice_of(key, cache_key_token(token_hash, key));
    struct buffer payload = BUFFER_EMPTY;
    struct buffer value = BUFFER_EMPTY;
    const struct cache_account account = {
        .subject = state->subject,
        .user_id = state->profile.user_id,
        .user_name = state->profile.user_name,
        .scopes = state->profile.viewer_scopes,
        .is_admin = state->profile.viewer_is_admin,
    };
    cache_account_encode(&payload, &account);
    encode(&value, key_text, state, &payload);
    char life[24];
    snprintf(life, sizeof life, "%" PRId64, identity_life_ms);
    const struct slice words[] = {slice_text("SET"), key_text, buffer_slice(&value),
                                  slice_text("PX"), slice_text(life)};
    const struct kv_command command = {NULL, 0, words, 5};
    struct kv_batch *batch = NULL;
    struct error error;
    if (!payload.failed && !value.failed
        && kv_run(cache->options.kv, &command, 1, &batch, &error) != RESULT_OK) {
        log_event(LOG_DEBUG_LEVEL, "redis-away", "error", error.text, NULL);
    }
    kv_free(&batch);
    buffer_free(&payload);
    buffer_free(&value);
}

/* Tells Redis what was read, as far as it does not know it. */
static void keep(struct cache *cache, const struct cache_question *question,
                 const struct cache_knowledge *known, const char *lease,
                 const struct cache_state *state)
{
    if (!known->redis_answers) {
        return;
    }
    if (cache_is_phantom(&known->mark, &state->versions)) {
        cache_discard(&cache->steps, &state->subject, known->mark_text);
        return;
    }
    bool may_store = lease[0] == 'L' || known->mark.kind == CACHE_MARK_NUMBER;
    bool is_known = known->has_profile && mark_reaches(&known->mark, &state->versions);
    if (may_store && !is_known) {
        keep_profile(cache, state, lease);
    }
    if (question->token_hash != NULL && !known->has_account
        && state->profile.viewer_id == state->profile.user_id) {
        keep_account(cache, state, question->token_hash);
    }
}

/* The leader's part. */
static enum result ask_database(struct cache *cache, const struct cache_question *question,
                                const struct cache_knowledge *known, const char *lease,
                                int64_t deadline_us, struct flight *flight, struct error *error)
{
    struct cache_state *state;
    enum result result = cache_state_read(cache->options.db, question->folded_name,
                                          question->token_hash, deadline_us, &state, error);
    cache_metrics_add(cache->options.metrics, CACHE_COUNT_STATE_READS, 1);
    failpoint("after_snapshot");
    if (result == RESULT_OK) {
        keep(cache, question, known, lease, state);
    }
    flight_land(flight, result, error, state);
    return result;
}

/* Who is asked for, and by whom: readings of both are shared. */
static struct slice flight_key(const struct cache_question *question,
                               char key[CACHE_USER_HEX + SECRET_HASH_SIZE])
{
    size_t size = 0;
    if (question->folded_name.size_bytes > 0) {
        memcpy(key, question->subject->hash, CACHE_USER_HEX);
        size = CACHE_USER_HEX;
    }
    if (question->token_hash != NULL) {
        memcpy(key + size, question->token_hash, SECRET_HASH_SIZE);
        size += SECRET_HASH_SIZE;
    }
    return slice_of(key, size);
}

bool cache_is_outage(const struct cache *cache, enum result result)
{
    return (result == RESULT_UNAVAILABLE || result == RESULT_TIMEOUT)
           && db_is_away(cache->options.db);
}

enum result cache_state_ask(struct cache *cache, const struct cache_question *question,
                            const struct cache_knowledge *known, struct flight **flight,
                            struct error *error)
{
    char lease[CACHE_RECORD_MAX] = "";
    char key[CACHE_USER_HEX + SECRET_HASH_SIZE];
    int64_t arrived_us = clock_mono_us();
    int64_t limit_us = arrived_us + state_max_us;
    int64_t deadline_us = limit_us < question->deadline_us ? limit_us : question->deadline_us;
    if (known->redis_answers && known->mark.kind != CACHE_MARK_NUMBER
        && question->subject != NULL) {
        cache_acquire(&cache->steps, question->subject, lease);
        failpoint("after_lease");
    }
    const struct flight_ticket ticket = {
        .key = flight_key(question, key),
        .arrived_us = arrived_us,
        .lease = slice_of(lease, lease[0] == 'L' ? strlen(lease) : 0),
        .deadline_us = deadline_us,
    };
    bool leads = false;
    enum result result = flights_join(cache->states, &ticket, flight, &leads, error);
    if (result != RESULT_OK || !leads) {
        return result;
    }
    result = ask_database(cache, question, known, lease, deadline_us, *flight, error);
    if (result != RESULT_OK) {
        flight_leave(flight);
    }
    return result;
}
