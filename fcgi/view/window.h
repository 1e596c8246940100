/*
 * The nine named ranges of the statistics, as windows of UTC time by the wall clock. Weeks begin on
 * Monday; week, month, quarter, half_yearly and year are the last complete ones.
 */
#ifndef REFRAIN_VIEW_WINDOW_H
#define REFRAIN_VIEW_WINDOW_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_NAME_SIZE = 40, WINDOW_PERIOD_NONE = -1, WINDOW_PERIOD_ALL_TIME = 0 };

/* The names of the ranges, by number. */
enum { WINDOW_RANGES = 9 };
const char *window_range(int at);

struct window {
    int range_at;                /* the number of its range */
    const char *range;           /* its name */
    char name[WINDOW_NAME_SIZE]; /* of this very window, such as "week@2026-11-16" */
    int64_t from_s;              /* half-open: from <= t < to */
    int64_t to_s;                /* 0: never closes */
    int period; /* of the tallies: a calendar year, or one of the two above (NONE: has no tallies) */
};

/* False if there is no such range; case counts. */
bool window_of_range(struct slice range, int64_t now_s, struct window *window);

/* The calendar year of a time, and when one begins; from the year 1 on. */
int window_year_of(int64_t time_s);
int64_t window_year_start(int year);

#endif
