/*
 * What a relay knows of itself: which buckets' heartbeats are its own, the nonce that it left in all
 * of them, and a position that all of them have reached. A relay that dies, sleeps or loses an answer
 * knows less than Redis; so every step there is conditional on the nonce that the relay remembers,
 * and what it can't be sure of it gives up and takes over again.
 *
 * A round first polls from the position that its buckets have reached and extends their heartbeats,
 * provided that they still hold the nonce of the last round. Then come the buckets that nobody
 * vouches for: they are marked, and only afterwards the database is polled, from the position that
 * the marking itself has returned. What is committed after that poll is a later round's, of whoever
 * extends this heartbeat; what a slow filler read before it, the poll has found.
 *
 * Where nobody knows what has changed, the epochs are raised, and what has changed since *before*
 * that is polled: values of the new epoch may have been stored meanwhile, and changed since.
 *
 * The position in memory is that of the round's first poll, older than what buckets taken over
 * later in the round have reached: then the next round applies some changes twice, which is harmless.
 */
#include "cache/relay.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cache/protocol.h"
#include "cache/relay_beat.h"
#include "cache/relay_hold.h"
#include "cache/relay_poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t poll_max_us = 500000;
/* While others hold buckets: how often to look whether one has become free. */
static const int64_t mark_every_us = 500000;
static const int64_t heartbeat_us = CACHE_HEARTBEAT_MS * INT64_C(1000);
/* A transaction that was open for so long may have changed windows that were closed meanwhile, and
 * has told so of none of them: past was judged when it began. */
static const int64_t late_us = INT64_C(600) * 1000000;
/* To tell Redis of more takes too long beside heartbeats that live a second. */
static const size_t changes_max = 10000;

struct relay {
    struct relay_options options;
    struct relay_listener listener;
    struct relay_beater *beater;
    struct relay_hold hold;
    int64_t succeeded_at_us; /* the last round that did */
    int64_t next_mark_us;
    bool database_fails, redis_fails; /* since the last try */
};

struct round {
    struct relay *relay;
    char nonce[CACHE_NONCE_SIZE]; /* that it leaves */
    bool has_position;
    bool was_refused;
    bool has_raised; /* epochs */
    int64_t pending_us;
};

/* Buckets that go one way together. */
struct group {
    const bool *buckets;
    bool are_marked;
    struct slice position;
    const char *nonce; /* that their heartbeats hold */
};

struct relay *relay_create(const struct relay_options *options)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (relay != NULL) {
        relay->options = *options;
        relay->succeeded_at_us = clock_mono_us();
        relay->beater = relay_beater_create(options->kv);
        if (relay->beater == NULL) {
            relay_destroy(&relay);
        }
    }
    return relay;
}

void relay_destroy(struct relay **relay)
{
    if (*relay != NULL) {
        relay_beater_destroy(&(*relay)->beater);
        buffer_free(&(*relay)->hold.position);
        free(*relay);
        *relay = NULL;
    }
}

void relay_listen(struct relay *relay, const struct relay_listener *listener)
{
    relay->listener = *listener;
}

static void count(struct relay *relay, enum cache_counter counter, size_t by)
{
    cache_metrics_add(relay->options.metrics, counter, by);
}

/* A server that fails does so in every round, and is told of once. */
static void note_failure(bool *fails, enum result result, const struct error *error)
{
    if (!*fails) {
        log_error("relay-failed", result, error);
    }
    *fails = true;
}

/* The first of a round counts. */
static enum result keep_position(struct round *round, struct slice position, struct error *error)
{
    struct buffer *kept = &round->relay->hold.position;
    if (round->has_position) {
        return RESULT_OK;
    }
    buffer_clear(kept);
    buffer_append_slice(kept, position);
    round->has_position = buffer_result(kept) == RESULT_OK;
    return round->has_position ? RESULT_OK
                               : error_set(error, RESULT_NO_MEMORY, "relay", "out of memory");
}

