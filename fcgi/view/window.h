/*
 * The windows of the statistics, in UTC: the nine named ranges by the wall clock, any run of days,
 * and a date in all years. Weeks begin on Monday; week, month, quarter, half_yearly and year are the
 * last complete ones.
 */
#ifndef REFRAIN_VIEW_WINDOW_H
#define REFRAIN_VIEW_WINDOW_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_NAME_SIZE = 40, WINDOW_PERIOD_NONE = -1, WINDOW_PERIOD_ALL_TIME = 0 };

/* The names of the ranges, by number. */
enum { WINDOW_RANGES = 9, WINDOW_CUSTOM = -1, WINDOW_DATE = -2 };
const char *window_range(int at);

/* What charts of activity cut a window into; the numbers are those of SQL. */
enum window_step { WINDOW_STEP_DAY = 1, WINDOW_STEP_MONTH, WINDOW_STEP_YEAR };

struct window {
    int range_at;                /* the number of its range, or one of the two above */
    const char *range;           /* its name; "custom" of days that were given; NULL of a date */
    char name[WINDOW_NAME_SIZE]; /* of this very window, such as "week@2026-11-16" */
    int64_t before_s;            /* where the one before it begins; from_s: there is none */
    int64_t from_s;              /* half-open: from <= t < to */
    int64_t to_s;                /* 0: never closes */
    int period; /* of the tallies: a calendar year, or one of the two above (NONE: has no tallies) */
    enum window_step step;
};

/* False if there is no such range; case counts. */
bool window_of_range(struct slice range, int64_t now_s, struct window *window);

/* Midnight of a date such as "2026-11-16". False where it is none, or lies outside of what a window
 * may take in. */
#define WINDOW_DAY_MIN "2002-01-01"
#define WINDOW_DAY_MAX "2100-01-01"
bool window_parse_day(struct slice text, int64_t *midnight_s);

/* The window from one midnight to a later one. The one before is as long, but begins no earlier than
 * all time; a whole calendar year is the same as by its range. */
void window_of_days(int64_t from_s, int64_t to_s, struct window *window);

/* A date in the years before this one: from_s is that day of a leap year, to_s where the running year
 * begins. The date is such as "11-16", or NULL for today's. False where it is none. */
bool window_of_date(const struct slice *date, int64_t now_s, struct window *window);

/* The calendar year of a time, and when one begins; from the year 1 on. */
int window_year_of(int64_t time_s);
int64_t window_year_start(int year);

#endif
