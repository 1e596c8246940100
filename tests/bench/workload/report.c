#include "report.h"

#include <stdio.h>
#include <stdlib.h>

/* What a row is about: the events of one endpoint, of one service, or of all. */
struct group {
    const char *name;
    int endpoint;        /* −1: any */
    int cause;           /* −1: any */
    const char *service; /* NULL: any */
    bool is_judged;      /* only what is expected to be cached */
};

struct summary {
    size_t requests, failures;
    size_t outcomes[OUTCOMES];
    int64_t *latencies_us; /* sorted */
};

static bool is_member(const struct group *group, const struct plan_event *event)
{
    const struct mix_endpoint *row = &mix_endpoints[event->endpoint];
    return (group->endpoint < 0 || event->endpoint == group->endpoint)
           && (group->cause < 0 || (int)event->cause == group->cause)
           && (group->service == NULL || strcmp(row->service, group->service) == 0)
           && (!group->is_judged || row->kind == MIX_CACHED);
}

/* ── figures ── */

static int compare_times(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static enum result summarize(const struct report *report, const struct group *group,
                             struct summary *summary)
{
    *summary = (struct summary){0};
    summary->latencies_us = calloc(report->plan->count + 1, sizeof *summary->latencies_us);
    if (summary->latencies_us == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < report->plan->count; i++) {
        const struct replay_answer *answer = &report->answers[i];
        if (is_member(group, &report->plan->events[i])) {
            summary->latencies_us[summary->requests++] = answer->latency_us;
            summary->failures += !replay_is_good(answer);
            summary->outcomes[answer->outcome]++;
        }
    }
    qsort(summary->latencies_us, summary->requests, sizeof *summary->latencies_us, compare_times);
    return RESULT_OK;
}

/* Of sorted times, in milliseconds; share 1: the longest. */
static double quantile_ms(const int64_t *times_us, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);
    return count == 0 ? 0 : (double)times_us[at < count ? at : count - 1] / 1000;
}

static size_t hits_of(const struct summary *summary)
{
    return summary->outcomes[OUTCOME_L1] + summary->outcomes[OUTCOME_L2]
           + summary->outcomes[OUTCOME_VALIDATED] + summary->outcomes[OUTCOME_UNVERIFIED];
}

static size_t look_ups_of(const struct summary *summary)
{
    return hits_of(summary) + summary->outcomes[OUTCOME_ABSENT]
           + summary->outcomes[OUTCOME_OUTDATED] + summary->outcomes[OUTCOME_BYPASS];
}

size_t report_failures(const struct report *report)
{
    size_t failures = 0;
    for (size_t i = 0; i < report->plan->count; i++) {
        failures += !replay_is_good(&report->answers[i]);
    }
    return failures;
}

static enum result late_p99_ms(const struct report *report, double *ms)
{
    size_t count = report->plan->count;
    int64_t *times_us = calloc(count + 1, sizeof *times_us);
    if (times_us == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        times_us[i] = report->answers[i].late_us;
    }
    qsort(times_us, count, sizeof *times_us, compare_times);
    *ms = quantile_ms(times_us, count, 0.99);
    free(times_us);
    return RESULT_OK;
}

/* ── as a table ── */

static void print_share(size_t count, size_t all)
{
    if (all == 0) {
        printf("%10s", "");
    } else {
        printf("%8.1f %%", 100 * (double)count / (double)all);
    }
}

static void print_titles(const char *title)
{
    static const char *const columns[] = {"requests", "failed",   "hits",   "L1",     "Redis",
                                          "absent",   "outdated", "p50 ms", "p95 ms", "p99 ms",
                                          "longest"};
    printf("\n%-28s", title);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        printf("%10s", columns[i]);
    }
    printf("\n");
}

static void print_row(const char *name, const struct summary *summary)
{
    size_t look_ups = look_ups_of(summary);
    printf("%-28s%10zu%10zu", name, summary->requests, summary->failures);
    print_share(hits_of(summary), look_ups);
    print_share(summary->outcomes[OUTCOME_L1], look_ups);
    print_share(summary->outcomes[OUTCOME_L2], look_ups);
    print_share(summary->outcomes[OUTCOME_ABSENT], look_ups);
    print_share(summary->outcomes[OUTCOME_OUTDATED], look_ups);
    static const double shares[] = {0.5, 0.95, 0.99, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        printf("%10.2f", quantile_ms(summary->latencies_us, summary->requests, shares[i]));
    }
    printf("\n");
}

/* ── as JSON ── */

static void write_summary(const char *name, const struct summary *summary)
{
    printf("{\"name\":\"%s\",\"requests\":%zu,\"failed\":%zu,\"look_ups\":%zu,\"hits\":%zu", name,
           summary->requests, summary->failures, look_ups_of(summary), hits_of(summary));
    for (int i = 0; i < OUTCOMES; i++) {
        printf(",\"%s\":%zu", outcome_names[i], summary->outcomes[i]);
    }
    printf(",\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"longest_ms\":%.3f}",
           quantile_ms(summary->latencies_us, summary->requests, 0.5),
           quantile_ms(summary->latencies_us, summary->requests, 0.95),
           quantile_ms(summary->latencies_us, summary->requests, 0.99),
           quantile_ms(summary->latencies_us, summary->requests, 1));
}

/* ── both ── */

