#include "view/window.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>

static const int64_t day_s = 86400;
static const int64_t all_time_from_s = 1009843200; /* WINDOW_DAY_MIN, as ListenBrainz has it */
static const int64_t last_day_s = 4102444800;      /* WINDOW_DAY_MAX */

/* Longer windows of days are cut into months, still longer ones into years. */
enum { DAYS_OF_QUARTER = 92, DAYS_OF_THREE_YEARS = 1096 };

enum unit { UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNIT_EVER };

/* Windows are `length` units long and begin at a multiple of it; `back` of them before the running
 * one. */
#define RANGE(name, ...) {name, sizeof name - 1, __VA_ARGS__}
static const struct range {
    const char *name;
    size_t size_bytes;
    enum unit unit;
    int length;
    int back;
    enum window_step step;
} ranges[WINDOW_RANGES] = {
    RANGE("all_time", UNIT_EVER, 0, 0, WINDOW_STEP_YEAR),
    RANGE("this_week", UNIT_WEEK, 1, 0, WINDOW_STEP_DAY),
    RANGE("this_month", UNIT_MONTH, 1, 0, WINDOW_STEP_DAY),
    RANGE("this_year", UNIT_YEAR, 1, 0, WINDOW_STEP_MONTH),
    RANGE("week", UNIT_WEEK, 1, 1, WINDOW_STEP_DAY),
    RANGE("month", UNIT_MONTH, 1, 1, WINDOW_STEP_DAY),
    RANGE("quarter", UNIT_MONTH, 3, 1, WINDOW_STEP_DAY),
    RANGE("half_yearly", UNIT_MONTH, 6, 1, WINDOW_STEP_MONTH),
    RANGE("year", UNIT_YEAR, 1, 1, WINDOW_STEP_MONTH),
};

const char *window_range(int at)
{
    return ranges[at].name;
}

struct date {
    int year;
    int month; /* from 0 */
    int day;   /* from 1 */
};

/* Calendar arithmetic in whole numbers: timegm() and gmtime_r() take a lock and read a file's time.
 * Years are counted from March on, so that a leap day is the last one of its year; eras are the 400
 * years after which the calendar repeats (H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms"). For days from the year 1 on. */
enum { days_of_era = 146097, days_before_1970 = 719468 };

static struct date date_of_day(int64_t day)
{
    int64_t since = day + days_before_1970;
    int in_era = (int)(since % days_of_era);
    int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int month = (5 * in_year + 2) / 153; /* from March */
    return (struct date){
        .year = (int)(since / days_of_era) * 400 + year + (month >= 10 ? 1 : 0),
        .month = (month + 2) % 12,
        .day = in_year - (153 * month + 2) / 5 + 1,
    };
}

/* Midnight of the first of a month, which may be counted beyond its year. */
static int64_t start_of_month(int year, int month)
{
    int months = year * 12 + month - 2; /* so that March is the first */
    int from_march = months % 12;
    int64_t since = months / 12;
    int64_t days = 365 * since + since / 4 - since / 100 + since / 400 + (153 * from_march + 2) / 5;
    return (days - days_before_1970) * day_s;
}

static void set_weeks(struct window *window, int64_t now_s, int back)
{
    int64_t day = now_s / day_s;
    int64_t monday = day - (day + 3) % 7; /* 1970-01-01 was a Thursday */
    window->from_s = (monday - 7 * back) * day_s;
    window->before_s = window->from_s - 7 * day_s;
    window->to_s = window->from_s + 7 * day_s;
}

static void set_months(struct window *window, struct date now, int length, int back)
{
    int first = now.month - now.month % length - length * back;
    window->before_s = start_of_month(now.year, first - length);
    window->from_s = start_of_month(now.year, first);
    window->to_s = start_of_month(now.year, first + length);
}

