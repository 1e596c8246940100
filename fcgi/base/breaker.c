/*
 * `history` has a bit a call, the newest lowest, 1 for a failure. While it is 0 and the state is
 * closed, which is nearly always, neither entering nor leaving takes the lock: both are read as
 * atomics, and everything is written under the lock. Who entered before it opened may leave later;
 * what they tell then is old and changes nothing.
 */
#include "base/breaker.h"

#include "base/jitter.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t open_min_us = 700000;
static const int64_t open_spread_us = 600000;

enum { NAME_SIZE = 32 };
static const uint32_t history_mask = (1U << 20) - 1;
static const uint32_t row_mask = (1U << 5) - 1; /* failures in a row that open it */
static const int failures_max = 10;             /* of what history holds */

struct breaker {
    char away[NAME_SIZE], back[NAME_SIZE]; /* events; empty: not logged */
    struct server_stats *stats;
    pthread_mutex_t lock;
    _Atomic uint32_t state; /* enum breaker_state */
    _Atomic uint32_t history;
    int64_t open_until_us;
    bool is_probing;
    struct error cause;
};

struct breaker *breaker_create(const char *name, struct server_stats *stats)
{
    struct breaker *breaker = calloc(1, sizeof *breaker);
    if (breaker == NULL) {
        return NULL;
    }
    if (name != NULL) {
        snprintf(breaker->away, NAME_SIZE, "%s-away", name);
        snprintf(breaker->back, NAME_SIZE, "%s-back", name);
    }
    breaker->stats = stats;
    stats->breaker = BREAKER_CLOSED;
    pthread_mutex_init(&breaker->lock, NULL);
    return breaker;
}

void breaker_destroy(struct breaker **breaker)
{
    if (*breaker != NULL) {
        pthread_mutex_destroy(&(*breaker)->lock);
        free(*breaker);
        *breaker = NULL;
    }
}

static void set_state_locked(struct breaker *breaker, enum breaker_state state)
{
    breaker->state = state;
    breaker->stats->breaker = state;
    breaker->history = 0;
    breaker->is_probing = false;
}

/* True if that is news for the log. */
static bool open_locked(struct breaker *breaker, int64_t now_us, const struct error *cause)
{
    bool was_closed = breaker->state == BREAKER_CLOSED;
    bool is_news = was_closed || strcmp(breaker->cause.text, cause->text) != 0;
    set_state_locked(breaker, BREAKER_OPEN);
    breaker->open_until_us = now_us + open_min_us + jitter_up_to(open_spread_us);
    breaker->cause = *cause;
    breaker->stats->breaker_opened += was_closed;
    return is_news;
}

/* Without the lock: writing a log line may take its time. */
static void tell(const struct breaker *breaker, const struct error *cause)
{
    if (breaker->away[0] == '\0') {
        return;
    }
    if (cause != NULL) {
        log_event(LOG_WARN_LEVEL, breaker->away, "cause", cause->text, NULL);
    } else {
        log_event(LOG_INFO_LEVEL, breaker->back, NULL);
    }
}

enum breaker_pass breaker_enter(struct breaker *breaker, int64_t now_us, struct error *error)
{
    if (atomic_load_explicit(&breaker->state, memory_order_relaxed) == BREAKER_CLOSED) {
        return BREAKER_CALL;
    }
    enum breaker_pass pass = BREAKER_REFUSED;
    pthread_mutex_lock(&breaker->lock);
    if (breaker->state == BREAKER_OPEN && now_us >= breaker->open_until_us) {
        set_state_locked(breaker, BREAKER_HALF_OPEN);
    }
    if (breaker->state == BREAKER_CLOSED) {
        pass = BREAKER_CALL;
    } else if (breaker->state == BREAKER_HALF_OPEN && !breaker->is_probing) {
        breaker->is_probing = true;
        pass = BREAKER_PROBE;
    } else if (error != NULL) {
        *error = breaker->cause;
    }
    pthread_mutex_unlock(&breaker->lock);
    return pass;
}

/* Whether the failures are too many. */
static bool remember_locked(struct breaker *breaker, bool has_failed)
{
    uint32_t history = (breaker->history << 1 | has_failed) & history_mask;
    breaker->history = history;
    return (history & row_mask) == row_mask || __builtin_popcount(history) >= failures_max;
}

static bool leave_call(struct breaker *breaker, bool has_failed, int64_t now_us,
                       const struct error *cause)
{
    bool opens = false;
    bool is_news = false;
    pthread_mutex_lock(&breaker->lock);
    if (breaker->state == BREAKER_CLOSED && remember_locked(breaker, has_failed) && has_failed) {
        opens = true;
        is_news = open_locked(breaker, now_us, cause);
    }
    pthread_mutex_unlock(&breaker->lock);
    if (is_news) {
        tell(breaker, cause);
    }
    return opens;
}

static bool is_failure(enum breaker_outcome outcome)
{
    return outcome == BREAKER_SILENT || outcome == BREAKER_BROKEN;
}

static bool leave_probe(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_us,
                        const struct error *cause)
{
    bool opens = false;
    bool is_news = false;
    pthread_mutex_lock(&breaker->lock);
    if (breaker->state == BREAKER_HALF_OPEN) {
        breaker->is_probing = false;
        if (outcome == BREAKER_ANSWERED) {
            set_state_locked(breaker, BREAKER_CLOSED);
            is_news = true;
        } else if (is_failure(outcome)) {
            opens = true;
            is_news = open_locked(breaker, now_us, cause);
        }
    }
    pthread_mutex_unlock(&breaker->lock);
    if (is_news) {
        tell(breaker, opens ? cause : NULL);
    }
    return opens;
}

bool breaker_leave(struct breaker *breaker, enum breaker_pass pass, enum breaker_outcome outcome,
                   int64_t now_us, const struct error *cause)
{
    assert(pass != BREAKER_REFUSED);
    if (is_failure(outcome)) {
        breaker->stats->calls_failed++;
    }
    if (pass == BREAKER_PROBE) {
        return leave_probe(breaker, outcome, now_us, cause);
    }
    if (outcome == BREAKER_UNTRIED
        || (outcome == BREAKER_ANSWERED
            && atomic_load_explicit(&breaker->history, memory_order_relaxed) == 0)) {
        return false;
    }
    return leave_call(breaker, is_failure(outcome), now_us, cause);
}

bool breaker_trip(struct breaker *breaker, int64_t now_us, const struct error *cause)
{
    bool is_news = false;
    pthread_mutex_lock(&breaker->lock);
    bool opens = breaker->state != BREAKER_OPEN;
    if (opens) {
        is_news = open_locked(breaker, now_us, cause);
    }
    pthread_mutex_unlock(&breaker->lock);
    if (is_news) {
        tell(breaker, cause);
    }
    return opens;
}

bool breaker_is_closed(const struct breaker *breaker)
{
    return atomic_load_explicit(&breaker->state, memory_order_relaxed) == BREAKER_CLOSED;
}