static enum result print_groups(const struct report *report, const struct group *groups,
                                size_t count, bool as_json)
{
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        struct summary summary;
        if (summarize(report, &groups[i], &summary) != RESULT_OK) {
            return RESULT_NO_MEMORY;
        }
        if (summary.requests > 0 && as_json) {
            printf("%s", is_first ? "" : ",");
            write_summary(groups[i].name, &summary);
        } else if (summary.requests > 0) {
            print_row(groups[i].name, &summary);
        }
        is_first = is_first && summary.requests == 0;
        free(summary.latencies_us);
    }
    return RESULT_OK;
}

/* The endpoints of these kinds. */
static size_t group_endpoints(bool (*wanted)(enum mix_kind kind), struct group *groups)
{
    size_t count = 0;
    for (int i = 0; i < mix_endpoints_count; i++) {
        if (wanted(mix_endpoints[i].kind)) {
            groups[count++] = (struct group){mix_endpoints[i].name, i, -1, NULL, false};
        }
    }
    return count;
}

/* Each service once, with what is judged of it. */
static size_t group_services(struct group *groups)
{
    size_t count = 0;
    for (int i = 0; i < mix_endpoints_count; i++) {
        const char *service = mix_endpoints[i].service;
        bool is_new = mix_endpoints[i].kind == MIX_CACHED;
        for (size_t k = 0; k < count && is_new; k++) {
            is_new = strcmp(groups[k].service, service) != 0;
        }
        if (is_new) {
            groups[count++] = (struct group){service, -1, -1, service, true};
        }
    }
    return count;
}

/* Each cause of reads, with what is judged of it. */
static size_t group_causes(struct group *groups)
{
    size_t count = 0;
    for (int cause = MIX_LOOK; cause < MIX_CAUSES; cause++) {
        groups[count++] = (struct group){mix_cause_names[cause], -1, cause, NULL, true};
    }
    return count;
}

static size_t group_all(struct group *groups)
{
    groups[0] = (struct group){"what is to be cached", -1, -1, NULL, true};
    groups[1] = (struct group){"everything", -1, -1, NULL, false};
    return 2;
}

static bool is_cached(enum mix_kind kind)
{
    return kind == MIX_CACHED;
}

static bool is_apart(enum mix_kind kind)
{
    return kind == MIX_APART;
}

static bool is_read(enum mix_kind kind)
{
    return kind == MIX_READ;
}

static bool is_write(enum mix_kind kind)
{
    return kind == MIX_WRITE;
}

static const struct section {
    const char *title, *key;
    bool (*endpoints)(enum mix_kind kind); /* NULL: the groups are made by `make` */
    size_t (*make)(struct group *groups);
} sections[] = {
    {"cached endpoints", "cached", is_cached, NULL},
    {"seldom asked for twice", "apart", is_apart, NULL},
    {"never cached", "read", is_read, NULL},
    {"submissions", "written", is_write, NULL},
    {"cached, by service", "services", NULL, group_services},
    {"cached, by cause", "causes", NULL, group_causes},
    {"in all", "all", NULL, group_all},
};

static enum result print_sections(const struct report *report, bool as_json)
{
    struct group *groups = calloc((size_t)mix_endpoints_count + MIX_CAUSES, sizeof *groups);
    enum result result = groups != NULL ? RESULT_OK : RESULT_NO_MEMORY;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && result == RESULT_OK; i++) {
        const struct section *section = &sections[i];
        size_t count = section->endpoints != NULL ? group_endpoints(section->endpoints, groups)
                                                  : section->make(groups);
        if (as_json) {
            printf(",\"%s\":[", section->key);
        } else {
            print_titles(section->title);
        }
        result = print_groups(report, groups, count, as_json);
        printf("%s", as_json ? "]" : "");
    }
    free(groups);
    return result;
}

static void print_head(const struct report *report, double late_ms)
{
    printf("%zu requests in %.1f s, %.1f a second: the last %lld h of a day of %lld people, %.0f "
           "times as fast; seed %lld.\n",
           report->plan->count, report->seconds, (double)report->plan->count / report->seconds,
           (long long)report->options->hours, (long long)report->options->people, report->speed,
           (long long)report->options->seed);
    printf("One in a hundred was begun %.1f ms late or more.\n", late_ms);
    if (report->sql_saved >= 0) {
        printf("Queries that the cache has spared PostgreSQL: %lld.\n", (long long)report->sql_saved);
    } else {
        printf("/1/cache/metrics is not open to this host, so what was spared is not known.\n");
    }
}

static void write_head(const struct report *report, double late_ms)
{
    printf("{\"seed\":%lld,\"people\":%lld,\"hours\":%lld,\"speed\":%.3f,\"requests\":%zu,"
           "\"seconds\":%.3f,\"late_p99_ms\":%.3f,\"sql_saved\":",
           (long long)report->options->seed, (long long)report->options->people,
           (long long)report->options->hours, report->speed, report->plan->count, report->seconds,
           late_ms);
    if (report->sql_saved >= 0) {
        printf("%lld", (long long)report->sql_saved);
    } else {
        printf("null");
    }
}

enum result report_print(const struct report *report, bool as_json)
{
    double late_ms;
    enum result result = late_p99_ms(report, &late_ms);
    if (result != RESULT_OK) {
        return result;
    }
    if (as_json) {
        write_head(report, late_ms);
    } else {
        print_head(report, late_ms);
    }
    result = print_sections(report, as_json);
    printf("%s", as_json ? "}\n" : "");
    return result;
}
