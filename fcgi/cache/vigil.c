/*
 * A sighting is a sum of counters that never fall, so equal sums mean that none of them has moved:
 *
 *     slots[u]    writes by processes of this host (slots.h)
 *     pushes[u]   changes of the user's v (and of those who share his slot) that Redis has told of
 *     buckets[b]  looks that found another epoch or generation in the bucket's heartbeat than the
 *                 look before, or no live heartbeat then
 *     era         flushes; losses of the watch; watches begun
 *
 * Beside them stand, per bucket, until when it is trusted, and the round of the last heartbeat that
 * was looked at. The thread of the vigil is the only one
 * that writes any of these but the slots; all are atomic, and there is no lock on the way of a
 * reader. (The lock here is for stopping alone.)
 *
 * A look, every CACHE_LOOK_MS: MGET of all heartbeats, and after its answer a PING on the watch.
 * Once that is answered, every push that Redis had sent before it read the heartbeats has been
 * counted (redis/watch.c). Only then is each bucket with a live heartbeat trusted anew: for
 * CACHE_LOOK_TRUST_MS from before the MGET was sent, and no longer than to twice a heartbeat's life
 * after the database's time of its round. What is not applied by then is younger than that, so what
 * is served from memory is never older than what may be served from Redis.
 *
 * Why a sighting is noted before the MGET of a reader is sent. Between its execution and the
 * moment at which the reader keeps the answer, a change may be pushed, or a write of this host
 * acknowledged. Noted before, the counter has moved since, and the record is worthless, as it must
 * be. Noted after, the old answer would carry the new number. The price is a needless MGET where a
 * change falls between noting and execution.
 *
 * Why era is raised after tracking is on, and before any trust and any node. Nothing was told
 * between the loss of the last watch and the new one, so no sighting of that time may be vouched
 * for. The raise at the loss alone would leave those that were noted after it. The server's
 * history is read after tracking is on and before the raise, for the same reason: what is noted
 * after the raise is of that history or a later one, and each look compares. (A master that has
 * become a replica, and been given other data, tells of no change; its clients stay connected. Its
 * history is another one then.)
 *
 * Why an answer with a heartbeat older than the one last looked at is not kept. A server's data may
 * be replaced in place by those of a replica that lags, without a push, a new connection or another
 * server. The next look finds another history; until then the last one's trust would cover versions
 * that it has not looked at. The round is published before the PING, hence before the trust.
 *
 * A changed epoch or generation is noticed by the next look, not at once. Meanwhile the trust comes
 * from the last look, whose heartbeat did not hold the change: so the change came after that round,
 * and the bound above covers it. The bucket's counter is raised before the bucket is trusted again.
 *
 * Order of memory: the thread raises counters, then extends trust with a release; a reader loads
 * the trust with an acquire, then the counters. So who sees a trust sees all that it depends on.
 * Sightings are loaded with acquire as well: they cannot sink below the sending of the MGET. That
 * the loads of one sum are of different moments does no harm: each of them lies after the noting.
 *
 * A look that fails only extends nothing, since the watch may be well; trust runs out by itself. A
 * watch that fails is closed, and ends all trust at once.
 */
#include "cache/vigil.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/jitter.h"
#include "base/log.h"
#include "cache/heartbeats.h"
#include "cache/protocol.h"
#include "redis/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const int64_t look_us = CACHE_LOOK_MS * INT64_C(1000);
static const int64_t trust_us = CACHE_LOOK_TRUST_MS * INT64_C(1000);
/* What a leased read may miss. */
static const int64_t bound_us = 2 * CACHE_HEARTBEAT_MS * INT64_C(1000);
static const int64_t connect_max_us = 100000;
static const int64_t pause_min_us = 50000;
static const int64_t pause_max_us = 2000000;

/* What the log has been told last. */
enum told { TOLD_NOTHING, TOLD_WATCHES, TOLD_LOST };

struct vigil {
    struct vigil_options options;
    _Atomic uint64_t pushes[CACHE_SLOTS];
    _Atomic uint64_t buckets[CACHE_BUCKETS];
    _Atomic int64_t trusted_until_us[CACHE_BUCKETS];
    _Atomic int64_t round_us[CACHE_BUCKETS];
    _Atomic uint64_t era;
    _Atomic uint64_t node;

