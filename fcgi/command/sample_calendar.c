#include "command/sample_calendar.h"

#include <math.h>

enum { hours_sum = 100, days_a_week = 7, away_days_max = 18 };

/* Habits: at the office and on the way, in the evening, at night. Each row sums up to hours_sum. */
static const int HABITS[][2][24] = {
    {{0, 0, 0, 0, 0, 0, 2, 7, 9, 8, 7, 6, 4, 6, 7, 8, 8, 9, 7, 4, 3, 3, 2, 0},
     {1, 0, 0, 0, 0, 0, 0, 1, 3, 7, 9, 9, 8, 7, 7, 8, 8, 7, 6, 6, 5, 4, 3, 1}},
    {{1, 0, 0, 0, 0, 0, 1, 4, 5, 2, 2, 2, 2, 2, 2, 2, 4, 7, 11, 14, 14, 12, 9, 4},
     {3, 1, 0, 0, 0, 0, 0, 0, 2, 4, 6, 7, 6, 6, 6, 6, 6, 7, 8, 9, 9, 7, 5, 2}},
    {{11, 9, 6, 3, 1, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 5, 5, 6, 8, 9, 11},
     {13, 12, 9, 6, 3, 1, 0, 0, 0, 0, 1, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 6, 8}},
};
enum { habits_count = sizeof HABITS / sizeof HABITS[0] };

/* Monday first. The epoch was a Thursday. */
static int day_of_week(int64_t day)
{
    return (int)((day + 3) % days_a_week);
}

static void draw_day_weights(struct sample_calendar *calendar, struct sample_random *random,
                             int joined)
{
    double workday = 0.7 + 0.6 * sample_random_unit(random);
    double mood = 1;
    int away_until = 0;
    double sum = 0;
    for (int i = 0; i < SAMPLE_DAYS; i++) {
        int weekday = day_of_week(calendar->start_s / SAMPLE_DAY_S + i);
        if (weekday == 0) {
            mood = exp(0.35 * sample_random_bell(random));
        }
        if (sample_random_chance(random, 0.006)) {
            away_until = i + sample_random_between(random, 5, away_days_max);
        }
        double noise = exp(0.4 * sample_random_bell(random));
        double weight = noise * mood * (weekday < 5 ? workday : 2 - workday);
        sum += i < joined || i < away_until ? 0 : weight;
        calendar->upto[i] = sum;
    }
}

void sample_calendar_draw(struct sample_calendar *calendar, struct sample_random *random,
                          int64_t newest_s, bool always)
{
    calendar->start_s = newest_s - (int64_t)SAMPLE_DAYS * SAMPLE_DAY_S;
    calendar->zone_h = sample_random_between(random, -8, 9);
    calendar->hours = HABITS[sample_random_below(random, habits_count)];
    /* The first days stay free: crowded sessions move to earlier times. */
    int joined = 3;
    if (!always && sample_random_chance(random, 0.5)) {
        joined = sample_random_between(random, joined, SAMPLE_DAYS - 60);
    }
    draw_day_weights(calendar, random, joined);
}

static int draw_day(const struct sample_calendar *calendar, struct sample_random *random)
{
    double at = sample_random_unit(random) * calendar->upto[SAMPLE_DAYS - 1];
    int low = 0, high = SAMPLE_DAYS - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (calendar->upto[middle] > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static int draw_hour(const int weights[24], struct sample_random *random)
{
    int at = sample_random_below(random, hours_sum);
    int hour = 0;
    while (hour < 23 && at >= weights[hour]) {
        at -= weights[hour++];
    }
    return hour;
}

int64_t sample_calendar_moment(const struct sample_calendar *calendar,
                               struct sample_random *random)
{
    int day = draw_day(calendar, random);
    int weekday = day_of_week(calendar->start_s / SAMPLE_DAY_S + day);
    int hour = draw_hour(calendar->hours[weekday >= 5], random);
    int local_s = hour * 3600 + sample_random_below(random, 3600) - calendar->zone_h * 3600;
    /* A day is the UTC day: what the time zone moves out of it comes in at its other end. */
    int of_day_s = (local_s + SAMPLE_DAY_S) % SAMPLE_DAY_S;
    return calendar->start_s + (int64_t)day * SAMPLE_DAY_S + of_day_s;
}
