/*
 * Breadth-first search over all states. Each is kept once, in packed form, with the step that first
 * led to it: so the first state found to break a promise is one that the fewest steps lead to. An
 * entry is as many words as the model's states fill, and one for the way that led there.
 */
#include "model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct way {
    uint32_t parent; /* index; of the first its own */
    uint8_t step, who;
};
static_assert(sizeof(struct way) == sizeof(uint64_t), "the last word of an entry");

struct explorer {
    const struct model *model;
    const struct exploration *how;
    size_t words; /* of a state */
    uint64_t *entries;
    size_t count, capacity;
    uint32_t *table; /* open addressing: 1 + index, 0 is free */
    size_t table_size;
    size_t current;
    const struct state *from; /* that is the current one; NULL at the start */
    double started_s, told_s;
};

static double spent_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "model: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* ── the set of states ── */

static uint64_t *entry(const struct explorer *explorer, size_t index)
{
    return explorer->entries + index * (explorer->words + 1);
}

static struct way way(const struct explorer *explorer, size_t index)
{
    struct way way;
    memcpy(&way, entry(explorer, index) + explorer->words, sizeof way);
    return way;
}

static size_t entry_bytes(const struct explorer *explorer)
{
    return (explorer->words + 1) * sizeof *explorer->entries;
}

static uint64_t hash(const uint64_t *state, size_t words)
{
    uint64_t h = 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < words; i++) {
        h = (h ^ state[i]) * 0xff51afd7ed558ccd;
        h ^= h >> 32;
    }
    return h;
}

/* Where it is, or a free place for it. */
static uint32_t *find(const struct explorer *explorer, const uint64_t *state)
{
    size_t mask = explorer->table_size - 1, at = hash(state, explorer->words) & mask;
    size_t size = explorer->words * sizeof *state;
    while (explorer->table[at] != 0
           && memcmp(entry(explorer, explorer->table[at] - 1), state, size) != 0) {
        at = (at + 1) & mask;
    }
    return &explorer->table[at];
}

static void grow_table(struct explorer *explorer)
{
    free(explorer->table);
    explorer->table_size *= 2;
    explorer->table = must(calloc(explorer->table_size, sizeof *explorer->table));
    for (size_t i = 0; i < explorer->count; i++) {
        *find(explorer, entry(explorer, i)) = (uint32_t)(i + 1);
    }
}

static void grow(struct explorer *explorer)
{
    if (explorer->count == explorer->capacity) {
        explorer->capacity *= 2;
        explorer->entries =
            must(realloc(explorer->entries, explorer->capacity * entry_bytes(explorer)));
    }
    if (explorer->count * 3 > explorer->table_size * 2) {
        grow_table(explorer);
    }
}

void explore_step(struct explorer *explorer, struct state *next, enum step step, int who)
{
    if (explorer->from != NULL && explorer->model->bounds.processes > 0) {
        processes_push(explorer->model, explorer->from, next);
    }
    state_normalize(explorer->model, next, explorer->how->merges);
    uint64_t *packed = entry(explorer, explorer->count);
    state_pack(next, packed, explorer->words);
    uint32_t *place = find(explorer, packed);
    if (*place != 0) {
        return;
    }
    *place = (uint32_t)(explorer->count + 1);
    struct way way = {(uint32_t)explorer->current, (uint8_t)step, (uint8_t)who};
    memcpy(packed + explorer->words, &way, sizeof way);
    explorer->count++;
    grow(explorer);
}

/* Entries beyond the count were not touched yet, and take none. */
static size_t memory_bytes(const struct explorer *explorer)
{
    return explorer->count * entry_bytes(explorer)
           + explorer->table_size * sizeof *explorer->table;
}

/* ── the search ── */

