#include "plan.h"

#include "command/sample_random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { DAY_S = 86400, HOUR_S = 3600, ARTISTS = 300 };
/* How much more happens at the busiest hour than at the average one. */
#define SWING 0.8
#define SAME_ARTIST_SHARE 0.7
/* {past} and {from} lie between these. */
enum { PAST_FIRST_DAY = 30, PAST_LAST_DAY = 700 };

struct session {
    int64_t start_s;
    int listens;
    bool is_offline, is_watched;
};

struct planner {
    struct sample_random random;
    struct plan_options options;
    struct plan *plan;
    struct session *sessions; /* in order of time */
    int64_t sessions_count;
    int64_t *busy_until_s; /* of each person */
    double *weights;       /* of the people up to each: 1 + 1/2 + 1/3 + … */
    bool failed;           /* memory was short */
};

int plan_next_track(int track)
{
    int first = track / PLAN_ARTIST_TRACKS * PLAN_ARTIST_TRACKS;
    return first + (track + 1 - first) % PLAN_ARTIST_TRACKS;
}

/* ── drawing ── */

/* Seconds from the begin of the plan on, by the rhythm of the day. */
static int64_t draw_time(struct planner *planner)
{
    int64_t span_s = planner->options.hours * HOUR_S;
    for (;;) {
        double at_s = sample_random_unit(&planner->random) * (double)span_s;
        double hour = (at_s + (double)(DAY_S - span_s)) / HOUR_S;
        double level = 1 + SWING * cos(2 * M_PI * (hour - MIX_BUSIEST_HOUR) / 24);
        if (sample_random_unit(&planner->random) * (1 + SWING) < level) {
            return (int64_t)at_s;
        }
    }
}

/* How many of what happens so often in a day, per head, by the rhythm's share of these hours. */
static int64_t count_of(const struct planner *planner, int per_day)
{
    double hours = (double)planner->options.hours;
    double angle = 2 * M_PI / 24;
    double from = angle * (24 - hours - MIX_BUSIEST_HOUR);
    double to = angle * (24 - MIX_BUSIEST_HOUR);
    double share = (hours + SWING / angle * (sin(to) - sin(from))) / 24;
    return (int64_t)llround(share * per_day * (double)planner->options.people);
}

static double draw_exponential(struct planner *planner, double mean)
{
    return -mean * log(1 - sample_random_unit(&planner->random));
}

static void weigh_people(struct planner *planner)
{
    double sum = 0;
    for (int64_t i = 0; i < planner->options.people; i++) {
        sum += 1 / (double)(i + 1);
        planner->weights[i] = sum;
    }
}

