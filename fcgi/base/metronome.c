#include "base/metronome.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct metronome {
    struct metronome_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stops; /* under the lock */
};

/* False once it is to stop. */
static bool wait_until(struct metronome *metronome, int64_t time_us)
{
    const struct timespec until = {time_us / 1000000, time_us % 1000000 * 1000};
    int status = 0;
    pthread_mutex_lock(&metronome->lock);
    while (!metronome->stops && status == 0) {
        status = pthread_cond_timedwait(&metronome->stopping, &metronome->lock, &until);
    }
    bool goes_on = !metronome->stops;
    pthread_mutex_unlock(&metronome->lock);
    return goes_on;
}

/* A beat that took too long is followed by the next at once, and they go on from there. */
static void *run(void *context)
{
    struct metronome *metronome = context;
    int64_t next_us = clock_mono_us();
    while (wait_until(metronome, next_us)) {
        metronome->options.beat(metronome->options.context);
        int64_t now_us = clock_mono_us();
        next_us += metronome->options.interval_us;
        next_us = next_us > now_us ? next_us : now_us;
    }
    metronome->options.last(metronome->options.context);
    return NULL;
}

static void destroy(struct metronome **metronome)
{
    pthread_cond_destroy(&(*metronome)->stopping);
    pthread_mutex_destroy(&(*metronome)->lock);
    free(*metronome);
    *metronome = NULL;
}

enum result metronome_start(const struct metronome_options *options, struct metronome **metronome,
                            struct error *error)
{
    *metronome = calloc(1, sizeof **metronome);
    if (*metronome == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "metronome", "out of memory");
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&(*metronome)->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&(*metronome)->lock, NULL);
    (*metronome)->options = *options;
    int status = pthread_create(&(*metronome)->thread, NULL, run, *metronome);
    if (status != 0) {
        destroy(metronome);
        return error_set(error, RESULT_UNAVAILABLE, "metronome", "no thread can be made: %s",
                         strerror(status));
    }
    return RESULT_OK;
}

void metronome_stop(struct metronome **metronome)
{
    if (*metronome == NULL) {
        return;
    }
    pthread_mutex_lock(&(*metronome)->lock);
    (*metronome)->stops = true;
    pthread_cond_signal(&(*metronome)->stopping);
    pthread_mutex_unlock(&(*metronome)->lock);
    pthread_join((*metronome)->thread, NULL);
    destroy(metronome);
}
