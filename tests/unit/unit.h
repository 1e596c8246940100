/*
 * The frame of a unit test program: CUnit's assertions, TAP on standard output.
 *
 *     static void grows_when_full(void) { CU_ASSERT_EQUAL(…); }
 *
 *     int main(void)
 *     {
 *         static const struct unit_test tests[] = {
 *             UNIT_TEST(grows_when_full),
 *         };
 *         return unit_run("buffer", tests, sizeof tests / sizeof *tests);
 *     }
 */
#ifndef REFRAIN_TESTS_UNIT_H
#define REFRAIN_TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

#define UNIT_TEST(function) {#function, function}

/* Runs the tests in their order, each reported by one line and its failed assertions by a comment
 * with file and line. Returns main's exit status: 0 if all passed, otherwise 1. */
int unit_run(const char *suite, const struct unit_test *tests, size_t count);

/* The path of a file below the source tree, wherever the build stands. Valid until the next call. */
const char *unit_source_path(const char *name);

#endif
