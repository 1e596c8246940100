#include "base/config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A configuration file with this text; the caller unlinks it. */
static void write_file(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/refrain-unit-XXXXXX");
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Loads a file with this text; the error's text goes to *error. */
static struct config *load(const char *text, struct error *error)
{
    char path[32];
    struct config *config = NULL;
    write_file(path, text);
    enum result result = config_load(path, &config, error);
    CU_ASSERT_EQUAL(result == RESULT_OK, config != NULL);
    unlink(path);
    return config;
}

static void defaults_hold_where_the_file_is_silent(void)
{
    struct error error;
    struct config *config = load("[http]\nthreads = 17 ; few\n", &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config_number(config, CONFIG_HTTP_THREADS), 17);
    CU_ASSERT_EQUAL(config_number(config, CONFIG_REDIS_POOL), 16);
    CU_ASSERT_FALSE(config_yes(config, CONFIG_MONITORING_OPEN_ON_LOOPBACK));
    config_destroy(&config);
}

static void the_environment_wins(void)
{
    struct error error;
    setenv("REFRAIN_HTTP_THREADS", "19", 1);
    struct config *config = load("[http]\nthreads = 17\n", &error);
    unsetenv("REFRAIN_HTTP_THREADS");
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config_number(config, CONFIG_HTTP_THREADS), 19);
    config_destroy(&config);
}

static void check_refused(const char *text, const char *told)
{
    struct error error;
    struct config *config = load(text, &error);
    CU_ASSERT_PTR_NULL(config);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, told));
}

static void wrong_files_are_refused_with_line_and_cure(void)
{
    check_refused("# head\n[http]\n\nthreds = 7\n", "line 4: there is no option 'threds'");
    check_refused("[http]\nthreads = 0\n", "line 2: http.threads is '0', allowed is");
    check_refused("[http]\nthreads = 7x\n", "whole number from 1 to 4096");
    check_refused("[log]\nlevel = loud\n", "one of: debug info warn error");
    check_refused("[http]\nthreads = 99999\n[log]\nlevel = loud\n", "line 2:");
    check_refused("[http]\nnonsense\n", "line 2: neither [section] nor key = value");
}

static void transfers_leave_half_of_the_threads(void)
{
    struct error error;
    struct config *config = load("[http]\nthreads = 15\ntransfers = 8\n", &error);
    CU_ASSERT_PTR_NOT_NULL(config);
    config_destroy(&config);
    check_refused("[http]\nthreads = 14\ntransfers = 8\n",
                  "http.transfers is 8, but may be half of http.threads at most, which is 14");
    config = load("[http]\nthreads = 1\ntransfers = 1\n", &error);
    CU_ASSERT_PTR_NOT_NULL(config);
    config_destroy(&config);
}

static void a_named_file_must_be_there(void)
{
    struct error error;
    struct config *config = NULL;
    CU_ASSERT_EQUAL(config_load("/nonexistent.conf", &config, &error), RESULT_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent.conf cannot be read"));
    CU_ASSERT_EQUAL(config_load("/tmp", &config, &error), RESULT_INVALID);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(defaults_hold_where_the_file_is_silent),
        UNIT_TEST(the_environment_wins),
        UNIT_TEST(wrong_files_are_refused_with_line_and_cure),
        UNIT_TEST(transfers_leave_half_of_the_threads),
        UNIT_TEST(a_named_file_must_be_there),
    };
    return unit_run("config", tests, sizeof tests / sizeof *tests);
}