static enum result poll_once(struct round *round, struct slice position, struct relay_poll *poll,
                             struct error *error)
{
    struct relay *relay = round->relay;
    enum result result = relay_poll_run(relay->options.db, position, clock_mono_us() + poll_max_us,
                                        poll, error);
    if (result != RESULT_OK) {
        note_failure(&relay->database_fails, result, error);
        return result;
    }
    relay->database_fails = false;
    return RESULT_OK;
}

static size_t count_changes(const struct relay_poll *poll, const bool buckets[CACHE_BUCKETS])
{
    size_t changes = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        if (buckets[b]) {
            changes += relay_poll_first(poll, b + 1) - relay_poll_first(poll, b);
        }
    }
    return changes;
}

/* Why Redis cannot be told what has changed since the group's position; NULL: it can. */
static const char *gap_of(const struct relay_poll *poll, const struct group *group)
{
    if (poll->is_foreign) {
        return "history";
    }
    if (!poll->is_continued || group->position.size_bytes == 0) {
        return "position";
    }
    if (poll->oldest_age_us > late_us) {
        return "late";
    }
    return count_changes(poll, group->buckets) > changes_max ? "changes" : NULL;
}

static enum cache_counter counter_of(const char *reason)
{
    return strcmp(reason, "history") == 0    ? CACHE_COUNT_EPOCHS_HISTORY
           : strcmp(reason, "position") == 0 ? CACHE_COUNT_EPOCHS_POSITION
                                             : CACHE_COUNT_EPOCHS_CHANGES;
}

/* Another history concerns all buckets, whoever holds them. */
static enum result raise_epochs(struct round *round, const struct group *group,
                                bool is_foreign, const char *reason, struct error *error)
{
    struct relay *relay = round->relay;
    bool buckets[CACHE_BUCKETS];
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        buckets[b] = is_foreign || group->buckets[b];
    }
    enum result result = relay_raise_epochs(relay->options.db, buckets, reason,
                                            clock_mono_us() + poll_max_us, error);
    if (result != RESULT_OK) {
        note_failure(&relay->database_fails, result, error);
        return result;
    }
    int raised = relay_count_buckets(buckets);
    round->has_raised = true;
    count(relay, counter_of(reason), (size_t)raised);
    relay_log_buckets(LOG_WARN_LEVEL, "epochs-raised", raised, reason);
    return RESULT_OK;
}

/* Polls from the group's position. A gap is what keeps Redis from being told all; so is a database
 * that does answer, but not to what has changed since a position that will only grow older. */
static enum result poll_for_gap(struct round *round, const struct group *group,
                                struct relay_poll *poll, const char **gap, struct error *error)
{
    *gap = NULL;
    enum result result = poll_once(round, group->position, poll, error);
    if (result == RESULT_OK) {
        *gap = gap_of(poll, group);
    } else if (result == RESULT_TIMEOUT && group->are_marked) {
        *gap = "changes";
        result = poll_once(round, slice_of("", 0), poll, error);
    }
    return result;
}

/* Polls from the group's position, or makes its values invalid and polls from just before that. */
static enum result poll_group(struct round *round, const struct group *group,
                              struct relay_poll *poll, struct error *error)
{
    struct relay_poll before;
    const char *gap;
    enum result result = poll_for_gap(round, group, &before, &gap, error);
    if (result != RESULT_OK || gap == NULL) {
        *poll = before;
        return result;
    }
    result = raise_epochs(round, group, before.is_foreign, gap, error);
    if (result == RESULT_OK) {
        result = poll_once(round, before.position, poll, error);
    }
    relay_poll_free(&before);
    if (result == RESULT_OK && !poll->is_continued) {
        relay_poll_free(poll);
        result = error_set(error, RESULT_CONFLICT, "relay", "the database changes under a poll");
    }
    return result;
}

