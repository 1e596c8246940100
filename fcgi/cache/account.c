/*
 * Whom a token belongs to. A token's key lies in a bucket of its own hash and tells its owner, whose
 * versions are asked for next: two round trips to Redis instead of one to the database, and no need
 * of the database at all.
 */
#include "cache/cache.h"

#include "base/clock.h"
#include "cache/knowledge.h"

/* Both batches must live as long as what is known. */
struct look_up {
    struct kv_batch *token;
    struct kv_batch *versions;
    struct cache_knowledge known;
};

static bool ask(struct cache *cache, const struct slice *words, size_t words_count,
                struct kv_batch **batch)
{
    const struct kv_command command = {NULL, 0, words, words_count};
    struct error error;
    int64_t began_us = clock_mono_us();
    bool answered = kv_run(cache->options.kv, &command, 1, batch, &error) == RESULT_OK
                    && kv_reply(*batch, 0).kind != KV_REFUSED;
    cache_metrics_time(cache->options.metrics, CACHE_TIME_REDIS_READ,
                       clock_mono_us() - began_us);
    return answered;
}

/* Reads the owner's versions and profile, and judges the account by them. */
static void look_up_owner(struct cache *cache, struct slice token_key,
                          const struct cache_subject *owner, struct look_up *look_up)
{
    enum { HEARTBEAT = 1, MARK, PROFILE, WORDS };
    char keys[WORDS][CACHE_KEY_MAX];
    const struct slice words[WORDS] = {
        slice_text("MGET"),
        slice_of(keys[HEARTBEAT], cache_key_heartbeat(owner->bucket, keys[HEARTBEAT])),
        slice_of(keys[MARK], cache_key_version(owner, keys[MARK])),
        slice_of(keys[PROFILE], cache_key_profile(owner, keys[PROFILE])),
    };
    if (ask(cache, words, WORDS, &look_up->versions)) {
        struct kv_reply values = kv_reply(look_up->versions, 0);
        cache_know_versions(cache, &look_up->known, kv_reply_item(&values, HEARTBEAT - 1),
                            kv_reply_item(&values, MARK - 1));
        cache_know_profile(cache, &look_up->known, words[PROFILE],
                           kv_reply_item(&values, PROFILE - 1));
        cache_know_account(cache, &look_up->known, token_key, kv_reply(look_up->token, 0));
    }
}

static enum result copy_name(struct arena *arena, struct cache_account *account,
                             struct error *error)
{
    account->user_name.data = arena_copy(arena, account->user_name);
    return account->user_name.data == NULL
               ? error_set(error, RESULT_NO_MEMORY, "cache", "out of memory")
               : RESULT_OK;
}

static enum result ask_database(struct cache *cache, const unsigned char *token_hash,
                                const struct cache_subject *owner, int64_t deadline_us,
                                const struct look_up *look_up, struct arena *arena,
                                struct cache_account *account, struct error *error)
{
    const struct cache_question question = {owner, slice_of("", 0), token_hash, deadline_us};
    struct flight *flight;
    enum result result = cache_state_ask(cache, &question, &look_up->known, &flight, error);
    if (result != RESULT_OK) {
        return result;
    }
    const struct cache_state *state = flight_result(flight);
    *account = (struct cache_account){state->subject, state->profile.user_id,
                                      state->profile.user_name, state->profile.viewer_scopes,
                                      state->profile.viewer_is_admin};
    result = copy_name(arena, account, error);
    flight_leave(&flight);
    return result;
}

enum result cache_identify(struct cache *cache, const unsigned char *token_hash,
                           struct arena *arena, int64_t deadline_us,
                           struct cache_account *account, struct error *error)
{
    char key[CACHE_KEY_MAX];
    struct slice token_key = slice_of(key, cache_key_token(token_hash, key));
    const struct slice words[] = {slice_text("GET"), token_key};
    struct look_up look_up = {0};
    struct cache_header header;
    struct slice payload;
    struct cache_account found;
    bool has_owner = ask(cache, words, 2, &look_up.token)
                     && cache_decode_reply(cache, kv_reply(look_up.token, 0), token_key, &header,
                                           &payload)
                     && cache_account_decode(payload, &found);
    if (has_owner) {
        look_up_owner(cache, token_key, &found.subject, &look_up);
    }
    enum cache_counter counter = CACHE_COUNT_IDENTITY_TOKEN_HIT;
    enum result result = RESULT_OK;
    if (!look_up.known.has_account || !look_up.known.is_vouched_for) {
        counter = CACHE_COUNT_IDENTITY_TOKEN_MISS;
        look_up.known.redis_answers = look_up.token != NULL;
        result = ask_database(cache, token_hash, has_owner ? &found.subject : NULL, deadline_us,
                              &look_up, arena, account, error);
        if (look_up.known.has_account && cache_is_outage(cache, result)) {
            counter = CACHE_COUNT_IDENTITY_TOKEN_UNVERIFIED;
        }
    }
    if (counter != CACHE_COUNT_IDENTITY_TOKEN_MISS) {
        *account = look_up.known.account;
        result = copy_name(arena, account, error);
    }
    cache_metrics_add(cache->options.metrics, counter, 1);
    kv_free(&look_up.token);
    kv_free(&look_up.versions);
    return result;
}
