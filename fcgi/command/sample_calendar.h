/*
 * When a sample listener listens: days of the week, hours of the day, weeks away, the day he joined.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_CALENDAR_H
#define REFRAIN_COMMAND_SAMPLE_CALENDAR_H

#include "command/sample_random.h"

#include <stdbool.h>
#include <stdint.h>

enum { SAMPLE_DAY_S = 86400, SAMPLE_DAYS = 730 };

struct sample_calendar {
    int64_t start_s;            /* the first day's UTC midnight */
    int zone_h;                 /* his clock against UTC */
    const int (*hours)[24];     /* weights of the hours of a workday and of a day off */
    double upto[SAMPLE_DAYS];   /* running sum of the days' weights */
};

/* A calendar of the days before `newest_s`, a UTC midnight. `always` keeps the listener from joining
 * late. */
void sample_calendar_draw(struct sample_calendar *calendar, struct sample_random *random,
                          int64_t newest_s, bool always);

/* A moment at which a session begins. */
int64_t sample_calendar_moment(const struct sample_calendar *calendar,
                               struct sample_random *random);

#endif