/* Whose changes Redis knows now. */
static void tell(const struct relay *relay, const struct relay_poll *poll, const bool *extended)
{
    for (int b = 0; b < CACHE_BUCKETS && relay->listener.told != NULL; b++) {
        for (size_t i = relay_poll_first(poll, b); i < relay_poll_first(poll, b + 1) && extended[b];
             i++) {
            struct relay_change change;
            relay_poll_change(poll, i, &change);
            relay->listener.told(relay->listener.context, change.subject.hash);
        }
    }
}

/* Ends the group's round. */
static enum result beat_group(struct round *round, const struct group *group,
                              const struct relay_poll *poll, struct error *error)
{
    struct relay *relay = round->relay;
    const struct relay_beat beat = {
        .poll = poll,
        .buckets = group->buckets,
        .are_marked = group->are_marked,
        .old_nonce = group->nonce,
        .new_nonce = round->nonce,
        .life_ms = CACHE_HEARTBEAT_MS,
    };
    bool extended[CACHE_BUCKETS];
    failpoint("before_beat");
    int64_t began_us = clock_mono_us();
    enum result result = relay_beat(relay->beater, &beat, extended, error);
    cache_metrics_time(relay->options.metrics, CACHE_TIME_REDIS_ROUND, clock_mono_us() - began_us);
    failpoint("after_beat");
    size_t told = count_changes(poll, extended);
    count(relay, CACHE_COUNT_APPLY_RELAY_OK, told);
    count(relay, CACHE_COUNT_APPLY_RELAY_FAILED, count_changes(poll, group->buckets) - told);
    if (!relay_hold_note(&relay->hold, group->buckets, extended, round->nonce,
                         result == RESULT_OK ? "refused" : "unknown")) {
        round->was_refused = true;
    }
    tell(relay, poll, extended);
    if (result != RESULT_OK) {
        note_failure(&relay->redis_fails, result, error);
    } else {
        relay->redis_fails = false;
    }
    return result;
}

static enum result run_group(struct round *round, const struct group *group, struct error *error)
{
    struct relay_poll poll;
    enum result result = poll_group(round, group, &poll, error);
    if (result != RESULT_OK) {
        return result;
    }
    failpoint("after_poll");
    if (poll.oldest_age_us > round->pending_us) {
        round->pending_us = poll.oldest_age_us;
    }
    result = keep_position(round, poll.position, error);
    if (result == RESULT_OK) {
        result = beat_group(round, group, &poll, error);
    }
    relay_poll_free(&poll);
    return result;
}

static enum result renew(struct round *round, struct error *error)
{
    struct relay *relay = round->relay;
    bool buckets[CACHE_BUCKETS];
    memcpy(buckets, relay->hold.buckets, sizeof buckets);
    const struct group group = {.buckets = buckets,
                                .position = buffer_slice(&relay->hold.position),
                                .nonce = relay->hold.nonce};
    return run_group(round, &group, error);
}

/* Those of the marked buckets that were at one position are one group. They are few, unless somebody
 * has tampered with Redis: then what takes too long is left to the end of its mark. */
static enum result take_groups(struct round *round, bool marked[CACHE_BUCKETS],
                               const struct slice positions[CACHE_BUCKETS], const char *nonce,
                               struct error *error)
{
    int64_t limit_us = clock_mono_us() + heartbeat_us / 2;
    enum result result = RESULT_OK;
    for (int b = 0; b < CACHE_BUCKETS && result == RESULT_OK; b++) {
        if (marked[b] && clock_mono_us() < limit_us) {
            bool buckets[CACHE_BUCKETS] = {false};
            for (int i = b; i < CACHE_BUCKETS; i++) {
                buckets[i] = marked[i] && slice_equal(positions[i], positions[b]);
                marked[i] = marked[i] && !buckets[i];
            }
            const struct group group = {buckets, true, positions[b], nonce};
            result = run_group(round, &group, error);
        }
    }
    return result;
}