static void begin(struct explorer *explorer)
{
    struct state start;
    explorer->capacity = 1 << 16;
    explorer->words = state_words(explorer->model);
    explorer->entries = must(malloc(explorer->capacity * entry_bytes(explorer)));
    explorer->table_size = 1 << 17;
    explorer->table = must(calloc(explorer->table_size, sizeof *explorer->table));
    explorer->started_s = explorer->told_s = spent_s();
    state_start(explorer->model, &start);
    explore_step(explorer, &start, STEP_START, 0);
}

static void tell_progress(struct explorer *explorer)
{
    int interval_s = explorer->how->progress_s;
    if (interval_s == 0 || explorer->current % 65536 != 0
        || spent_s() - explorer->told_s < interval_s) {
        return;
    }
    explorer->told_s = spent_s();
    fprintf(stderr, "# %s: %zu states, %zu of them done, %zu MB, %.0f s\n", explorer->model->name,
            explorer->count, explorer->current, memory_bytes(explorer) >> 20,
            explorer->told_s - explorer->started_s);
}

static int count_steps(const struct explorer *explorer, size_t index)
{
    int steps = 0;
    for (; index != 0; index = way(explorer, index).parent) {
        steps++;
    }
    return steps;
}

static void look(struct explorer *explorer, const struct state *s, struct findings *findings,
                 size_t *broken_at)
{
    enum promise broken = promises_check(explorer->model, s, &findings->worst_ticks);
    if (broken != PROMISE_NONE && findings->broken == PROMISE_NONE) {
        findings->broken = broken;
        findings->steps_to_broken = count_steps(explorer, explorer->current);
        *broken_at = explorer->current;
    }
}

static bool goes_on(const struct explorer *explorer, const struct findings *findings)
{
    if (findings->broken != PROMISE_NONE && explorer->how->stops_at_first) {
        return false;
    }
    return memory_bytes(explorer) < explorer->how->memory_max_bytes
           && explorer->count < UINT32_MAX - UINT16_MAX;
}

static void search(struct explorer *explorer, struct findings *findings, size_t *broken_at)
{
    for (; explorer->current < explorer->count; explorer->current++) {
        struct state s;
        state_unpack(entry(explorer, explorer->current), explorer->words, &s);
        explorer->from = &s;
        look(explorer, &s, findings, broken_at);
        if (!goes_on(explorer, findings)) {
            return;
        }
        database_steps(explorer->model, &s, explorer);
        filler_steps(explorer->model, &s, explorer);
        relay_steps(explorer->model, &s, explorer);
        process_steps(explorer->model, &s, explorer);
        tell_progress(explorer);
    }
    findings->is_complete = true;
}

/* ── traces ── */

#define STEP_TEXT(name, text) text,
static const char *const step_texts[] = {STEPS(STEP_TEXT)};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void print_step(const struct explorer *explorer, size_t index, int number)
{
    struct way last = way(explorer, index);
    struct state s;
    char text[128];
    snprintf(text, sizeof text, step_texts[last.step], last.who);
    printf("# %3d %-62s ", number, text);
    state_unpack(entry(explorer, index), explorer->words, &s);
    state_print(explorer->model, &s);
}
#pragma GCC diagnostic pop

static void print_trace(const struct explorer *explorer, size_t index)
{
    int count = count_steps(explorer, index);
    for (int number = 0; number <= count; number++) {
        size_t at = index;
        for (int back = count; back > number; back--) {
            at = way(explorer, at).parent;
        }
        print_step(explorer, at, number);
    }
}

void explore(const struct model *model, const struct exploration *how, struct findings *findings)
{
    struct explorer explorer = {.model = model, .how = how};
    size_t broken_at = 0;
    *findings = (struct findings){.worst_ticks = -1};
    begin(&explorer);
    search(&explorer, findings, &broken_at);
    findings->states = explorer.count;
    findings->seconds = spent_s() - explorer.started_s;
    findings->memory_bytes = memory_bytes(&explorer);
    if (how->prints_trace && findings->broken != PROMISE_NONE) {
        print_trace(&explorer, broken_at);
    }
    free(explorer.entries);
    free(explorer.table);
}
