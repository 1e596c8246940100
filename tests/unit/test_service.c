#include "base/bytes.h"
#include "base/text.h"
#include "service/body.h"
#include "view/chart.h"
#include "view/window.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t time_of(const char *text)
{
    int64_t time_s = 0;
    CU_ASSERT_TRUE_FATAL(text_parse_time(slice_text(text), &time_s));
    return time_s;
}

struct expected {
    const char *now, *range, *name, *before, *from, *to;
    int period;
    enum window_step step;
};

static void check_window(const struct expected *expected)
{
    struct window window;
    bool found =
        window_of_range(slice_text(expected->range), time_of(expected->now), &window);
    CU_ASSERT_TRUE_FATAL(found);
    CU_ASSERT_STRING_EQUAL(window.name, expected->name);
    CU_ASSERT_EQUAL(window.before_s, time_of(expected->before));
    CU_ASSERT_EQUAL(window.from_s, time_of(expected->from));
    CU_ASSERT_EQUAL(window.to_s, expected->to == NULL ? 0 : time_of(expected->to));
    CU_ASSERT_EQUAL(window.period, expected->period);
    CU_ASSERT_EQUAL(window.step, expected->step);
}

static void named_ranges_are_calendar_windows(void)
{
    static const struct expected rows[] = {
        {"2026-11-22T20:00:00", "this_week", "this_week@2026-11-16", "2026-11-09T00:00:00",
         "2026-11-16T00:00:00", "2026-11-23T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-11-23T00:00:00", "this_week", "this_week@2026-11-23", "2026-11-16T00:00:00",
         "2026-11-23T00:00:00", "2026-11-30T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-11-22T23:59:59", "week", "week@2026-11-09", "2026-11-02T00:00:00",
         "2026-11-09T00:00:00", "2026-11-16T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-11-22T20:00:00", "this_month", "this_month@2026-11-01", "2026-10-01T00:00:00",
         "2026-11-01T00:00:00", "2026-12-01T00:00:00", -1, WINDOW_STEP_DAY},
        {"2024-03-31T12:00:00", "month", "month@2024-02-01", "2024-01-01T00:00:00",
         "2024-02-01T00:00:00", "2024-03-01T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-01-01T00:00:00", "month", "month@2025-12-01", "2025-11-01T00:00:00",
         "2025-12-01T00:00:00", "2026-01-01T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-02-10T12:00:00", "quarter", "quarter@2025-10-01", "2025-07-01T00:00:00",
         "2025-10-01T00:00:00", "2026-01-01T00:00:00", -1, WINDOW_STEP_DAY},
        {"2026-06-30T23:59:59", "half_yearly", "half_yearly@2025-07-01", "2025-01-01T00:00:00",
         "2025-07-01T00:00:00", "2026-01-01T00:00:00", -1, WINDOW_STEP_MONTH},
        {"2026-07-01T00:00:00", "half_yearly", "half_yearly@2026-01-01", "2025-07-01T00:00:00",
         "2026-01-01T00:00:00", "2026-07-01T00:00:00", -1, WINDOW_STEP_MONTH},
        {"2024-12-31T23:59:59", "this_year", "this_year@2024-01-01", "2023-01-01T00:00:00",
         "2024-01-01T00:00:00", "2025-01-01T00:00:00", 2024, WINDOW_STEP_MONTH},
        {"2025-01-01T00:00:00", "year", "year@2024-01-01", "2023-01-01T00:00:00",
         "2024-01-01T00:00:00", "2025-01-01T00:00:00", 2024, WINDOW_STEP_MONTH},
        {"2026-11-22T20:00:00", "all_time", "all_time", "2002-01-01T00:00:00",
         "2002-01-01T00:00:00", NULL, 0, WINDOW_STEP_YEAR},
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

struct days {
    const char *from, *to, *before;
    int period;
    enum window_step step;
};

static void days_are_windows_too(void)
{
    static const struct days rows[] = {
        {"2026-11-16", "2026-11-17", "2026-11-15", -1, WINDOW_STEP_DAY},
        {"2024-01-01", "2025-01-01", "2023-01-01", 2024, WINDOW_STEP_MONTH},
        {"2024-02-29", "2024-05-31", "2023-11-29", -1, WINDOW_STEP_DAY},
        {"2024-02-29", "2024-06-01", "2023-11-28", -1, WINDOW_STEP_MONTH},
        {"2023-01-01", "2026-01-01", "2020-01-01", -1, WINDOW_STEP_MONTH},
        {"2023-01-01", "2026-01-02", "2019-12-31", -1, WINDOW_STEP_YEAR},
        {"2002-01-01", "2003-01-01", "2002-01-01", 2002, WINDOW_STEP_MONTH},
        {"2002-01-01", "2100-01-01", "2002-01-01", -1, WINDOW_STEP_YEAR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t from_s, to_s, before_s;
        char name[WINDOW_NAME_SIZE];
        struct window window;
        CU_ASSERT_TRUE_FATAL(window_parse_day(slice_text(rows[i].from), &from_s));
        CU_ASSERT_TRUE_FATAL(window_parse_day(slice_text(rows[i].to), &to_s));
        CU_ASSERT_TRUE_FATAL(window_parse_day(slice_text(rows[i].before), &before_s));
        window_of_days(from_s, to_s, &window);
        snprintf(name, sizeof name, "custom@%s_%s", rows[i].from, rows[i].to);
        CU_ASSERT_STRING_EQUAL(window.name, name);
        CU_ASSERT_STRING_EQUAL(window.range, "custom");
        CU_ASSERT_EQUAL(window.range_at, WINDOW_CUSTOM);
        CU_ASSERT_EQUAL(window.from_s, from_s);
        CU_ASSERT_EQUAL(window.to_s, to_s);
        CU_ASSERT_EQUAL(window.before_s, before_s);
        CU_ASSERT_EQUAL(window.period, rows[i].period);
        CU_ASSERT_EQUAL(window.step, rows[i].step);
    }
}

struct date {
    const char *now, *date, *name; /* date NULL: today's */
};

static void dates_are_windows_of_the_years_before(void)
{
    static const struct date rows[] = {
        {"2026-11-23T23:59:59", NULL, "date@2024-11-23_2026-01-01"},
        {"2026-11-24T00:00:00", NULL, "date@2024-11-24_2026-01-01"},
        {"2028-02-29T12:00:00", NULL, "date@2024-02-29_2028-01-01"},
        {"2027-01-01T00:00:00", "12-31", "date@2024-12-31_2027-01-01"},
        {"2026-12-31T23:59:59", "01-01", "date@2024-01-01_2026-01-01"},
        {"2026-11-23T00:00:00", "02-29", "date@2024-02-29_2026-01-01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice date = slice_text(rows[i].date == NULL ? "" : rows[i].date);
        struct window window;
        CU_ASSERT_TRUE(window_of_date(rows[i].date == NULL ? NULL : &date, time_of(rows[i].now),
                                      &window));
        CU_ASSERT_STRING_EQUAL(window.name, rows[i].name);
        CU_ASSERT_EQUAL(window.range_at, WINDOW_DATE);
        CU_ASSERT_PTR_NULL(window.range);
    }
    static const char *const wrong[] = {"", "02-30", "13-01", "00-01", "1-1", "11-16-", "11/16",
                                        "2026-11-16", "11-1x", " 1-16"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct slice date = slice_text(wrong[i]);
        struct window window;
        CU_ASSERT_FALSE(window_of_date(&date, time_of("2026-11-23T00:00:00"), &window));
    }
}

static void what_is_no_day_is_refused(void)
{
    static const char *const texts[] = {
        "", "2026", "2026-11-1", "2026-11-16 ", " 2026-11-16", "2026-11-160", "2026-02-29",
        "2026-13-01", "2026-00-10", "2026/11/16", "2026-11-16T00:00:00", "2001-12-31",
        "2100-01-02", "-026-11-16", "today"};
    int64_t midnight_s;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT_FALSE(window_parse_day(slice_text(texts[i]), &midnight_s));
    }
}

static void cover(struct chart *chart, int kind, const char *range, int64_t offset, int64_t count)
{
    chart->kind = &chart_kinds[kind];
    CU_ASSERT_TRUE_FATAL(window_of_range(slice_text(range), 1763600000, &chart->window));
    chart_cover(chart, offset, count);
}

static void long_charts_lie_in_chunks(void)
{
    struct chart chart;
    cover(&chart, CHART_ARTISTS, "week", 99, 102);
    CU_ASSERT_EQUAL_FATAL(chart.chunks_count, 3);
    for (size_t i = 0; i < chart.chunks_count; i++) {
        CU_ASSERT_EQUAL(chart.items[i].name.chunk, (int)i);
        CU_ASSERT_EQUAL(chart.items[i].window_end_s, chart.window.to_s);
    }
    cover(&chart, CHART_ARTISTS, "week", 100, 0);
    CU_ASSERT_EQUAL(chart.chunks_count, 1);
    CU_ASSERT_EQUAL(chart.items[0].name.chunk, 1);
}

static void charts_by_the_users_clock_are_whole_and_close_later(void)
{
    struct chart chart;
    cover(&chart, CHART_DAILY_ACTIVITY, "week", 0, INT64_MAX);
    CU_ASSERT_EQUAL(chart.chunks_count, 1);
    CU_ASSERT_EQUAL(chart.items[0].name.chunk, 0);
    CU_ASSERT_EQUAL(chart.items[0].window_end_s, chart.window.to_s + 86400);
    cover(&chart, CHART_DAILY_ACTIVITY, "all_time", 0, INT64_MAX);
    CU_ASSERT_EQUAL(chart.items[0].window_end_s, 0);
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

/* ── bodies ── */

struct parsed {
    struct arena *arena;
    struct jvalue *object;
    struct error error;
    enum result result;
};

static struct parsed parse_body(struct slice body)
{
    struct parsed parsed = {.arena = arena_create()};
    CU_ASSERT_PTR_NOT_NULL_FATAL(parsed.arena);
    const struct http_request request = {.arena = parsed.arena, .body = body};
    parsed.result = body_parse(&request, &parsed.object, &parsed.error);
    return parsed;
}

static void drop_body(struct parsed *parsed)
{
    jvalue_free(&parsed->object);
    arena_destroy(&parsed->arena);
}

static void bodies_are_objects(void)
{
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"", "Cannot parse JSON document: "},
        {"{\"a\":NaN}", "Cannot parse JSON document: "},
        {"{\"a\":\"\xff\"}", "Cannot parse JSON document: "},
        {"[]", "Invalid JSON document submitted. Top level of JSON document should be a json"
               " object."},
        {"{\"a\\u0000\":1}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed = parse_body(slice_text(rows[i].body));
        CU_ASSERT_EQUAL(parsed.result, RESULT_INVALID);
        CU_ASSERT_EQUAL(strncmp(parsed.error.text, rows[i].text, strlen(rows[i].text)), 0);
        drop_body(&parsed);
    }
    struct parsed parsed = parse_body(slice_text(" {\"a\": 1} "));
    CU_ASSERT_EQUAL(parsed.result, RESULT_OK);
    CU_ASSERT_PTR_NOT_NULL(jvalue_member(parsed.object, "a"));
    drop_body(&parsed);
}

static void bodies_are_small(void)
{
    static char text[BODY_MAX_BYTES + 1];
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    struct parsed parsed = parse_body(slice_of(text, BODY_MAX_BYTES));
    CU_ASSERT_EQUAL(parsed.result, RESULT_OK);
    drop_body(&parsed);
    parsed = parse_body(slice_of(text, BODY_MAX_BYTES + 1));
    CU_ASSERT_EQUAL(parsed.result, RESULT_TOO_LARGE);
    CU_ASSERT_STRING_EQUAL(parsed.error.text, "The body has 262145 bytes, allowed are 262144.");
    drop_body(&parsed);
}

/* Of {"v": value}, for what is asked of a value. */
static struct parsed parse_value(const char *value)
{
    struct buffer body = BUFFER_EMPTY;
    buffer_append_format(&body, "{\"v\":%s}", value);
    struct parsed parsed = parse_body(buffer_slice(&body));
    CU_ASSERT_EQUAL_FATAL(parsed.result, RESULT_OK);
    buffer_free(&body);
    return parsed;
}

static void whole_numbers_are_those_of_python(void)
{
    static const struct {
        const char *value;
        bool is_whole;
        int64_t number;
    } rows[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"1700000000.9", true, 1700000000},
        {"-1.5", true, -1},
        {"1e3", true, 1000},
        {"true", true, 1},
        {"\" 1_0 \"", true, 10},
        {"9223372036854775807", true, INT64_MAX},
        {"1e30", true, INT64_MAX},
        {"-1e30", true, -INT64_MAX},
        {"100000000000000000000", true, INT64_MAX},
        {"1e999999", false, 0},
        {"\"1.5\"", false, 0},
        {"\"abc\"", false, 0},
        {"\"\"", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
        {"{\"a\":1}", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed = parse_value(rows[i].value);
        int64_t number = 0;
        bool is_whole = body_int(jvalue_member(parsed.object, "v"), parsed.arena, &number);
        CU_ASSERT_EQUAL(is_whole, rows[i].is_whole);
        CU_ASSERT_TRUE(!is_whole || number == rows[i].number);
        if (is_whole != rows[i].is_whole || (is_whole && number != rows[i].number)) {
            printf("# %s: %d, %" PRId64 "\n", rows[i].value, is_whole, number);
        }
        drop_body(&parsed);
    }
}

static void uuids_are_texts(void)
{
    static const struct {
        const char *value;
        bool is_uuid;
    } rows[] = {
        {"\"d23f4719-9212-49f0-ad08-ddbfbfc50d6f\"", true},
        {"\"{D23F4719921249F0AD08DDBFBFC50D6F}\"", true},
        {"\"d23f4719-9212-49f0-ad08-ddbfbfc50d6\"", false},
        {"\"\"", false},
        {"null", false},
        {"12345678901234567890123456789012", false},
        {"[\"d23f4719-9212-49f0-ad08-ddbfbfc50d6f\"]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed = parse_value(rows[i].value);
        unsigned char uuid[16] = {0};
        CU_ASSERT_EQUAL(body_uuid(jvalue_member(parsed.object, "v"), uuid), rows[i].is_uuid);
        CU_ASSERT_TRUE(!rows[i].is_uuid || (uuid[0] == 0xd2 && uuid[15] == 0x6f));
        drop_body(&parsed);
    }
}

static void values_are_shown(void)
{
    static const char *const rows[][2] = {
        {"\"soon\"", "soon"}, {"\"\"", ""},     {"null", "null"}, {"1.50", "1.50"},
        {"[ 1, \"a\" ]", "[1,\"a\"]"}, {"{\"a\": {}}", "{\"a\":{}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed = parse_value(rows[i][0]);
        CU_ASSERT_TRUE(slice_is(body_shown(jvalue_member(parsed.object, "v")), rows[i][1]));
        drop_body(&parsed);
    }
    /* One byte and 79 characters of two: the next would end past the 160th byte. */
    struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, "\"x");
    for (size_t i = 0; i < 100; i++) {
        buffer_append_text(&text, "\xc3\xa9");
    }
    buffer_append_text(&text, "\"");
    buffer_append_char(&text, '\0');
    struct parsed parsed = parse_value(text.data);
    CU_ASSERT_EQUAL(body_shown(jvalue_member(parsed.object, "v")).size_bytes, 159);
    drop_body(&parsed);
    buffer_free(&text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(named_ranges_are_calendar_windows),
        UNIT_TEST(windows_agree_with_the_calendar),
        UNIT_TEST(unknown_ranges_are_none),
        UNIT_TEST(days_are_windows_too),
        UNIT_TEST(dates_are_windows_of_the_years_before),
        UNIT_TEST(what_is_no_day_is_refused),
        UNIT_TEST(long_charts_lie_in_chunks),
        UNIT_TEST(charts_by_the_users_clock_are_whole_and_close_later),
        UNIT_TEST(lists_are_cut_by_entries),
        UNIT_TEST(damaged_lists_are_refused),
        UNIT_TEST(bodies_are_objects),
        UNIT_TEST(bodies_are_small),
        UNIT_TEST(whole_numbers_are_those_of_python),
        UNIT_TEST(uuids_are_texts),
        UNIT_TEST(values_are_shown),
    };
    return unit_run("service", tests, sizeof tests / sizeof *tests);
}
