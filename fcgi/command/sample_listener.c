#include "command/sample_listener.h"

#include "command/sample_calendar.h"
#include "command/sample_taste.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    session_usual = 11, /* tracks */
    session_max = 60,
    session_gap_s = 120,
    often_listens = 1500, /* who has as many was there from the first day */
};

/* The first one, which tells everything, is the demo listener's. */
static const struct sample_client clients[] = {
    {"navidrome", true, true, true},      {"Web Scrobbler", true, false, true},
    {"Pano Scrobbler", true, false, true}, {"Jellyfin ListenBrainz Plugin", true, true, true},
    {"rescrobbled", false, false, false}, {"multi-scrobbler", true, false, true},
    {"Rhythmbox", false, true, true},
};
enum { clients_count = sizeof clients / sizeof clients[0] };

struct session {
    int64_t start_s;
    int span_s;
    int first, count; /* in the history */
};

/* One listener being made. */
struct person {
    struct sample_random random;
    struct sample_taste taste;
    struct sample_calendar calendar;
    const struct sample_client *client, *second_client;
    struct session *sessions;
    int sessions_count;
    struct sample_history *history;
};

/* ── how many listens ── */

static void shuffle(int *values, int count, struct sample_random *random)
{
    for (int i = count - 1; i > 0; i--) {
        int other = sample_random_below(random, i + 1);
        int value = values[i];
        values[i] = values[other];
        values[other] = value;
    }
}

void sample_listens_share(uint64_t seed, int listeners, int listens, int *counts)
{
    assert(listeners > 0 && listens <= (int64_t)listeners * SAMPLE_LISTENS_PER_LISTENER_MAX);
    struct sample_random random = sample_random_at(seed, SAMPLE_STREAM_COMMUNITY, 0);
    double weights_left = 0;
    for (int rank = 0; rank < listeners; rank++) {
        weights_left += pow(rank + 1, -1.1);
    }
    /* Heaviest first; what is over his maximum falls to the others. */
    for (int rank = 0; rank < listeners; rank++) {
        double weight = pow(rank + 1, -1.1);
        int count = rank == listeners - 1 ? listens : (int)lround(listens * weight / weights_left);
        count = count < SAMPLE_LISTENS_PER_LISTENER_MAX ? count : SAMPLE_LISTENS_PER_LISTENER_MAX;
        counts[rank] = count;
        listens -= count;
        weights_left -= weight;
    }
    if (listeners > 1) {
        int heaviest = counts[0];
        counts[0] = counts[1];
        counts[1] = heaviest;
        shuffle(counts + 1, listeners - 1, &random);
    }
}

/* ── what is heard in a session ── */

static void hear(struct person *person, struct session *session, int track)
{
    int duration_s = person->taste.catalogue->tracks[track].duration_ms / 1000;
    const struct sample_client *client =
        sample_random_chance(&person->random, 0.12) ? person->second_client : person->client;
    /* For now relative to the start of the session. */
    person->history->listens[session->first + session->count++] =
        (struct sample_listen){.listened_at_s = session->span_s, .track = track, .client = client};
    double heard = sample_random_chance(&person->random, 0.06)
                       ? 0.5 + 0.5 * sample_random_unit(&person->random)
                       : 1;
    session->span_s += (int)(duration_s * heard) + sample_random_below(&person->random, 4);
}

/* In order; one time in five it is broken off. */
static void hear_album(struct person *person, struct session *session, int wanted, int day)
{
    const struct sample_artist *artist = sample_taste_artist(&person->taste, &person->random, day);
    const struct sample_release *release =
        sample_taste_release(&person->taste, &person->random, artist);
    int count = release->tracks_count;
    if (sample_random_chance(&person->random, 0.2)) {
        count = sample_random_between(&person->random, 1, count);
    }
    for (int i = 0; i < count && session->count < wanted; i++) {
        hear(person, session, release->first_track + i);
    }
}

static void hear_mix(struct person *person, struct session *session, int wanted, int day)
{
    int count = sample_random_between(&person->random, 3, 12);
    for (int i = 0; i < count && session->count < wanted; i++) {
        const struct sample_artist *artist =
            sample_taste_artist(&person->taste, &person->random, day);
        hear(person, session, sample_taste_track(&person->taste, &person->random, artist));
    }
}

