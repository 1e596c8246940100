/*
 * Which versions count for a reader, whose data it reads and who asks: from Redis alone where a relay
 * vouches for it, else from the database, else, while that is away, as far as Redis knows.
 */
#include "cache/reader.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cache/knowledge.h"

enum { HEARTBEAT, MARK, PROFILE };

void cache_trust_keys(const struct cache_reader *reader, struct cache_trust_keys *keys)
{
    const struct cache_subject *subject = &reader->subject;
    const unsigned char *token_hash = reader->request.token_hash;
    char *heartbeat = keys->texts[HEARTBEAT];
    char *mark = keys->texts[MARK];
    char *profile = keys->texts[PROFILE];
    char *token = keys->texts[CACHE_TRUST_KEYS];
    keys->count = CACHE_TRUST_KEYS;
    keys->words[HEARTBEAT] = slice_of(heartbeat, cache_key_heartbeat(subject->bucket, heartbeat));
    keys->words[MARK] = slice_of(mark, cache_key_version(subject, mark));
    keys->words[PROFILE] = slice_of(profile, cache_key_profile(subject, profile));
    keys->token = slice_of(token, token_hash == NULL ? 0 : cache_key_token(token_hash, token));
}

static void know(const struct cache_reader *reader, const struct kv_batch *batch,
                 const struct cache_trust_keys *keys, struct cache_knowledge *known)
{
    struct kv_reply values = kv_reply(batch, 0);
    cache_know_versions(reader->cache, known, kv_reply_item(&values, HEARTBEAT),
                        kv_reply_item(&values, MARK));
    cache_know_profile(reader->cache, known, keys->words[PROFILE],
                       kv_reply_item(&values, PROFILE));
    if (keys->token.size_bytes > 0) {
        cache_know_account(reader->cache, known, keys->token, kv_reply(batch, 1));
        /* Another owner's auth stands in a v that has not been read. */
        known->has_account = known->has_account
                             && strcmp(known->account.subject.hash, reader->subject.hash) == 0;
    }
}

void cache_reader_view_as(struct cache_reader *reader, const struct cache_account *account)
{
    reader->profile.viewer_id = account->user_id;
    reader->profile.viewer_scopes = account->scopes;
    reader->profile.viewer_is_admin = account->is_admin;
}

/* Whether Redis tells all that must be known of who and whose; the profile is the reader's then. */
static bool know_identity(struct cache_reader *reader, const struct cache_knowledge *known)
{
    if (!known->has_profile) {
        return false;
    }
    reader->profile = known->profile;
    if (reader->request.token_hash == NULL || reader->request.admit(&reader->profile)) {
        return true;
    }
    cache_reader_view_as(reader, &known->account);
    return known->has_account;
}

void cache_trust_redis(struct cache_reader *reader, const struct cache_knowledge *known,
                       enum cache_trust trust)
{
    const struct cache_mark *mark = &known->mark;
    reader->trust = trust;
    reader->versions = (struct cache_versions){
        .epoch = mark->epoch,
        .live = mark->live,
        .past = mark->past,
        .auth = mark->auth,
        .people = known->heartbeat.people,
        .catalogue = known->heartbeat.catalogue,
        .model = known->heartbeat.model,
    };
}

static void count_profile(const struct cache_reader *reader, enum cache_counter counter)
{
    cache_metrics_add(reader->cache->options.metrics, counter, 1);
}

static enum result trust_database(struct cache_reader *reader,
                                  const struct cache_knowledge *known, struct error *error)
{
    const struct cache_question question = {&reader->subject, reader->request.folded_name,
                                            reader->request.token_hash,
                                            reader->request.deadline_us};
    struct flight *flight;
    enum result result = cache_state_ask(reader->cache, &question, known, &flight, error);
    if (result != RESULT_OK) {
        return result;
    }
    const struct cache_state *state = flight_result(flight);
    const char *name = arena_copy(reader->request.arena, state->profile.user_name);
    reader->trust = CACHE_TRUST_VALIDATED;
    reader->versions = state->versions;
    reader->profile = state->profile;
    reader->profile.user_name.data = name;
    count_profile(reader, CACHE_COUNT_IDENTITY_PROFILE_MISS);
    flight_leave(&flight);
    return name == NULL ? error_set(error, RESULT_NO_MEMORY, "cache", "out of memory")
                        : RESULT_OK;
}

enum result cache_trust_establish(struct cache_reader *reader, const struct kv_batch *batch,
                                  const struct cache_trust_keys *keys,
                                  struct cache_knowledge *known, struct error *error)
{
    enum result result = RESULT_OK;
    if (batch != NULL) {
        know(reader, batch, keys, known);
        reader->mark = known->mark;
        reader->mark_text = known->mark_text;
    }
    bool is_known = known->mark.kind == CACHE_MARK_NUMBER && know_identity(reader, known);
    if (is_known && known->is_vouched_for) {
        cache_trust_redis(reader, known, CACHE_TRUST_LEASED);
        count_profile(reader, CACHE_COUNT_IDENTITY_PROFILE_HIT);
    } else {
        result = trust_database(reader, known, error);
        if (is_known && cache_is_outage(reader->cache, result)) {
            know_identity(reader, known);
            cache_trust_redis(reader, known, CACHE_TRUST_UNVERIFIED);
            cache_note_outcome(&reader->report, CACHE_UNVERIFIED);
            count_profile(reader, CACHE_COUNT_IDENTITY_PROFILE_UNVERIFIED);
            result = RESULT_OK;
        }
    }
    if (result == RESULT_OK && !reader->request.admit(&reader->profile)) {
        result = error_set(error, RESULT_NOT_FOUND, "cache", "no such user, or not to be seen");
    }
    if (result != RESULT_OK) {
        reader->trust = CACHE_TRUST_NONE;
    }
    return result;
}