    /* Of the thread alone. */
    struct kv *kv;
    struct kv_watch *watch;             /* NULL: not connected */
    struct cache_heartbeats heartbeats; /* of the last look */
    uint64_t history;                   /* of the data that are watched */
    int64_t watching_since_us;
    int64_t trusted_us; /* until when the last look that went well counts */
    int64_t pause_us;   /* before the next try to connect, at most */
    enum told told;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stops; /* under the lock */
};

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

static void raise_counter(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_release);
}

uint64_t vigil_sighting(const struct vigil *vigil, const struct cache_subject *subject)
{
    return slots_read(vigil->options.slots, subject)
           + get(&vigil->pushes[subject->index])
           + get(&vigil->buckets[subject->bucket]) + get(&vigil->era);
}

bool vigil_vouches(const struct vigil *vigil, const struct cache_subject *subject,
                   uint64_t sighting, int64_t now_us)
{
    int64_t until_us = atomic_load_explicit(&vigil->trusted_until_us[subject->bucket],
                                            memory_order_acquire);
    return now_us < until_us && vigil_sighting(vigil, subject) == sighting;
}

uint64_t vigil_node(const struct vigil *vigil)
{
    return get(&vigil->node);
}

int64_t vigil_round_us(const struct vigil *vigil, const struct cache_subject *subject)
{
    return atomic_load_explicit(&vigil->round_us[subject->bucket], memory_order_acquire);
}

/* Trust in a bucket ends or goes on. */
static void trust(struct vigil *vigil, int bucket, int64_t until_us)
{
    atomic_store_explicit(&vigil->trusted_until_us[bucket], until_us, memory_order_release);
}

static void told_of_key(void *context, struct slice key)
{
    struct vigil *vigil = context;
    struct cache_subject subject;
    failpoint("on_push");
    if (key.size_bytes == 0) {
        raise_counter(&vigil->era);
    } else if (cache_key_version_parse(key, &subject)) {
        raise_counter(&vigil->pushes[subject.index]);
    }
    cache_metrics_add(vigil->options.metrics, CACHE_COUNT_L1_PUSHES, 1);
}

/* One line where trust is lost and one where it is back, however many tries lie between. */
static void tell_lost(struct vigil *vigil, enum result result, const struct error *error)
{
    if (vigil->told == TOLD_WATCHES) {
        cache_metrics_add(vigil->options.metrics, CACHE_COUNT_L1_TRUST_LOSSES, 1);
    }
    if (vigil->told != TOLD_LOST) {
        log_error("vigil-lost", result, error);
    }
    vigil->told = TOLD_LOST;
    cache_metrics_set(vigil->options.metrics, CACHE_LEVEL_L1_TRUSTED_BUCKETS, 0);
}

static void tell_watches(struct vigil *vigil)
{
    if (vigil->told != TOLD_WATCHES) {
        log_event(LOG_INFO_LEVEL, "vigil-watches", NULL);
    }
    vigil->told = TOLD_WATCHES;
}

/* Each time the pause before the next try doubles, unless the watch has held for a while. */
static void lose_watch(struct vigil *vigil, enum result result, const struct error *error)
{
    bool held = vigil->watch != NULL && vigil->history != 0
                && clock_mono_us() - vigil->watching_since_us > pause_max_us;
    kv_watch_close(&vigil->watch);
    vigil->history = 0;
    atomic_store_explicit(&vigil->node, 0, memory_order_release);
    for (int bucket = 0; bucket < CACHE_BUCKETS; bucket++) {
        trust(vigil, bucket, 0);
    }
    raise_counter(&vigil->era);
    int64_t longer_us = 2 * vigil->pause_us < pause_max_us ? 2 * vigil->pause_us : pause_max_us;
    vigil->pause_us = held ? pause_min_us : longer_us;
    tell_lost(vigil, result, error);
}

/* Whether the heartbeats were told by the server that is watched, and of the data that it had when
 * the watch began; the first to be read decide which these are. */
