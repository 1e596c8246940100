/*
 * Gives a fuzz target every input of its corpus, and everything that an input begins with.
 */
#include "fuzz.h"
#include "../unit/unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 4096 };

/* A copy of its own size each time, so that no byte too many can be read unseen. */
static void replay_beginnings(const uint8_t *input, size_t size_bytes)
{
    for (size_t size = 0; size <= size_bytes; size++) {
        uint8_t *copy = malloc(size == 0 ? 1 : size);
        memcpy(copy, input, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
}

static bool replay_file(const char *folder, const char *name)
{
    uint8_t input[INPUT_MAX];
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        return false;
    }
    size_t size_bytes = fread(input, 1, sizeof input, file);
    bool is_whole = size_bytes < sizeof input && !ferror(file);
    fclose(file);
    replay_beginnings(input, size_bytes);
    return is_whole;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    char below_top[64];
    struct dirent **entries = NULL;
    snprintf(below_top, sizeof below_top, "tests/fuzz/corpus/%s", fuzz_target);
    const char *folder = unit_source_path(below_top);
    int count = scandir(folder, &entries, is_input, alphasort);
    bool passed = count > 0;
    printf("1..%d\n%s", count > 0 ? count : 1, passed ? "" : "not ok 1 - there are no inputs\n");
    for (int i = 0; i < count; i++) {
        printf("# %s\n", entries[i]->d_name);
        fflush(stdout);
        bool is_good = replay_file(folder, entries[i]->d_name);
        printf("%sok %d - fuzz %s: %s\n", is_good ? "" : "not ", i + 1, fuzz_target,
               entries[i]->d_name);
        passed = passed && is_good;
        free(entries[i]);
    }
    free(entries);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