static void hear_favourites(struct person *person, struct session *session, int wanted)
{
    int count = sample_random_between(&person->random, 2, 8);
    for (int i = 0; i < count && session->count < wanted; i++) {
        int track = sample_taste_favourite(&person->taste, &person->random);
        hear(person, session, track);
        if (session->count < wanted && sample_random_chance(&person->random, 0.08)) {
            hear(person, session, track);
        }
    }
}

static void hear_session(struct person *person, struct session *session, int wanted)
{
    int day = (int)((session->start_s - person->calendar.start_s) / SAMPLE_DAY_S);
    while (session->count < wanted) {
        double kind = sample_random_unit(&person->random);
        if (kind < 0.45) {
            hear_album(person, session, wanted, day);
        } else if (kind < 0.78) {
            hear_mix(person, session, wanted, day);
        } else {
            hear_favourites(person, session, wanted);
        }
        if (sample_random_chance(&person->random, 0.2)) {
            session->span_s += sample_random_between(&person->random, 30, 500);
        }
    }
}

/* ── when ── */

/* Lengths first, because they say how many sessions there are; `count` takes the length for now. */
static void draw_sessions(struct person *person, int listens)
{
    while (listens > 0) {
        double length = 1 - session_usual * log(1 - sample_random_unit(&person->random));
        int count = length < session_max ? (int)length : session_max;
        count = count < listens ? count : listens;
        person->sessions[person->sessions_count++] = (struct session){.count = count};
        listens -= count;
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum result draw_starts(struct person *person)
{
    size_t count = (size_t)person->sessions_count;
    int64_t *starts = calloc(count + 1, sizeof *starts);
    if (starts == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        starts[i] = sample_calendar_moment(&person->calendar, &person->random);
    }
    qsort(starts, count, sizeof *starts, compare_times);
    for (size_t i = 0; i < count; i++) {
        person->sessions[i].start_s = starts[i];
    }
    free(starts);
    return RESULT_OK;
}

static void fill_sessions(struct person *person)
{
    int first = 0;
    for (int i = 0; i < person->sessions_count; i++) {
        struct session *session = &person->sessions[i];
        int wanted = session->count;
        session->count = 0;
        session->first = first;
        hear_session(person, session, wanted);
        first += wanted;
    }
    person->history->count = first;
}

/* Nobody hears two things at once: a session that runs into the next one begins earlier, and the
 * last one ends before `newest_s`. */
static void place_sessions(struct person *person, int64_t newest_s)
{
    int64_t end_s = newest_s;
    for (int i = person->sessions_count - 1; i >= 0; i--) {
        struct session *session = &person->sessions[i];
        if (session->start_s + session->span_s > end_s) {
            session->start_s = end_s - session->span_s;
        }
        for (int n = 0; n < session->count; n++) {
            person->history->listens[session->first + n].listened_at_s += session->start_s;
        }
        end_s = session->start_s - session_gap_s;
    }
    assert(end_s >= person->calendar.start_s - session_gap_s);
}

/* ── one listener ── */

static enum result make_history(struct person *person, int count, int64_t newest_s)
{
    draw_sessions(person, count);
    enum result result = draw_starts(person);
    if (result == RESULT_OK) {
        fill_sessions(person);
        place_sessions(person, newest_s);
    }
    return result;
}

enum result sample_history_create(const struct sample_catalogue *catalogue, uint64_t seed,
                                  int listener, int count, int64_t newest_s,
                                  struct sample_history *history)
{
    assert(count >= 0 && count <= SAMPLE_LISTENS_PER_LISTENER_MAX && newest_s % SAMPLE_DAY_S == 0);
    struct person person = {
        .random = sample_random_at(seed, SAMPLE_STREAM_LISTENER, (uint64_t)listener),
        .sessions = calloc((size_t)count + 1, sizeof *person.sessions),
        .history = history,
    };
    *history = (struct sample_history){.listens = calloc((size_t)count + 1, sizeof *history->listens)};
    person.client = &clients[listener == 0 ? 0 : sample_random_below(&person.random, clients_count)];
    person.second_client = &clients[sample_random_below(&person.random, clients_count)];
    sample_taste_draw(&person.taste, catalogue, &person.random, count);
    sample_calendar_draw(&person.calendar, &person.random, newest_s, count >= often_listens);
    enum result result = person.sessions != NULL && history->listens != NULL
                             ? make_history(&person, count, newest_s)
                             : RESULT_NO_MEMORY;
    free(person.sessions);
    if (result != RESULT_OK) {
        sample_history_free(history);
    }
    return result;
}

void sample_history_free(struct sample_history *history)
{
    free(history->listens);
    *history = (struct sample_history){0};
}