static enum result check_server(struct vigil *vigil, const struct cache_heartbeats *heartbeats,
                                struct error *error)
{
    uint64_t node = kv_watch_node(vigil->watch);
    if (node == 0 || heartbeats->node == 0) {
        return error_set(error, RESULT_UNAVAILABLE, "vigil",
                         "Redis does not say which server it is: let its user run INFO (+info)");
    }
    if (heartbeats->node != node) {
        return error_set(error, RESULT_UNAVAILABLE, "vigil",
                         "redis.url leads to more than one Redis, or it was restarted");
    }
    if (heartbeats->history == 0
        || (vigil->history != 0 && heartbeats->history != vigil->history)) {
        return error_set(error, RESULT_UNAVAILABLE, "vigil",
                         "this Redis is a replica, or has got the data of another one");
    }
    return RESULT_OK;
}

static bool is_same(const struct cache_heartbeat *a, const struct cache_heartbeat *b)
{
    return a->epoch == b->epoch && a->people == b->people && a->catalogue == b->catalogue
           && a->model == b->model;
}

/* Judges what a look found; what it depends on has been counted. */
static void judge(struct vigil *vigil, const struct cache_heartbeats *found, int64_t sent_us,
                  int64_t slept_us)
{
    const struct cache_heartbeats *last = &vigil->heartbeats;
    int64_t now_us = clock_mono_us();
    int64_t host_us = clock_host_us();
    uint64_t trusted = 0;
    for (int bucket = 0; bucket < CACHE_BUCKETS; bucket++) {
        const struct cache_heartbeat *beat = &found->beats[bucket];
        int64_t until_us = 0;
        if (found->is_live[bucket]) {
            if (!last->is_live[bucket] || !is_same(beat, &last->beats[bucket])) {
                raise_counter(&vigil->buckets[bucket]);
            }
            int64_t covered_us = now_us - (host_us - beat->polled_at_us) + bound_us;
            until_us = covered_us < sent_us + trust_us ? covered_us : sent_us + trust_us;
        }
        trust(vigil, bucket, until_us + slept_us);
        trusted += until_us > now_us;
    }
    cache_metrics_set(vigil->options.metrics, CACHE_LEVEL_L1_TRUSTED_BUCKETS, trusted);
    vigil->heartbeats = *found;
    vigil->trusted_us = sent_us + trust_us;
}

static void publish_rounds(struct vigil *vigil, const struct cache_heartbeats *found)
{
    for (int bucket = 0; bucket < CACHE_BUCKETS; bucket++) {
        if (found->is_live[bucket]) {
            atomic_store_explicit(&vigil->round_us[bucket], found->beats[bucket].polled_at_us,
                                  memory_order_release);
        }
    }
}

/* *is_watching false: the watch is of no use any more. */
static enum result look(struct vigil *vigil, bool *is_watching, struct error *error)
{
    struct cache_heartbeats found;
    int64_t sent_us = clock_mono_us();
    /* Trust ends by the clock that goes on while the host is suspended: heartbeats end as well. What
     * it slept until now is all that may be added to the other one. */
    int64_t slept_us = clock_boot_us() - sent_us;
    enum result result = cache_heartbeats_read(vigil->kv, &found, error);
    *is_watching = true;
    if (result != RESULT_OK) {
        return result;
    }
    failpoint("after_heartbeats");
    result = check_server(vigil, &found, error);
    if (result == RESULT_OK) {
        publish_rounds(vigil, &found);
        result = kv_watch_settle(vigil->watch, sent_us + trust_us, error);
    }
    *is_watching = result == RESULT_OK;
    if (result == RESULT_OK) {
        judge(vigil, &found, sent_us, slept_us);
        tell_watches(vigil);
    }
    return result;
}

