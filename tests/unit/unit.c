#include "unit.h"

#include <CUnit/TestRun.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool run_one(CU_pSuite suite, const struct unit_test *test, size_t number)
{
    CU_pTest handle = CU_add_test(suite, test->name, test->run);
    bool passed = handle != NULL && CU_run_test(suite, handle) == CUE_SUCCESS
                  && CU_get_number_of_failures() == 0;
    printf("%sok %zu - %s: %s\n", passed ? "" : "not ", number, suite->pName, test->name);
    if (!passed) {
        for (CU_pFailureRecord at = CU_get_failure_list(); at != NULL; at = at->pNext) {
            printf("# %s:%u: %s\n", at->strFileName, at->uiLineNumber, at->strCondition);
        }
    }
    fflush(stdout);
    return passed;
}

int unit_run(const char *suite, const struct unit_test *tests, size_t count)
{
    CU_pSuite handle = NULL;
    if (CU_initialize_registry() == CUE_SUCCESS) {
        handle = CU_add_suite(suite, NULL, NULL);
    }
    if (handle == NULL) {
        printf("Bail out! %s\n", CU_get_error_msg());
        return EXIT_FAILURE;
    }
    printf("1..%zu\n", count);
    bool passed = true;
    for (size_t i = 0; i < count; i++) {
        passed = run_one(handle, &tests[i], i + 1) && passed;
    }
    CU_cleanup_registry();
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *unit_source_path(const char *name)
{
    static char path[PATH_MAX];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/%s", top != NULL ? top : ".", name);
    return path;
}
