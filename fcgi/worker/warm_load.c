#include "worker/warm_load.h"

#include "base/clock.h"
#include "view/view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 16, DAY_S = 86400 };

static const int64_t call_max_us = 10000000;

static const struct db_function fn_wanted = {"reading_wanted", 2};
static const struct db_function fn_recent = {"reading_recent", 4};
static const struct db_function fn_peak = {"reading_peak", 0};

struct warm_loader {
    struct warm_options options;
    struct arena *arena;
    struct buffer subjects;
};

struct warm_loader *warm_loader_create(const struct warm_options *options)
{
    struct warm_loader *loader = calloc(1, sizeof *loader);
    if (loader != NULL) {
        loader->options = *options;
        loader->arena = arena_create();
        if (loader->arena == NULL) {
            warm_loader_destroy(&loader);
        }
    }
    return loader;
}

void warm_loader_destroy(struct warm_loader **loader)
{
    if (*loader != NULL) {
        arena_destroy(&(*loader)->arena);
        buffer_free(&(*loader)->subjects);
        free(*loader);
        *loader = NULL;
    }
}

static enum result call(struct warm_loader *loader, const struct db_function *function,
                        const char *const *params, struct db_rows **rows, struct error *error)
{
    return db_call(loader->options.db, function, params, clock_mono_us() + call_max_us, rows,
                   error);
}

enum result warm_ask_wanted(struct warm_loader *loader, char hashes[][CACHE_USER_HEX + 1],
                            size_t hashes_count, struct warm_users *users, struct error *error)
{
    struct buffer *subjects = &loader->subjects;
    char active[DB_INT_TEXT_SIZE];
    users->rows = NULL;
    users->name_at = 0;
    db_format_int(loader->options.active_s, active);
    db_array_open(subjects);
    for (size_t i = 0; i < hashes_count; i++) {
        db_array_add_text(subjects, slice_text(hashes[i]));
    }
    db_array_close(subjects);
    if (buffer_result(subjects) != RESULT_OK) {
        return error_set(error, RESULT_NO_MEMORY, "warm", "out of memory");
    }
    const char *const params[] = {subjects->data, active};
    return call(loader, &fn_wanted, params, &users->rows, error);
}

/* Goes on from the last row. */
static void move_place(struct warm_place *place, const struct db_rows *rows)
{
    size_t last = db_rows_count(rows) - 1;
    struct slice read_at = db_rows_text(rows, last, 1);
    snprintf(place->read_at, sizeof place->read_at, "%.*s", SLICE_ARGS(read_at));
    place->user_id = db_rows_int(rows, last, 0);
}

enum result warm_ask_recent(struct warm_loader *loader, struct warm_place *place,
                            struct warm_users *users, struct error *error)
{
    char within[DB_INT_TEXT_SIZE], user[DB_INT_TEXT_SIZE], batch[DB_INT_TEXT_SIZE];
    bool is_first = place->read_at[0] == '\0';
    db_format_int(DAY_S, within);
    db_format_int(place->user_id, user);
    db_format_int(BATCH, batch);
    const char *const params[] = {within, is_first ? NULL : place->read_at,
                                  is_first ? NULL : user, batch};
    users->rows = NULL;
    users->name_at = 2;
    enum result result = call(loader, &fn_recent, params, &users->rows, error);
    if (result == RESULT_OK && db_rows_count(users->rows) > 0) {
        move_place(place, users->rows);
    }
    return result;
}

enum result warm_ask_peak(struct warm_loader *loader, int64_t *hour, struct error *error)
{
    struct db_rows *rows = NULL;
    *hour = -1;
    enum result result = call(loader, &fn_peak, NULL, &rows, error);
    if (result == RESULT_OK) {
        *hour = db_rows_is_null(rows, 0, 0) ? -1 : db_rows_int(rows, 0, 0);
    }
    db_rows_free(&rows);
    return result;
}

