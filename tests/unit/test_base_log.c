#include "unit.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved_stderr = -1;
static FILE *captured;

static void capture(void)
{
    captured = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(captured);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* What has been logged since, in a static room. */
static const char *release(void)
{
    static char text[4096];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured);
    size_t size = fread(text, 1, sizeof text - 1, captured);
    text[size] = '\0';
    fclose(captured);
    return text;
}

/* Without its time, which stands first. */
static const char *after_time(const char *line)
{
    const char *space = strchr(line, ' ');
    return space == NULL ? "" : space + 1;
}

static void writes_one_line_of_pairs(void)
{
    capture();
    log_event(LOG_INFO_LEVEL, "ready", "socket", "/run/x.sock", "threads", "8", NULL);
    const char *line = release();
    CU_ASSERT_STRING_EQUAL(after_time(line),
                           "level=info event=ready socket=/run/x.sock threads=8\n");
    int year, month, day, hour, minute, second, millisecond;
    CU_ASSERT_EQUAL(sscanf(line, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ ", &year, &month, &day, &hour,
                           &minute, &second, &millisecond), 7);
}

static void quotes_what_would_mislead(void)
{
    static const struct {
        const char *value;
        const char *written;
    } rows[] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"C:\\", "\"C:\\\\\""},
        {"line\nevent=forged", "\"line\\x0aevent=forged\""},
        {"\r\t\x1b[31m\x7f", "\"\\x0d\\x09\\x1b[31m\\x7f\""},
        {"Dvo\xc5\x99\xc3\xa1k", "Dvo\xc5\x99\xc3\xa1k"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[200];
        snprintf(expected, sizeof expected, "level=warn event=x v=%s\n", rows[i].written);
        capture();
        log_event(LOG_WARN_LEVEL, "x", "v", rows[i].value, NULL);
        CU_ASSERT_STRING_EQUAL(after_time(release()), expected);
    }
}

static void drops_what_is_below_the_level(void)
{
    capture();
    log_event(LOG_DEBUG_LEVEL, "quiet", NULL);
    log_set_level(LOG_ERROR_LEVEL);
    log_event(LOG_WARN_LEVEL, "quiet", NULL);
    log_event(LOG_ERROR_LEVEL, "loud", NULL);
    log_set_level(LOG_INFO_LEVEL);
    CU_ASSERT_STRING_EQUAL(after_time(release()), "level=error event=loud\n");
}

static void carries_the_request_id(void)
{
    capture();
    log_set_request_id("r 1");
    log_event(LOG_INFO_LEVEL, "x", NULL);
    log_set_request_id(NULL);
    CU_ASSERT_STRING_EQUAL(after_time(release()), "level=info request_id=\"r 1\" event=x\n");
}

static void tells_an_error(void)
{
    struct error error;
    CU_ASSERT_EQUAL(error_set(&error, RESULT_TIMEOUT, "db", "no answer in %d ms", 5),
                    RESULT_TIMEOUT);
    capture();
    log_error("call-failed", RESULT_TIMEOUT, &error);
    CU_ASSERT_STRING_EQUAL(after_time(release()), "level=error event=call-failed result=timeout"
                                                  " error=\"no answer in 5 ms\" origin=db\n");
}

static void parses_level_names(void)
{
    enum log_level level = LOG_DEBUG_LEVEL;
    CU_ASSERT(log_level_parse("error", &level));
    CU_ASSERT_EQUAL(level, LOG_ERROR_LEVEL);
    CU_ASSERT(log_level_parse("debug", &level));
    CU_ASSERT_EQUAL(level, LOG_DEBUG_LEVEL);
    CU_ASSERT_FALSE(log_level_parse("Error", &level));
    CU_ASSERT_FALSE(log_level_parse("", &level));
}

/* ── errors ── */

static void errors_may_go_nowhere(void)
{
    CU_ASSERT_EQUAL(error_set(NULL, RESULT_INVALID, "x", "%s", "y"), RESULT_INVALID);
}

static void errors_are_cut_between_characters(void)
{
    struct error error;
    char text[1000];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'a', lead);
        for (size_t at = lead; at + 4 < sizeof text; at += 3) {
            memcpy(text + at, "\xe5\x9d\x82", 4);
        }
        CU_ASSERT_EQUAL(error_set(&error, RESULT_INVALID, "x", "%s", text), RESULT_INVALID);
        size_t size = strlen(error.text);
        CU_ASSERT(size < sizeof error.text && size > sizeof error.text - 4);
        CU_ASSERT_EQUAL((size - lead) % 3, 0);
    }
}

static void results_have_names(void)
{
    CU_ASSERT_STRING_EQUAL(result_name(RESULT_OK), "ok");
    CU_ASSERT_STRING_EQUAL(result_name(RESULT_NOT_FOUND), "not-found");
    CU_ASSERT_STRING_EQUAL(result_name(RESULT_INTERNAL), "internal");
}

/* ── clock ── */

static void the_wall_clock_moves(void)
{
    int64_t before_s = clock_wall_s();
    clock_move(INT64_C(86400) * 1000000);
    CU_ASSERT(clock_wall_s() - before_s >= 86400);
    clock_move(INT64_C(-86400) * 1000000);
    CU_ASSERT(clock_wall_s() - before_s < 60);
}

static void deadlines_round_up(void)
{
    int64_t now_us = clock_mono_us();
    CU_ASSERT_EQUAL(clock_left_ms(now_us), 0);
    CU_ASSERT_EQUAL(clock_left_ms(now_us - 1000000), 0);
    int left_ms = clock_left_ms(clock_mono_us() + 10000000);
    CU_ASSERT(left_ms > 9000 && left_ms <= 10000);
    CU_ASSERT(clock_left_ms(clock_mono_us() + 900) <= 1);
    CU_ASSERT(clock_left_ms(INT64_MAX) > 1000000000);
    CU_ASSERT(clock_mono_us() >= now_us);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(writes_one_line_of_pairs),
        UNIT_TEST(quotes_what_would_mislead),
        UNIT_TEST(drops_what_is_below_the_level),
        UNIT_TEST(carries_the_request_id),
        UNIT_TEST(tells_an_error),
        UNIT_TEST(parses_level_names),
        UNIT_TEST(errors_may_go_nowhere),
        UNIT_TEST(errors_are_cut_between_characters),
        UNIT_TEST(results_have_names),
        UNIT_TEST(the_wall_clock_moves),
        UNIT_TEST(deadlines_round_up),
    };
    unsetenv("REFRAIN_CLOCK_OFFSET_S");
    return unit_run("log", tests, sizeof tests / sizeof *tests);
}
