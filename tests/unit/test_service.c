#include "base/bytes.h"
#include "base/text.h"
#include "view/list.h"
#include "view/window.h"
#include "unit.h"

#include <time.h>

static int64_t time_of(const char *text)
{
    int64_t time_s = 0;
    CU_ASSERT_TRUE_FATAL(text_parse_time(slice_text(text), &time_s));
    return time_s;
}

struct expected {
    const char *now, *range, *name, *from, *to;
    int period;
};

static void check_window(const struct expected *expected)
{
    struct window window;
    bool found =
        window_of_range(slice_text(expected->range), time_of(expected->now), &window);
    CU_ASSERT_TRUE_FATAL(found);
    CU_ASSERT_STRING_EQUAL(window.name, expected->name);
    CU_ASSERT_EQUAL(window.from_s, time_of(expected->from));
    CU_ASSERT_EQUAL(window.to_s, expected->to == NULL ? 0 : time_of(expected->to));
    CU_ASSERT_EQUAL(window.period, expected->period);
}

static void named_ranges_are_calendar_windows(void)
{
    static const struct expected rows[] = {
        {"2026-11-22T20:00:00", "this_week", "this_week@2026-11-16", "2026-11-16T00:00:00",
         "2026-11-23T00:00:00", -1},
        {"2026-11-23T00:00:00", "this_week", "this_week@2026-11-23", "2026-11-23T00:00:00",
         "2026-11-30T00:00:00", -1},
        {"2026-11-22T23:59:59", "week", "week@2026-11-09", "2026-11-09T00:00:00",
         "2026-11-16T00:00:00", -1},
        {"2026-11-22T20:00:00", "this_month", "this_month@2026-11-01", "2026-11-01T00:00:00",
         "2026-12-01T00:00:00", -1},
        {"2024-03-31T12:00:00", "month", "month@2024-02-01", "2024-02-01T00:00:00",
         "2024-03-01T00:00:00", -1},
        {"2026-01-01T00:00:00", "month", "month@2025-12-01", "2025-12-01T00:00:00",
         "2026-01-01T00:00:00", -1},
        {"2026-02-10T12:00:00", "quarter", "quarter@2025-10-01", "2025-10-01T00:00:00",
         "2026-01-01T00:00:00", -1},
        {"2026-06-30T23:59:59", "half_yearly", "half_yearly@2025-07-01", "2025-07-01T00:00:00",
         "2026-01-01T00:00:00", -1},
        {"2026-07-01T00:00:00", "half_yearly", "half_yearly@2026-01-01", "2026-01-01T00:00:00",
         "2026-07-01T00:00:00", -1},
        {"2024-12-31T23:59:59", "this_year", "this_year@2024-01-01", "2024-01-01T00:00:00",
         "2025-01-01T00:00:00", 2024},
        {"2025-01-01T00:00:00", "year", "year@2024-01-01", "2024-01-01T00:00:00",
         "2025-01-01T00:00:00", 2024},
        {"2026-11-22T20:00:00", "all_time", "all_time", "2002-01-01T00:00:00", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_window(&rows[i]);
    }
}

/* Every day of 400 years, against the C library's calendar. */
static void windows_agree_with_the_calendar(void)
{
    for (int64_t day = 0; day < 146097 + 366; day++) {
        time_t now = day * 86400 + day % 86400;
        struct tm utc;
        gmtime_r(&now, &utc);
        struct tm first = {.tm_year = utc.tm_year, .tm_mon = utc.tm_mon - 1, .tm_mday = 1};
        time_t from = timegm(&first);
        char name[WINDOW_NAME_SIZE];
        strftime(name, sizeof name, "month@%Y-%m-%d", &first);
        struct window window;
        window_of_range(slice_text("month"), now, &window);
        if (window.from_s != from || strcmp(window.name, name) != 0
            || window.to_s != (day - utc.tm_mday + 1) * 86400) {
            CU_FAIL("another month");
        }
        window_of_range(slice_text("this_year"), now, &window);
        if (window.from_s != (day - utc.tm_yday) * 86400
            || window.period != utc.tm_year + 1900) {
            CU_FAIL("another year");
        }
    }
}

static void unknown_ranges_are_none(void)
{
    static const char *const names[] = {"", "Week", "weekly", "all_time ", "decade"};
    struct window window;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CU_ASSERT_FALSE(window_of_range(slice_text(names[i]), 1763600000, &window));
    }
}

/* Three entries with the keys 30, 20, 10. */
static void append_chunk(struct buffer *to)
{
    static const char meta[] = "\"m\":1";
    static const char entries[] = "{\"a\":1},{},{\"c\":333}";
    bytes_append_u64(to, 42);
    bytes_append_u32(to, 3);
    bytes_append_u32(to, sizeof meta - 1);
    bytes_append_u64(to, 30);
    bytes_append_u32(to, 7);
    bytes_append_u64(to, 20);
    bytes_append_u32(to, 10);
    bytes_append_u64(to, 10);
    bytes_append_u32(to, 20);
    buffer_append_text(to, meta);
    buffer_append_text(to, entries);
}

static void lists_are_cut_by_entries(void)
{
    struct buffer chunk = BUFFER_EMPTY;
    struct list list;
    struct error error;
    append_chunk(&chunk);
    CU_ASSERT_EQUAL_FATAL(list_open(buffer_slice(&chunk), &list, &error), RESULT_OK);
    CU_ASSERT_EQUAL(list.total, 42);
    CU_ASSERT_EQUAL(list.count, 3);
    CU_ASSERT_TRUE(slice_is(list.meta, "\"m\":1"));
    CU_ASSERT_EQUAL(list_key(&list, 1), 20);
    CU_ASSERT_TRUE(slice_is(list_entries(&list, 0, 1), "{\"a\":1}"));
    CU_ASSERT_TRUE(slice_is(list_entries(&list, 1, 3), "{},{\"c\":333}"));
    CU_ASSERT_TRUE(slice_is(list_entries(&list, 2, 2), ""));
    buffer_free(&chunk);
}

static void damaged_lists_are_refused(void)
{
    struct buffer chunk = BUFFER_EMPTY;
    struct list list;
    struct error error;
    append_chunk(&chunk);
    for (size_t size = 0; size < chunk.size_bytes; size++) {
        CU_ASSERT_EQUAL(list_open(slice_of(chunk.data, size), &list, &error), RESULT_INTERNAL);
    }
    chunk.data[11] = 127; /* count: two milliards */
    CU_ASSERT_EQUAL(list_open(buffer_slice(&chunk), &list, &error), RESULT_INTERNAL);
    buffer_free(&chunk);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(named_ranges_are_calendar_windows),
        UNIT_TEST(windows_agree_with_the_calendar),
        UNIT_TEST(unknown_ranges_are_none),
        UNIT_TEST(lists_are_cut_by_entries),
        UNIT_TEST(damaged_lists_are_refused),
    };
    return unit_run("service", tests, sizeof tests / sizeof *tests);
}