static enum result mark_and_take(struct round *round, struct error *error)
{
    struct relay *relay = round->relay;
    bool wanted[CACHE_BUCKETS], marked[CACHE_BUCKETS];
    struct slice positions[CACHE_BUCKETS];
    struct kv_batch *batch = NULL;
    char nonce[CACHE_NONCE_SIZE];
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        wanted[b] = !relay->hold.buckets[b];
    }
    cache_make_nonce(nonce);
    enum result result = relay_mark(relay->beater, nonce, wanted, marked, positions, &batch, error);
    if (result == RESULT_OK) {
        relay->redis_fails = false;
        relay->next_mark_us = clock_mono_us() + mark_every_us;
        failpoint("after_mark");
        result = take_groups(round, marked, positions, nonce, error);
    } else {
        note_failure(&relay->redis_fails, result, error);
    }
    kv_free(&batch);
    return result;
}

/* A mark keeps other relays away: while the database does not answer us, none is made. */
static enum result probe_database(struct round *round, struct error *error)
{
    struct relay_poll poll;
    enum result result = poll_once(round, slice_of("", 0), &poll, error);
    if (result == RESULT_OK) {
        relay_poll_free(&poll);
    }
    return result;
}

static enum result take_over(struct round *round, struct error *error)
{
    struct relay *relay = round->relay;
    int held_before = relay->hold.count;
    enum result result = relay->database_fails ? probe_database(round, error) : RESULT_OK;
    if (result == RESULT_OK) {
        result = mark_and_take(round, error);
    }
    if (relay->hold.count > held_before) {
        count(relay, CACHE_COUNT_TAKEOVERS, (size_t)(relay->hold.count - held_before));
        relay_log_buckets(LOG_INFO_LEVEL, "relay-holds", relay->hold.count, NULL);
    }
    return result;
}

static void count_round(const struct round *round, enum result result, int64_t began_us)
{
    struct relay *relay = round->relay;
    struct cache_metrics *metrics = relay->options.metrics;
    enum cache_counter counter = result != RESULT_OK      ? CACHE_COUNT_ROUND_FAILED
                                 : round->was_refused     ? CACHE_COUNT_ROUND_REFUSED
                                 : relay->hold.count == 0 ? CACHE_COUNT_ROUND_STANDBY
                                                          : CACHE_COUNT_ROUND_OK;
    count(relay, counter, 1);
    cache_metrics_set(metrics, CACHE_LEVEL_RELAY_BUCKETS, (uint64_t)relay->hold.count);
    /* Nobody knows what a round that failed has missed, but not since when. */
    int64_t pending_us =
        result == RESULT_OK ? round->pending_us : clock_mono_us() - relay->succeeded_at_us;
    cache_metrics_set(metrics, CACHE_LEVEL_RELAY_PENDING_US, (uint64_t)pending_us);
    relay->succeeded_at_us = result == RESULT_OK ? clock_mono_us() : relay->succeeded_at_us;
    if (counter == CACHE_COUNT_ROUND_OK) {
        cache_metrics_time(metrics, CACHE_TIME_ROUND, clock_mono_us() - began_us);
    }
}

void relay_round(struct relay *relay)
{
    struct round round = {.relay = relay};
    struct error error;
    enum result result = RESULT_OK;
    int64_t began_us = clock_mono_us();
    cache_make_nonce(round.nonce);
    if (relay->hold.count > 0 && began_us - relay->hold.extended_at_us > heartbeat_us) {
        relay_hold_lose(&relay->hold, relay->hold.buckets, "expired");
    }
    if (relay->hold.count > 0) {
        result = renew(&round, &error);
    }
    /* What could not be extended holds another nonce than what would be taken over now. */
    if (result == RESULT_OK && relay->hold.count < CACHE_BUCKETS
        && clock_mono_us() >= relay->next_mark_us) {
        result = take_over(&round, &error);
    }
    count_round(&round, result, began_us);
    if (round.has_raised && relay->listener.lost != NULL) {
        relay->listener.lost(relay->listener.context);
    }
}

void relay_release(struct relay *relay)
{
    relay_hold_release(&relay->hold, relay->beater);
    cache_metrics_set(relay->options.metrics, CACHE_LEVEL_RELAY_BUCKETS, 0);
}
