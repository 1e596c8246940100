#include "cache/relay_poll.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A snapshot lists the transactions that run: a position grows with them. */
static const size_t position_max_bytes = 65536;
/* No position: the database says so. */
static const char unreadable[] = "?";

enum column {
    COLUMN_POSITION,
    COLUMN_NOW_US,
    COLUMN_IS_CONTINUED,
    COLUMN_REASON,
    COLUMN_EPOCHS,
    COLUMN_PEOPLE,
    COLUMN_CATALOGUE,
    COLUMN_MODEL,
    COLUMN_OLDEST_US,
    COLUMN_BUCKET,
    COLUMN_SUBJECT,
    COLUMN_LIVE,
    COLUMN_PAST,
    COLUMN_AUTH,
};

static const struct db_function fn_poll = {"relay_poll", 1};
static const struct db_function fn_raise = {"relay_epochs_raise", 2};

/* Anybody may have written to Redis: what PostgreSQL could take amiss as a text does not get there. */
static bool is_plain(struct slice position)
{
    for (size_t i = 0; i < position.size_bytes; i++) {
        if (position.data[i] < ' ' || position.data[i] > '~') {
            return false;
        }
    }
    return position.size_bytes <= position_max_bytes;
}

static enum result broken(const char *what, struct error *error)
{
    return error_set(error, RESULT_INTERNAL, "relay", "relay_poll: %s", what);
}

static bool split_epochs(struct slice text, struct slice epochs[CACHE_BUCKETS])
{
    int count = 0;
    size_t from = 0;
    for (size_t i = 0; i <= text.size_bytes; i++) {
        if (i == text.size_bytes || text.data[i] == ' ') {
            if (count == CACHE_BUCKETS || i == from) {
                return false;
            }
            epochs[count++] = slice_of(text.data + from, i - from);
            from = i + 1;
        }
    }
    return count == CACHE_BUCKETS;
}

static enum result read_head(struct relay_poll *poll, struct error *error)
{
    const struct db_rows *rows = poll->rows;
    if (db_rows_count(rows) == 0
        || !split_epochs(db_rows_text(rows, 0, COLUMN_EPOCHS), poll->epochs)) {
        return broken("not an epoch for each bucket", error);
    }
    poll->position = db_rows_text(rows, 0, COLUMN_POSITION);
    poll->is_continued = db_rows_bool(rows, 0, COLUMN_IS_CONTINUED);
    poll->is_foreign = slice_is(db_rows_text(rows, 0, COLUMN_REASON), "history");
    if (!db_rows_is_null(rows, 0, COLUMN_OLDEST_US)) {
        poll->oldest_age_us =
            db_rows_int(rows, 0, COLUMN_NOW_US) - db_rows_int(rows, 0, COLUMN_OLDEST_US);
    }
    int size = snprintf(poll->generations, sizeof poll->generations, "%.*s %.*s %.*s %.*s",
                        SLICE_ARGS(db_rows_text(rows, 0, COLUMN_NOW_US)),
                        SLICE_ARGS(db_rows_text(rows, 0, COLUMN_PEOPLE)),
                        SLICE_ARGS(db_rows_text(rows, 0, COLUMN_CATALOGUE)),
                        SLICE_ARGS(db_rows_text(rows, 0, COLUMN_MODEL)));
    return size < (int)sizeof poll->generations ? RESULT_OK : broken("long numbers", error);
}

/* The bucket of a row after the first; -1 where it or the user is none. */
static int bucket_of(const struct db_rows *rows, size_t row)
{
    struct cache_subject subject;
    bool is_right = cache_subject_parse(db_rows_text(rows, row, COLUMN_SUBJECT), &subject)
                    && subject.bucket == db_rows_int(rows, row, COLUMN_BUCKET);
    return is_right ? subject.bucket : -1;
}

/* Puts the changes in the order of their buckets: counts, adds up, places. */
static enum result sort_changes(struct relay_poll *poll, struct error *error)
{
    size_t rows_count = db_rows_count(poll->rows);
    if (rows_count == 1) {
        return RESULT_OK;
    }
    poll->order = malloc((rows_count - 1) * sizeof *poll->order);
    if (poll->order == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "relay", "out of memory");
    }
    for (size_t row = 1; row < rows_count; row++) {
        int bucket = bucket_of(poll->rows, row);
        if (bucket < 0) {
            return broken("a change of nobody", error);
        }
        poll->first[bucket + 1]++;
    }
    size_t next[CACHE_BUCKETS];
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        next[b] = poll->first[b];
        poll->first[b + 1] += poll->first[b];
    }
    for (size_t row = 1; row < rows_count; row++) {
        poll->order[next[bucket_of(poll->rows, row)]++] = row;
    }
    return RESULT_OK;
}

enum result relay_poll_run(struct db *db, struct slice position, int64_t deadline_us,
                           struct relay_poll *poll, struct error *error)
{
    *poll = (struct relay_poll){0};
    struct buffer since = BUFFER_EMPTY;
    buffer_append_slice(&since, is_plain(position) ? position : slice_text(unreadable));
    if (buffer_result(&since) != RESULT_OK) {
        return error_set(error, RESULT_NO_MEMORY, "relay", "out of memory");
    }
    const char *const params[] = {since.data};
    enum result result = db_call(db, &fn_poll, params, deadline_us, &poll->rows, error);
    buffer_free(&since);
    if (result == RESULT_OK) {
        result = read_head(poll, error);
    }
    if (result == RESULT_OK) {
        result = sort_changes(poll, error);
    }
    if (result != RESULT_OK) {
        relay_poll_free(poll);
    }
    return result;
}

void relay_poll_free(struct relay_poll *poll)
{
    db_rows_free(&poll->rows);
    free(poll->order);
    *poll = (struct relay_poll){0};
}

size_t relay_poll_first(const struct relay_poll *poll, int bucket)
{
    return poll->first[bucket];
}

void relay_poll_change(const struct relay_poll *poll, size_t at, struct relay_change *change)
{
    size_t row = poll->order[at];
    bool is_hash = cache_subject_parse(db_rows_text(poll->rows, row, COLUMN_SUBJECT),
                                       &change->subject);
    assert(is_hash);
    change->live = db_rows_text(poll->rows, row, COLUMN_LIVE);
    change->past = db_rows_text(poll->rows, row, COLUMN_PAST);
    change->auth = db_rows_text(poll->rows, row, COLUMN_AUTH);
}

enum result relay_raise_epochs(struct db *db, const bool buckets[CACHE_BUCKETS],
                               const char *reason, int64_t deadline_us, struct error *error)
{
    struct buffer list = BUFFER_EMPTY;
    db_array_open(&list);
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        if (buckets[b]) {
            db_array_add_int(&list, b);
        }
    }
    db_array_close(&list);
    struct db_rows *rows = NULL;
    enum result result = buffer_result(&list);
    if (result == RESULT_OK) {
        const char *const params[] = {list.data, reason};
        result = db_call(db, &fn_raise, params, deadline_us, &rows, error);
        db_rows_free(&rows);
    } else {
        error_set(error, result, "relay", "out of memory");
    }
    buffer_free(&list);
    return result;
}
