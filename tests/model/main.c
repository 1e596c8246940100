/*
 *     model [--large] [--memory GIGABYTES] [--trace] [NAME…]
 *
 * Searches what table.c lists, or those of its entries that are named, and writes TAP: a line for
 * each, with the number of states and the worst staleness of a hit in ticks. A configuration must
 * keep all promises in all states; a mutation must be caught. --large takes the large table, for
 * half an hour or more. --memory limits what an entry may take, by default 1.5 GB, of the
 * large table 6 GB; what is not complete by then fails. Times are the processor's. --trace shows the
 * shortest way to a broken promise, each step with the state that it leads to: values and versions
 * as epoch/commit, nonces and leases as #.
 */
#include "model.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool is_large, traces;
    size_t memory_max_bytes;
    char **names;
    int names_count;
};

static void usage(void)
{
    fprintf(stderr, "usage: model [--large] [--memory GIGABYTES] [--trace] [NAME...]\n");
    exit(EXIT_FAILURE);
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"large", no_argument, NULL, 'l'},
                                          {"memory", required_argument, NULL, 'm'},
                                          {"trace", no_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){.memory_max_bytes = 0};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        char *end = NULL;
        if (option == 'l') {
            options->is_large = true;
        } else if (option == 't') {
            options->traces = true;
        } else if (option == 'm') {
            options->memory_max_bytes = (size_t)(strtod(optarg, &end) * (1 << 30));
        }
        if (option == '?' || (end != NULL && *end != '\0')) {
            usage();
        }
    }
    if (options->memory_max_bytes == 0) {
        options->memory_max_bytes = (size_t)(options->is_large ? 6144 : 1536) << 20;
    }
    options->names = argv + optind;
    options->names_count = argc - optind;
}

static bool is_wanted(const struct options *options, const char *name)
{
    for (int i = 0; i < options->names_count; i++) {
        if (strcmp(options->names[i], name) == 0) {
            return true;
        }
    }
    return options->names_count == 0;
}

static bool is_as_expected(const struct entry *entry, const struct findings *findings)
{
    if (entry->kind == KIND_CAUGHT) {
        return findings->broken != PROMISE_NONE;
    }
    return findings->broken == PROMISE_NONE && findings->is_complete;
}

static void print_outcome(const struct entry *entry, const struct findings *findings)
{
    const struct model *model = &entry->model;
    if (findings->broken != PROMISE_NONE) {
        printf("%s after %d steps (%zu states)", promise_texts[findings->broken],
               findings->steps_to_broken, findings->states);
    } else {
        printf("%zu states%s", findings->states,
               findings->is_complete ? "" : ", and that is not all (memory)");
        if (findings->worst_ticks >= 0) {
            printf(", at worst %d ticks stale of %d", findings->worst_ticks,
                   2 * model->bounds.px_ticks);
        } else {
            printf(", never stale");
        }
    }
    printf("; %.1f s, %zu MB\n", findings->seconds, findings->memory_bytes >> 20);
}

static bool run(const struct options *options, const struct entry *entry, int number)
{
    struct exploration how = {
        .stops_at_first = true,
        .merges = !options->traces,
        .prints_trace = options->traces || entry->kind != KIND_CAUGHT,
        .memory_max_bytes = options->memory_max_bytes,
        .progress_s = options->is_large ? 10 : 0,
    };
    struct findings findings;
    explore(&entry->model, &how, &findings);
    bool is_fine = is_as_expected(entry, &findings);
    static const char *const kinds[] = {"", "mutation ", "harmless "};
    printf("%s %d - %s%s (%s): ", is_fine ? "ok" : "not ok", number, kinds[entry->kind],
           entry->model.name, entry->model.about);
    print_outcome(entry, &findings);
    fflush(stdout);
    return is_fine;
}

int main(int argc, char **argv)
{
    struct options options;
    parse(argc, argv, &options);
    const struct entry *table = options.is_large ? large_table : small_table;
    size_t count = options.is_large ? large_count : small_count;
    int number = 0;
    bool is_fine = true;
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(&options, table[i].model.name)) {
            is_fine = run(&options, &table[i], ++number) && is_fine;
        }
    }
    printf("1..%d\n", number);
    return is_fine && number > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
