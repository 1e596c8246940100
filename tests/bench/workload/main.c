/*
 * refrain-bench --url URL --people FILE [OPTION…]
 *
 * Replays a day of a community against a running instance: people hear music in sessions, look at
 * their pages after some of the listens, and have clients that poll; visitors look at all of them.
 * mix.h and mix.c tell how much of what. Prints throughput, latencies, and how much came from the
 * cache. The same seed asks for the same.
 */
#include "base/text.h"
#include "json/json.h"
#include "replay.h"
#include "report.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: refrain-bench --url URL --people FILE [OPTION…]\n"
    "\n"
    "  --url URL          of the instance: http://HOST[:PORT]\n"
    "  --people FILE      a line for each: his token, a blank, his name. All must be public;\n"
    "                     those who hear most come first\n"
    "  --hours N          the last N hours of the day only, 1 to 24 (24)\n"
    "  --speed N          how many times as fast as in life (240: a day takes six minutes)\n"
    "  --seed N           draws another day (1)\n"
    "  --connections N    how many requests may be under way (32)\n"
    "  --json             figures for programs\n"
    "  --dry-run          tells what would be asked for, when and why, and asks for nothing\n";

struct options {
    const char *url, *people;
    int64_t hours, speed, seed, connections;
    bool as_json, is_dry;
};

/* ── arguments ── */

/* NULL: all is well; else what is wrong, with the argument. */
static const char *take_number(const char *name, const char *value, struct options *options)
{
    const struct {
        const char *name;
        int64_t *number, least, most;
        const char *wrong;
    } rows[] = {
        {"--hours", &options->hours, 1, 24, "--hours takes a number from 1 to 24"},
        {"--speed", &options->speed, 1, 100000, "--speed takes a number from 1 to 100000"},
        {"--seed", &options->seed, 0, INT64_MAX, "--seed takes a number"},
        {"--connections", &options->connections, 1, 10000,
         "--connections takes a number from 1 to 10000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            bool fits = value != NULL && text_parse_int(slice_text(value), rows[i].number)
                        && *rows[i].number >= rows[i].least && *rows[i].number <= rows[i].most;
            return fits ? NULL : rows[i].wrong;
        }
    }
    return "there is no such option";
}

/* How many arguments were taken; 0: the first is wrong, and `wrong` tells how. */
static int take_option(char **argv, struct options *options, const char **wrong)
{
    if (strcmp(argv[0], "--json") == 0) {
        options->as_json = true;
        return 1;
    }
    if (strcmp(argv[0], "--dry-run") == 0) {
        options->is_dry = true;
        return 1;
    }
    if (strcmp(argv[0], "--url") == 0 && argv[1] != NULL) {
        options->url = argv[1];
        return 2;
    }
    if (strcmp(argv[0], "--people") == 0 && argv[1] != NULL) {
        options->people = argv[1];
        return 2;
    }
    *wrong = take_number(argv[0], argv[1], options);
    return *wrong == NULL ? 2 : 0;
}

static bool parse(char **argv, struct options *options)
{
    const char *wrong = NULL;
    while (*argv != NULL) {
        int taken = take_option(argv, options, &wrong);
        if (taken == 0) {
            fprintf(stderr, "refrain-bench: %s: %s\n", *argv, wrong);
            return false;
        }
        argv += taken;
    }
    if (options->url == NULL || options->people == NULL) {
        fputs(usage, stderr);
        return false;
    }
    return true;
}

/* ── what the instance counts ── */

static int64_t number_of(struct slice json, const char *key)
{
    struct slice value;
    int64_t number;
    return jtext_check(json, NULL) == RESULT_OK && jtext_kind(json) == JSON_OBJECT
                   && jtext_member(json, key, &value) && text_parse_int(value, &number)
               ? number
               : -1;
}

/* Queries that the cache has spared; −1 where the instance doesn't say. */
static int64_t ask_sql_saved(const struct client_target *target)
{
    struct buffer request = BUFFER_EMPTY;
    struct client *client = client_create(target);
    struct client_answer answer;
    struct error error;
    int64_t saved = -1;
    buffer_append_format(&request, "GET /1/cache/metrics HTTP/1.1\r\nHost: %s\r\n\r\n",
                         target->host);
    if (client != NULL && !request.failed
        && client_ask(client, buffer_slice(&request), &answer, &error) == RESULT_OK
        && answer.status == 200) {
        saved = number_of(answer.body, "sql_saved");
    }
    client_destroy(&client);
    buffer_free(&request);
    return saved;
}

/* ── running ── */

static void tell_plan(const struct plan *plan, const struct people *people)
{
    struct buffer path = BUFFER_EMPTY;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_event *event = &plan->events[i];
        buffer_clear(&path);
        request_write_path(event, &people->items[event->person], 0, &path);
        printf("%.3f\t%s\t%s\t%s\n", (double)event->due_us / 1e6, mix_cause_names[event->cause],
               mix_endpoints[event->endpoint].name, path.data);
    }
    buffer_free(&path);
}

static enum result out_of_memory(struct error *error)
{
    return error_set(error, RESULT_NO_MEMORY, "main", "out of memory");
}

/* *failures: of requests. */
static enum result replay(const struct options *options, const struct people *people,
                          const struct plan_options *planned, const struct plan *plan,
                          size_t *failures, struct error *error)
{
    struct client_target target;
    struct replay_answer *answers = calloc(plan->count + 1, sizeof *answers);
    struct report report = {.options = planned, .plan = plan, .answers = answers,
                            .speed = (double)options->speed};
    const struct replay_options how = {&target, people, plan, report.speed, options->connections};
    enum result result = answers != NULL ? client_find(options->url, &target, error)
                                         : out_of_memory(error);
    if (result == RESULT_OK) {
        int64_t before = ask_sql_saved(&target);
        result = replay_run(&how, answers, &report.seconds, error);
        int64_t after = ask_sql_saved(&target);
        report.sql_saved = before >= 0 && after >= 0 ? after - before : -1;
    }
    if (result == RESULT_OK && report_print(&report, options->as_json) != RESULT_OK) {
        result = out_of_memory(error);
    }
    *failures = result == RESULT_OK ? report_failures(&report) : 0;
    free(answers);
    return result;
}

static enum result run(const struct options *options, size_t *failures, struct error *error)
{
    struct people people;
    struct plan plan = {0};
    enum result result = people_read(options->people, &people, error);
    const struct plan_options planned = {options->seed, (int64_t)people.count, options->hours};
    if (result == RESULT_OK && plan_make(&planned, &plan) != RESULT_OK) {
        result = out_of_memory(error);
    }
    if (result == RESULT_OK && options->is_dry) {
        tell_plan(&plan, &people);
    } else if (result == RESULT_OK) {
        result = replay(options, &people, &planned, &plan, failures, error);
    }
    plan_free(&plan);
    people_free(&people);
    return result;
}

int main(int argc, char **argv)
{
    struct options options = {.hours = 24, .speed = 240, .seed = 1, .connections = 32};
    struct error error;
    size_t failures = 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse(argv + 1, &options)) {
        return 2;
    }
    if (run(&options, &failures, &error) != RESULT_OK) {
        fprintf(stderr, "refrain-bench: %s\n", error.text);
        return EXIT_FAILURE;
    }
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