static char *append_number(char *to, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

/* "@2026-11-16" */
static char *append_day(char *to, char mark, int64_t time_s)
{
    struct date date = date_of_day(time_s / day_s);
    *to++ = mark;
    to = append_number(to, date.year, 4);
    *to++ = '-';
    to = append_number(to, date.month + 1, 2);
    *to++ = '-';
    return append_number(to, date.day, 2);
}

/* WINDOW_RANGES where there is none. */
static int find_range(struct slice name)
{
    int at = 0;
    while (at < WINDOW_RANGES
           && !slice_equal(name, slice_of(ranges[at].name, ranges[at].size_bytes))) {
        at++;
    }
    return at;
}

bool window_of_range(struct slice name, int64_t now_s, struct window *window)
{
    int at = find_range(name);
    if (at == WINDOW_RANGES) {
        return false;
    }
    const struct range *range = &ranges[at];
    *window = (struct window){
        .range_at = at,
        .range = range->name,
        .period = WINDOW_PERIOD_NONE,
        .step = range->step,
    };
    memcpy(window->name, range->name, range->size_bytes);
    if (range->unit == UNIT_EVER) {
        window->period = WINDOW_PERIOD_ALL_TIME;
        window->before_s = window->from_s = all_time_from_s;
        return true;
    }
    struct date today = date_of_day(now_s / day_s);
    if (range->unit == UNIT_WEEK) {
        set_weeks(window, now_s, range->back);
    } else if (range->unit == UNIT_MONTH) {
        set_months(window, today, range->length, range->back);
    } else {
        set_months(window, today, 12, range->back);
        window->period = today.year - range->back;
    }
    append_day(window->name + range->size_bytes, '@', window->from_s);
    return true;
}

bool window_parse_day(struct slice text, int64_t *midnight_s)
{
    char time[sizeof "2026-11-16T00:00:00"];
    int size = snprintf(time, sizeof time, "%.*sT00:00:00", SLICE_ARGS(text));
    return size == sizeof time - 1 && text_parse_time(slice_of(time, (size_t)size), midnight_s)
           && *midnight_s >= all_time_from_s && *midnight_s <= last_day_s;
}

static enum window_step step_of_days(int64_t days)
{
    return days <= DAYS_OF_QUARTER       ? WINDOW_STEP_DAY
           : days <= DAYS_OF_THREE_YEARS ? WINDOW_STEP_MONTH
                                         : WINDOW_STEP_YEAR;
}

void window_of_days(int64_t from_s, int64_t to_s, struct window *window)
{
    assert(from_s % day_s == 0 && to_s % day_s == 0 && from_s < to_s);
    int year = window_year_of(from_s);
    bool is_year = from_s == window_year_start(year) && to_s == window_year_start(year + 1);
    int64_t before_s = is_year ? window_year_start(year - 1) : from_s - (to_s - from_s);
    *window = (struct window){
        .range_at = WINDOW_CUSTOM,
        .range = "custom",
        .name = "custom",
        .before_s = before_s < all_time_from_s ? all_time_from_s : before_s,
        .from_s = from_s,
        .to_s = to_s,
        .period = is_year ? year : WINDOW_PERIOD_NONE,
        .step = step_of_days((to_s - from_s) / day_s),
    };
    append_day(append_day(window->name + strlen(window->name), '@', from_s), '_', to_s);
}

/* 2024 has every date. */
static bool parse_date(const struct slice *date, int64_t now_s, int64_t *midnight_s)
{
    char day[sizeof "2024-11-16"];
    if (date == NULL) {
        struct date today = date_of_day(now_s / day_s);
        *midnight_s = start_of_month(2024, today.month) + (today.day - 1) * day_s;
        return true;
    }
    int size = snprintf(day, sizeof day, "2024-%.*s", SLICE_ARGS(*date));
    return size == sizeof day - 1 && window_parse_day(slice_of(day, (size_t)size), midnight_s);
}

bool window_of_date(const struct slice *date, int64_t now_s, struct window *window)
{
    int64_t from_s;
    if (!parse_date(date, now_s, &from_s)) {
        return false;
    }
    *window = (struct window){
        .range_at = WINDOW_DATE,
        .name = "date",
        .before_s = from_s,
        .from_s = from_s,
        .to_s = window_year_start(window_year_of(now_s)),
        .period = WINDOW_PERIOD_NONE,
        .step = WINDOW_STEP_DAY,
    };
    append_day(append_day(window->name + strlen(window->name), '@', from_s), '_', window->to_s);
    return true;
}

int window_year_of(int64_t time_s)
{
    int64_t day = time_s / day_s;
    return date_of_day(time_s % day_s < 0 ? day - 1 : day).year;
}

int64_t window_year_start(int year)
{
    return start_of_month(year, 0);
}
