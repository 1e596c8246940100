/*
 * A table of a fixed size: a user's place is one of the PROBES after his number. One mutex guards
 * all changes; a note that changes nothing only reads, without it. It may read while the table is
 * cleared or a place is given to somebody else, and be wrong: then a note is lost, and the next
 * request makes it. Now and then, once a minute as a rule, the table is cleared, so that what goes on
 * being read is told again, well before it would be forgotten.
 */
#include "view/readers.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metronome.h"
#include "view/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { PLACES = 8192, PROBES = 8, TOLD_MAX = 500 };
/* How often the table is cleared within the time for which a reading counts. */
enum { CLEARS = 15 };
enum { NOBODY = -1 }; /* user 0 is one: all public users */

static const int64_t tell_every_us = 1000000;
static const int64_t tell_max_us = 2000000;

struct place {
    _Atomic int64_t owner; /* the user's number plus one; 0: free */
    _Atomic uint64_t noted[VIEW_WORDS];
    uint64_t told[VIEW_WORDS];
};

struct readers {
    struct db *db;
    int64_t active_s;
    struct metronome *metronome;
    pthread_mutex_t lock;
    bool fails; /* told of already */
    int64_t cleared_at_us;
    struct place places[PLACES];
};

/* Users and their pages, as arrays for the database. */
struct telling {
    size_t count;
    struct buffer users;
    struct buffer pages;
};

static size_t first_place(int64_t user_id)
{
    return (size_t)user_id % PLACES; /* numbers of users come one after the other */
}

/* NOBODY: it is free. */
static int64_t user_of(const struct place *place)
{
    return atomic_load_explicit(&place->owner, memory_order_relaxed) - 1;
}

static uint64_t noted_of(const struct place *place, size_t word)
{
    return atomic_load_explicit(&place->noted[word], memory_order_relaxed);
}

static void note_locked(struct readers *readers, int64_t user_id, int page)
{
    size_t first = first_place(user_id);
    size_t word = view_word(page);
    for (size_t i = 0; i < PROBES; i++) {
        struct place *place = &readers->places[(first + i) % PLACES];
        if (user_of(place) == NOBODY || user_of(place) == user_id) {
            atomic_store_explicit(&place->noted[word], noted_of(place, word) | view_bit(page),
                                  memory_order_relaxed);
            atomic_store_explicit(&place->owner, user_id + 1, memory_order_relaxed);
            return;
        }
    }
}

void readers_note(struct readers *readers, int64_t user_id, int page)
{
    size_t first = first_place(user_id);
    for (size_t i = 0; i < PROBES; i++) {
        const struct place *place = &readers->places[(first + i) % PLACES];
        if (user_of(place) == user_id && (noted_of(place, view_word(page)) & view_bit(page)) != 0) {
            return;
        }
        if (user_of(place) == NOBODY) {
            break;
        }
    }
    pthread_mutex_lock(&readers->lock);
    note_locked(readers, user_id, page);
    pthread_mutex_unlock(&readers->lock);
}

/* ── telling ── */

/* Appends a place's pages, if there are some that have not been told of; from now on they have. */
static bool take_news_locked(struct place *place, struct buffer *names)
{
    bool are_new = false;
    for (size_t word = 0; word < VIEW_WORDS; word++) {
        uint64_t noted = noted_of(place, word);
        are_new = are_new || noted != place->told[word];
        place->told[word] = noted;
    }
    if (are_new) {
        view_format(place->told, names);
    }
    return are_new;
}

static void gather_locked(struct readers *readers, struct telling *telling)
{
    for (size_t i = 0; i < PLACES && telling->count < TOLD_MAX; i++) {
        struct place *place = &readers->places[i];
        struct buffer names = BUFFER_EMPTY;
        if (user_of(place) != NOBODY && take_news_locked(place, &names)) {
            db_array_add_int(&telling->users, user_of(place));
            db_array_add_text(&telling->pages, buffer_slice(&names));
            telling->pages.failed = telling->pages.failed || names.failed;
            telling->count++;
        }
        buffer_free(&names);
    }
}

static void clear_locked(struct readers *readers)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &readers->places[i];
        atomic_store_explicit(&place->owner, 0, memory_order_relaxed);
        for (size_t word = 0; word < VIEW_WORDS; word++) {
            atomic_store_explicit(&place->noted[word], 0, memory_order_relaxed);
            place->told[word] = 0;
        }
    }
    readers->cleared_at_us = clock_mono_us();
}

static void call(struct readers *readers, const struct telling *telling)
{
    static const struct db_function fn_note = {"reading_note", 3};
    char active_s[DB_INT_TEXT_SIZE];
    db_format_int(readers->active_s, active_s);
    const char *const params[] = {telling->users.data, telling->pages.data, active_s};
    struct db_rows *rows = NULL;
    struct error error;
    enum result result = telling->users.failed || telling->pages.failed
                             ? error_set(&error, RESULT_NO_MEMORY, "readers", "out of memory")
                             : db_call(readers->db, &fn_note, params,
                                       clock_mono_us() + tell_max_us, &rows, &error);
    if (result != RESULT_OK && !readers->fails) {
        log_error("readers-untold", result, &error);
    }
    readers->fails = result != RESULT_OK;
    db_rows_free(&rows);
}

/* What could not be told is told again once the table has been cleared, if it is read again. A database
 * that does not answer to reads is left to them: that it takes notes would say nothing about it. */
static void tell(void *context)
{
    struct readers *readers = context;
    if (db_is_away(readers->db)) {
        return;
    }
    struct telling telling = {.users = BUFFER_EMPTY, .pages = BUFFER_EMPTY};
    db_array_open(&telling.users);
    db_array_open(&telling.pages);
    pthread_mutex_lock(&readers->lock);
    gather_locked(readers, &telling);
    if (clock_mono_us() - readers->cleared_at_us >= readers->active_s * 1000000 / CLEARS) {
        clear_locked(readers);
    }
    pthread_mutex_unlock(&readers->lock);
    db_array_close(&telling.users);
    db_array_close(&telling.pages);
    if (telling.count > 0) {
        call(readers, &telling);
    }
    buffer_free(&telling.users);
    buffer_free(&telling.pages);
}

enum result readers_start(struct db *db, int64_t active_s, struct readers **readers,
                          struct error *error)
{
    struct readers *made = calloc(1, sizeof *made);
    *readers = NULL;
    if (made == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "readers", "out of memory");
    }
    pthread_mutex_init(&made->lock, NULL);
    made->db = db;
    made->active_s = active_s;
    made->cleared_at_us = clock_mono_us();
    const struct metronome_options tellings = {tell, tell, made, tell_every_us};
    enum result result = metronome_start(&tellings, &made->metronome, error);
    if (result != RESULT_OK) {
        readers_stop(&made);
    }
    *readers = made;
    return result;
}

void readers_stop(struct readers **readers)
{
    if (*readers == NULL) {
        return;
    }
    metronome_stop(&(*readers)->metronome);
    pthread_mutex_destroy(&(*readers)->lock);
    free(*readers);
    *readers = NULL;
}