static bool admit_everybody(const struct cache_profile *profile)
{
    (void)profile;
    return true;
}

static void count(struct warm_loader *loader, enum cache_counter counter)
{
    cache_metrics_add(loader->options.metrics, counter, 1);
}

/* What a fetch that went well came to. False if the next one should wait. */
static bool judge(struct warm_loader *loader, const struct cache_report *report,
                  size_t parts_count)
{
    enum cache_class class = cache_outcome_class(report->outcome);
    if (class == CACHE_CLASS_HIT) {
        count(loader, CACHE_COUNT_WARM_HIT);
        /* Unverified: the database is away. */
        return report->outcome != CACHE_UNVERIFIED;
    }
    count(loader, report->stored ? CACHE_COUNT_WARM_FILLED : CACHE_COUNT_WARM_FAILED);
    /* Where Redis is away, nothing of it is kept. */
    return class == CACHE_CLASS_MISS
           && report->loaded_us / (int64_t)parts_count <= loader->options.slow_ms * INT64_C(1000);
}

/* How many of the parts one fetch takes. */
static size_t parts_of_fetch(const struct cache_part *parts, size_t parts_count)
{
    size_t items = 0;
    size_t count = 0;
    while (count < parts_count && items + parts[count].items_count <= CACHE_ITEMS_MAX) {
        items += parts[count++].items_count;
    }
    return count;
}

/* Where Redis is away, nothing would be kept of what comes after. */
static bool is_in_vain(const struct cache_reader *reader)
{
    struct cache_report report;
    cache_reader_report(reader, &report);
    return cache_outcome_class(report.outcome) == CACHE_CLASS_BYPASS;
}

static_assert((int)VIEW_PAGES + (int)HISTORY_RECENT_PIECES - 1
                  <= (int)CACHE_FETCHES_MAX * (int)CACHE_ITEMS_MAX,
              "one reader fetches all pages");

static enum result fetch_all(struct cache_reader *reader, const struct cache_part *parts,
                             size_t parts_count, struct error *error)
{
    struct slice values[CACHE_ITEMS_MAX];
    enum result result = RESULT_OK;
    for (size_t at = 0; at < parts_count && result == RESULT_OK && !is_in_vain(reader);) {
        size_t count = parts_of_fetch(parts + at, parts_count - at);
        result = cache_fetch(reader, parts + at, count, values, error);
        at += count;
    }
    return result;
}

static bool fetch(struct warm_loader *loader, struct slice name_key,
                  const struct cache_part *parts, size_t parts_count)
{
    const struct cache_request request = {
        .folded_name = name_key,
        .admit = admit_everybody,
        .arena = loader->arena,
        .deadline_us = clock_mono_us() + call_max_us,
    };
    struct cache_report report;
    struct error error;
    struct cache_reader *reader = cache_reader_open(loader->options.cache, &request);
    if (reader == NULL) {
        count(loader, CACHE_COUNT_WARM_FAILED);
        return false;
    }
    enum result result = fetch_all(reader, parts, parts_count, &error);
    cache_reader_report(reader, &report);
    cache_reader_close(&reader);
    if (result == RESULT_OK) {
        return judge(loader, &report, parts_count);
    }
    if (result == RESULT_NOT_FOUND) {
        return true; /* gone meanwhile */
    }
    count(loader, CACHE_COUNT_WARM_FAILED);
    return false;
}

bool warm_load(struct warm_loader *loader, const struct warm_users *users, size_t row)
{
    struct cache_part parts[VIEW_PAGES];
    struct slice name_key = db_rows_text(users->rows, row, users->name_at);
    struct slice pages = db_rows_text(users->rows, row, users->name_at + 1);
    arena_reset(loader->arena);
    size_t parts_count = view_parts_of(pages, clock_wall_s(), loader->arena, parts);
    return parts_count == 0 || fetch(loader, name_key, parts, parts_count);
}
