#include "service/window.h"

#include <stdio.h>
#include <time.h>

static const int64_t day_s = 86400;
static const int64_t all_time_from_s = 1009843200; /* 2002-01-01, as ListenBrainz has it */

enum unit { UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNIT_EVER };

/* Windows are `length` units long and begin at a multiple of it; `back` of them before the running
 * one. */
static const struct {
    const char *range;
    enum unit unit;
    int length;
    int back;
} ranges[] = {
    {"this_week", UNIT_WEEK, 1, 0},   {"this_month", UNIT_MONTH, 1, 0},
    {"this_year", UNIT_YEAR, 1, 0},   {"week", UNIT_WEEK, 1, 1},
    {"month", UNIT_MONTH, 1, 1},      {"quarter", UNIT_MONTH, 3, 1},
    {"half_yearly", UNIT_MONTH, 6, 1}, {"year", UNIT_YEAR, 1, 1},
    {"all_time", UNIT_EVER, 0, 0},
};

static int64_t start_of_month(int year, int month)
{
    struct tm utc = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = 1};
    return timegm(&utc);
}

static void set_weeks(struct window *window, int64_t now_s, int back)
{
    int64_t day = now_s / day_s;
    int64_t monday = day - (day + 3) % 7; /* 1970-01-01 was a Thursday */
    window->from_s = (monday - 7 * back) * day_s;
    window->to_s = window->from_s + 7 * day_s;
}

static void set_months(struct window *window, const struct tm *now, int length, int back)
{
    int first = now->tm_mon - now->tm_mon % length - length * back;
    window->from_s = start_of_month(now->tm_year + 1900, first);
    window->to_s = start_of_month(now->tm_year + 1900, first + length);
}

bool window_of_range(struct slice range, int64_t now_s, struct window *window)
{
    size_t at = 0;
    size_t count = sizeof ranges / sizeof *ranges;
    while (at < count && !slice_is(range, ranges[at].range)) {
        at++;
    }
    if (at == count) {
        return false;
    }
    time_t now = now_s;
    struct tm utc;
    gmtime_r(&now, &utc);
    *window = (struct window){.range = ranges[at].range, .period = WINDOW_PERIOD_NONE};
    switch (ranges[at].unit) {
    case UNIT_WEEK:
        set_weeks(window, now_s, ranges[at].back);
        break;
    case UNIT_MONTH:
        set_months(window, &utc, ranges[at].length, ranges[at].back);
        break;
    case UNIT_YEAR:
        set_months(window, &utc, 12, ranges[at].back);
        window->period = utc.tm_year + 1900 - ranges[at].back;
        break;
    case UNIT_EVER:
        window->period = WINDOW_PERIOD_ALL_TIME;
        window->from_s = all_time_from_s;
        snprintf(window->name, sizeof window->name, "%s", window->range);
        return true;
    }
    time_t from = window->from_s;
    gmtime_r(&from, &utc);
    char date[16];
    strftime(date, sizeof date, "%Y-%m-%d", &utc);
    snprintf(window->name, sizeof window->name, "%s@%s", window->range, date);
    return true;
}