static int draw_person(struct planner *planner)
{
    int64_t low = 0, high = planner->options.people - 1;
    double at = sample_random_unit(&planner->random) * planner->weights[high];
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (at < planner->weights[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return (int)low;
}

static int draw_track(struct planner *planner)
{
    int artist = sample_random_zipf(&planner->random, ARTISTS);
    return artist * PLAN_ARTIST_TRACKS + sample_random_below(&planner->random, PLAN_ARTIST_TRACKS);
}

/* ── events ── */

static void add_event(struct planner *planner, double at_s, struct plan_event event)
{
    struct plan *plan = planner->plan;
    if (plan->count == plan->room) {
        size_t room = plan->room * 2 + 4096;
        struct plan_event *events = realloc(plan->events, room * sizeof *events);
        if (events == NULL) {
            planner->failed = true;
            return;
        }
        plan->events = events;
        plan->room = room;
    }
    event.due_us = (int64_t)(at_s * 1e6);
    plan->events[plan->count++] = event;
}

static void add_submission(struct planner *planner, double at_s, int endpoint, int person,
                           int track)
{
    add_event(planner, at_s,
              (struct plan_event){.endpoint = endpoint,
                                  .cause = MIX_SESSION,
                                  .is_own = true,
                                  .person = person,
                                  .track = track,
                                  .tracks_count = 1});
}

/* The listener's own page after a listen. */
static void add_look(struct planner *planner, double at_s, int person)
{
    at_s += sample_random_unit(&planner->random) * MIX_LOOK_WITHIN_S;
    for (int i = 0; i < mix_endpoints_count; i++) {
        if (mix_endpoints[i].is_own) {
            add_event(planner, at_s,
                      (struct plan_event){.endpoint = i,
                                          .cause = MIX_LOOK,
                                          .is_own = true,
                                          .person = person,
                                          .range = MIX_RANGE_OWN});
        }
    }
}

/* Most tracks follow one another on a release. */
static void add_listens(struct planner *planner, const struct session *session, int person)
{
    int track = draw_track(planner);
    for (int i = 0; i < session->listens; i++) {
        double begin_s = (double)(session->start_s + (int64_t)i * MIX_LISTEN_EVERY_S);
        double end_s = begin_s + MIX_LISTEN_EVERY_S;
        add_submission(planner, begin_s, MIX_PLAYING_NOW, person, track);
        add_submission(planner, end_s, MIX_LISTEN, person, track);
        if (sample_random_chance(&planner->random, MIX_LOOK_SHARE)) {
            add_look(planner, end_s, person);
        }
        track = sample_random_chance(&planner->random, SAME_ARTIST_SHARE) ? plan_next_track(track)
                                                                           : draw_track(planner);
    }
}

/* All at once when there is a network again, and with yesterday's times. */
static void add_offline(struct planner *planner, const struct session *session, int person)
{
    int64_t end_s = session->start_s + (int64_t)session->listens * MIX_LISTEN_EVERY_S;
    add_event(planner, (double)end_s,
              (struct plan_event){.endpoint = MIX_IMPORT,
                                  .cause = MIX_SESSION,
                                  .is_own = true,
                                  .person = person,
                                  .track = draw_track(planner),
                                  .tracks_count = session->listens,
                                  .past_s = DAY_S});
}

/* A client of the listener's own shows what he hears. */
static void add_watching(struct planner *planner, const struct session *session, int person)
{
    static const int watched[] = {MIX_WATCHED_PLAYING, MIX_WATCHED_LISTENS};
    int first_s = sample_random_below(&planner->random, MIX_POLL_EVERY_S);
    int polls = session->listens * MIX_LISTEN_EVERY_S / MIX_POLL_EVERY_S;
    for (int i = 0; i < polls * 2; i++) {
        double at_s = (double)(session->start_s + first_s + i / 2 * MIX_POLL_EVERY_S);
        add_event(planner, at_s,
                  (struct plan_event){.endpoint = watched[i % 2],
                                      .cause = MIX_POLL,
                                      .is_own = true,
                                      .person = person});
    }
}

/* ── sessions ── */

static int compare_sessions(const void *a, const void *b)
{
    const struct session *x = a, *y = b;
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

static void draw_sessions(struct planner *planner)
{
    for (int64_t i = 0; i < planner->sessions_count; i++) {
        int listens = 1 + (int)draw_exponential(planner, MIX_SESSION_LISTENS - 1);
        planner->sessions[i] = (struct session){
            .start_s = draw_time(planner),
            .listens = listens < MIX_SESSION_LISTENS_MAX ? listens : MIX_SESSION_LISTENS_MAX,
            .is_offline = sample_random_chance(&planner->random, MIX_OFFLINE_SHARE),
            .is_watched = sample_random_chance(&planner->random, MIX_WATCHED_SHARE),
        };
    }
    qsort(planner->sessions, (size_t)planner->sessions_count, sizeof *planner->sessions,
          compare_sessions);
}

/* The next by rank where the one who was drawn is in a session; −1: all are. */
static int find_idle(struct planner *planner, int64_t at_s)
{
    int first = draw_person(planner);
    for (int64_t i = 0; i < planner->options.people; i++) {
        int person = (int)((first + i) % planner->options.people);
        if (planner->busy_until_s[person] <= at_s) {
            return person;
        }
    }
    return -1;
}

static void add_session(struct planner *planner, const struct session *session)
{
    int person = find_idle(planner, session->start_s);
    if (person < 0) {
        return;
    }
    planner->busy_until_s[person] =
        session->start_s + (int64_t)session->listens * MIX_LISTEN_EVERY_S;
    if (session->is_offline) {
        add_offline(planner, session, person);
        return;
    }
    add_listens(planner, session, person);
    if (session->is_watched) {
        add_watching(planner, session, person);
    }
}

/* ── visits ── */

static int64_t draw_past_s(struct planner *planner)
{
    int day = sample_random_between(&planner->random, PAST_FIRST_DAY, PAST_LAST_DAY);
    return (int64_t)day * DAY_S + sample_random_below(&planner->random, DAY_S);
}

/* What the page of a visit shows. */
static void draw_views(struct planner *planner, struct plan_event views[MIX_VISIT_VIEWS])
{
    int person = draw_person(planner);
    int range = mix_range_at(sample_random_below(&planner->random, mix_ranges_weight()));
    for (int i = 0; i < MIX_VISIT_VIEWS; i++) {
        int place = sample_random_below(&planner->random, mix_endpoints_weight());
        views[i] = (struct plan_event){.endpoint = mix_endpoint_at(place),
                                       .cause = MIX_VISIT,
                                       .person = person,
                                       .range = range,
                                       .track = draw_track(planner),
                                       .past_s = draw_past_s(planner)};
    }
}

/* What is asked for once stays so: a page doesn't poll windows of long ago. */
static void add_polls(struct planner *planner, double at_s,
                      struct plan_event views[MIX_VISIT_VIEWS])
{
    double end_s = at_s + draw_exponential(planner, MIX_OPEN_S);
    for (at_s += MIX_POLL_EVERY_S; at_s < end_s; at_s += MIX_POLL_EVERY_S) {
        for (int i = 0; i < MIX_VISIT_VIEWS; i++) {
            views[i].cause = MIX_POLL;
            if (mix_endpoints[views[i].endpoint].kind != MIX_APART) {
                add_event(planner, at_s, views[i]);
            }
        }
    }
}

static void add_visit(struct planner *planner)
{
    struct plan_event views[MIX_VISIT_VIEWS];
    double at_s = (double)draw_time(planner);
    draw_views(planner, views);
    for (int i = 0; i < MIX_VISIT_VIEWS; i++) {
        add_event(planner, at_s, views[i]);
        at_s += draw_exponential(planner, MIX_VIEW_EVERY_S);
    }
    if (sample_random_chance(&planner->random, MIX_OPEN_SHARE)) {
        add_polls(planner, at_s, views);
    }
}

/* ── all of it ── */

/* Who does several things at once does them in the order of the table. */
static int compare_events(const void *a, const void *b)
{
    const struct plan_event *x = a, *y = b;
    if (x->due_us != y->due_us) {
        return x->due_us > y->due_us ? 1 : -1;
    }
    return x->person != y->person ? x->person - y->person : x->endpoint - y->endpoint;
}

/* What would be due when the day is over is left out. */
static void cut_and_sort(struct planner *planner)
{
    struct plan *plan = planner->plan;
    qsort(plan->events, plan->count, sizeof *plan->events, compare_events);
    int64_t end_us = planner->options.hours * HOUR_S * 1000000;
    while (plan->count > 0 && plan->events[plan->count - 1].due_us >= end_us) {
        plan->count--;
    }
}

static void fill(struct planner *planner)
{
    weigh_people(planner);
    draw_sessions(planner);
    for (int64_t i = 0; i < planner->sessions_count; i++) {
        add_session(planner, &planner->sessions[i]);
    }
    int64_t visits = count_of(planner, MIX_VISITS_PER_DAY);
    for (int64_t i = 0; i < visits; i++) {
        add_visit(planner);
    }
    if (!planner->failed && planner->plan->count > 0) {
        cut_and_sort(planner);
    }
}

enum result plan_make(const struct plan_options *options, struct plan *plan)
{
    assert(options->people > 0 && options->hours > 0 && options->hours <= 24);
    *plan = (struct plan){0};
    struct planner planner = {
        .random = sample_random_at((uint64_t)options->seed, SAMPLE_STREAM_COMMUNITY, 1),
        .options = *options,
        .plan = plan,
        .busy_until_s = calloc((size_t)options->people, sizeof *planner.busy_until_s),
        .weights = calloc((size_t)options->people, sizeof *planner.weights),
    };
    planner.sessions_count = count_of(&planner, MIX_SESSIONS_PER_DAY);
    planner.sessions = calloc((size_t)planner.sessions_count + 1, sizeof *planner.sessions);
    planner.failed =
        planner.sessions == NULL || planner.busy_until_s == NULL || planner.weights == NULL;
    if (!planner.failed) {
        fill(&planner);
    }
    free(planner.sessions);
    free(planner.busy_until_s);
    free(planner.weights);
    return planner.failed ? RESULT_NO_MEMORY : RESULT_OK;
}

void plan_free(struct plan *plan)
{
    free(plan->events);
    *plan = (struct plan){0};
}