/* Begins a watch, and finds out whose data it is over. */
static enum result begin(struct vigil *vigil, struct error *error)
{
    const struct kv_watch_options options = {vigil->options.redis_url, CACHE_VERSION_PREFIX,
                                             told_of_key, vigil};
    struct cache_heartbeats found;
    enum result result =
        kv_watch_open(&options, clock_mono_us() + connect_max_us, &vigil->watch, error);
    if (result == RESULT_OK) {
        result = cache_heartbeats_read(vigil->kv, &found, error);
    }
    if (result == RESULT_OK) {
        result = check_server(vigil, &found, error);
    }
    if (result == RESULT_OK) {
        vigil->history = found.history;
        vigil->watching_since_us = clock_mono_us();
        raise_counter(&vigil->era);
        atomic_store_explicit(&vigil->node, found.node, memory_order_release);
    }
    return result;
}

/* False once it is to stop. */
static bool wait_until(struct vigil *vigil, int64_t time_us)
{
    const struct timespec until = {time_us / 1000000, time_us % 1000000 * 1000};
    int status = 0;
    pthread_mutex_lock(&vigil->lock);
    while (!vigil->stops && status == 0) {
        status = pthread_cond_timedwait(&vigil->stopping, &vigil->lock, &until);
    }
    bool goes_on = !vigil->stops;
    pthread_mutex_unlock(&vigil->lock);
    return goes_on;
}

/* One look, and listening until the next; or one try to connect, and a pause if it fails. Tells
 * when the next turn begins. */
static int64_t take_turn(struct vigil *vigil)
{
    struct error error;
    int64_t next_us = clock_mono_us() + look_us;
    bool is_watching = true;
    enum result result = RESULT_OK;
    if (vigil->watch == NULL) {
        result = begin(vigil, &error);
        is_watching = result == RESULT_OK;
    }
    if (is_watching) {
        result = look(vigil, &is_watching, &error);
    }
    if (is_watching && result != RESULT_OK && clock_mono_us() > vigil->trusted_us) {
        tell_lost(vigil, result, &error);
    }
    if (is_watching) {
        result = kv_watch_listen(vigil->watch, next_us, &error);
        is_watching = result == RESULT_OK;
    }
    if (!is_watching) {
        lose_watch(vigil, result, &error);
        next_us = clock_mono_us() + jitter_up_to(vigil->pause_us);
    }
    return next_us;
}

static void *run(void *context)
{
    struct vigil *vigil = context;
    int64_t next_us = clock_mono_us();
    while (wait_until(vigil, next_us)) {
        next_us = take_turn(vigil);
    }
    return NULL;
}

static void destroy(struct vigil **vigil)
{
    kv_watch_close(&(*vigil)->watch);
    kv_close(&(*vigil)->kv);
    pthread_cond_destroy(&(*vigil)->stopping);
    pthread_mutex_destroy(&(*vigil)->lock);
    free(*vigil);
    *vigil = NULL;
}

static struct vigil *create(const struct vigil_options *options)
{
    struct vigil *vigil = calloc(1, sizeof *vigil);
    if (vigil == NULL) {
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&vigil->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&vigil->lock, NULL);
    vigil->options = *options;
    vigil->pause_us = pause_min_us / 2;
    return vigil;
}

enum result vigil_start(const struct vigil_options *options, struct vigil **vigil,
                        struct error *error)
{
    *vigil = create(options);
    if (*vigil == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "vigil", "out of memory");
    }
    const struct kv_options kv = {.url = options->redis_url,
                                  .pool_size = 1,
                                  .timeout_ms = options->timeout_ms,
                                  .is_quiet = true};
    enum result result = kv_open(&kv, &(*vigil)->kv, error);
    int status = result == RESULT_OK ? pthread_create(&(*vigil)->thread, NULL, run, *vigil) : 0;
    if (status != 0) {
        result = error_set(error, RESULT_UNAVAILABLE, "vigil", "no thread can be made: %s",
                           strerror(status));
    }
    if (result != RESULT_OK) {
        destroy(vigil);
    }
    return result;
}

void vigil_stop(struct vigil **vigil)
{
    if (*vigil == NULL) {
        return;
    }
    pthread_mutex_lock(&(*vigil)->lock);
    (*vigil)->stops = true;
    pthread_cond_signal(&(*vigil)->stopping);
    pthread_mutex_unlock(&(*vigil)->lock);
    pthread_join((*vigil)->thread, NULL);
    destroy(vigil);
}
