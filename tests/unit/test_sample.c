#include "base/buffer.h"
#include "command/sample_calendar.h"
#include "command/sample_catalogue.h"
#include "command/sample_composers.h"
#include "command/sample_genres.h"
#include "command/sample_listener.h"
#include "command/sample_names.h"
#include "json/json.h"
#include "unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { listeners_count = 50, listens_count = 100000 };

static const int64_t newest_s = (int64_t)20000 * SAMPLE_DAY_S;
static struct sample_catalogue *catalogue;

static struct sample_history make_history(uint64_t seed, int listener, int count)
{
    struct sample_history history = {0};
    CU_ASSERT_EQUAL_FATAL(
        sample_history_create(catalogue, seed, listener, count, newest_s, &history), RESULT_OK);
    CU_ASSERT_EQUAL(history.count, count);
    return history;
}

static int count_different(const struct sample_history *a, const struct sample_history *b)
{
    int different = 0;
    for (int i = 0; i < a->count && i < b->count; i++) {
        different += a->listens[i].listened_at_s != b->listens[i].listened_at_s
                     || a->listens[i].track != b->listens[i].track
                     || a->listens[i].client != b->listens[i].client;
    }
    return different;
}

static void compare_histories(uint64_t seed, int listener, int least, int most)
{
    struct sample_history a = make_history(1, 3, 2000);
    struct sample_history b = make_history(seed, listener, 2000);
    int different = count_different(&a, &b);
    CU_ASSERT(different >= least && different <= most);
    sample_history_free(&a);
    sample_history_free(&b);
}

static void same_seed_same_listens(void)
{
    compare_histories(1, 3, 0, 0);
}

static void other_seed_other_listens(void)
{
    compare_histories(2, 3, 1900, 2000);
}

static void each_listener_has_his_own(void)
{
    compare_histories(1, 4, 1900, 2000);
}

static void same_seed_same_catalogue(void)
{
    struct sample_catalogue *again = NULL;
    CU_ASSERT_EQUAL_FATAL(sample_catalogue_create(1, &again), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(again->tracks_count, catalogue->tracks_count);
    CU_ASSERT_EQUAL_FATAL(again->artists_count, catalogue->artists_count);
    int different = 0;
    for (int i = 0; i < again->tracks_count; i++) {
        different += strcmp(again->tracks[i].title, catalogue->tracks[i].title) != 0
                     || again->tracks[i].duration_ms != catalogue->tracks[i].duration_ms;
    }
    for (int i = 0; i < again->artists_count; i++) {
        different += strcmp(again->artists[i].name, catalogue->artists[i].name) != 0;
    }
    CU_ASSERT_EQUAL(different, 0);
    sample_catalogue_destroy(&again);
}

static void shares_exactly_and_unevenly(void)
{
    int counts[listeners_count];
    sample_listens_share(1, listeners_count, listens_count, counts);
    int sum = 0, most = 0, light = 0;
    for (int i = 0; i < listeners_count; i++) {
        sum += counts[i];
        most = counts[i] > most ? counts[i] : most;
        light += counts[i] < listens_count / listeners_count;
    }
    CU_ASSERT_EQUAL(sum, listens_count);
    CU_ASSERT(most > listens_count / 6);
    CU_ASSERT(counts[0] > listens_count / 12 && counts[0] < most);
    CU_ASSERT(light > listeners_count * 2 / 3);
}

static void shares_up_to_the_maximum(void)
{
    int counts[3];
    sample_listens_share(1, 3, 3 * SAMPLE_LISTENS_PER_LISTENER_MAX - 1, counts);
    int sum = 0;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(counts[i] <= SAMPLE_LISTENS_PER_LISTENER_MAX);
        sum += counts[i];
    }
    CU_ASSERT_EQUAL(sum, 3 * SAMPLE_LISTENS_PER_LISTENER_MAX - 1);
}

/* Also that nobody hears two things at once, since each listen is later than the one before. */
static void check_times(const struct sample_history *history)
{
    int wrong = 0;
    for (int i = 0; i < history->count; i++) {
        int64_t at_s = history->listens[i].listened_at_s;
        wrong += at_s < newest_s - (int64_t)SAMPLE_DAYS * SAMPLE_DAY_S || at_s >= newest_s;
        wrong += i > 0 && at_s <= history->listens[i - 1].listened_at_s;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void stays_within_two_years(void)
{
    static const int counts[] = {0, 1, 300, 25000, SAMPLE_LISTENS_PER_LISTENER_MAX};
    for (int listener = 0; listener < 6; listener++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            struct sample_history history = make_history(7, listener, counts[i]);
            check_times(&history);
            sample_history_free(&history);
        }
    }
}

static int compare_counts(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* A chart of a listener has a steep head and a long tail. */
static void tastes_are_steep(void)
{
    struct sample_history history = make_history(1, 0, 12000);
    int *plays = calloc((size_t)catalogue->artists_count, sizeof *plays);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plays);
    for (int i = 0; i < history.count; i++) {
        const struct sample_track *track = &catalogue->tracks[history.listens[i].track];
        plays[catalogue->releases[track->release].artist]++;
    }
    qsort(plays, (size_t)catalogue->artists_count, sizeof *plays, compare_counts);
    int known = 0;
    while (known < catalogue->artists_count && plays[known] > 0) {
        known++;
    }
    CU_ASSERT(known > 80);
    CU_ASSERT(plays[0] > history.count / 30 && plays[0] < history.count / 3);
    CU_ASSERT(plays[0] > 2 * plays[9]);
    CU_ASSERT(plays[9] > 2 * plays[known / 2]);
    free(plays);
    sample_history_free(&history);
}

/* Most tracks follow the one before them on their release. */
static void albums_are_heard_in_order(void)
{
    struct sample_history history = make_history(1, 1, 5000);
    int follows = 0;
    for (int i = 1; i < history.count; i++) {
        int before = history.listens[i - 1].track, track = history.listens[i].track;
        follows += track == before + 1
                   && catalogue->tracks[track].release == catalogue->tracks[before].release;
    }
    CU_ASSERT(follows > history.count * 4 / 10 && follows < history.count * 8 / 10);
    sample_history_free(&history);
}

/* The quietest third of the hours has far less than its share. */
static void days_have_a_rhythm(void)
{
    for (int listener = 0; listener < 5; listener++) {
        struct sample_history history = make_history(1, listener, 5000);
        int hours[24] = {0};
        for (int i = 0; i < history.count; i++) {
            hours[history.listens[i].listened_at_s / 3600 % 24]++;
        }
        qsort(hours, 24, sizeof *hours, compare_counts);
        int quiet = 0;
        for (int i = 16; i < 24; i++) {
            quiet += hours[i];
        }
        CU_ASSERT(quiet < history.count / 7);
        sample_history_free(&history);
    }
}

static int find_artist(const char *name)
{
    int found = 0;
    for (int i = 0; i < catalogue->artists_count; i++) {
        found += strcmp(catalogue->artists[i].name, name) == 0;
    }
    return found;
}

/* A genre that is not in the table would lose its composers. */
static void every_composer_is_there(void)
{
    int composers = 0;
    for (const struct sample_composer *c = sample_composers_early; c->name != NULL; c++) {
        CU_ASSERT_EQUAL(find_artist(c->name), 1);
        composers++;
    }
    for (const struct sample_composer *c = sample_composers_late; c->name != NULL; c++) {
        CU_ASSERT_EQUAL(find_artist(c->name), 1);
        composers++;
    }
    CU_ASSERT(composers >= 60 && composers <= 110);
}

static void catalogue_is_whole(void)
{
    int wrong = 0;
    for (int i = 0; i < catalogue->tracks_count; i++) {
        const struct sample_track *track = &catalogue->tracks[i];
        const struct sample_release *release = &catalogue->releases[track->release];
        const struct sample_artist *artist = &catalogue->artists[release->artist];
        wrong += i < release->first_track || i >= release->first_track + release->tracks_count;
        wrong += track->release < artist->first_release
                 || track->release >= artist->first_release + artist->releases_count;
        wrong += track->title[0] == '\0' || release->title[0] == '\0' || artist->name[0] == '\0';
        wrong += track->duration_ms < 30000 || track->duration_ms > 4000000;
    }
    for (int i = 0; i < catalogue->artists_count; i++) {
        wrong += jtext_check(slice_text(catalogue->artists[i].tags), NULL) != RESULT_OK;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(catalogue->artists_count > 1500);
    CU_ASSERT(catalogue->releases_count > 2000);
}

static void listeners_have_names_of_their_own(void)
{
    enum { names_count = 300 };
    char *names[names_count];
    for (int i = 0; i < names_count; i++) {
        struct buffer name = BUFFER_EMPTY;
        sample_name_listener(&name, i);
        CU_ASSERT_EQUAL_FATAL(buffer_result(&name), RESULT_OK);
        names[i] = name.data;
        for (int other = 0; other < i; other++) {
            CU_ASSERT_STRING_NOT_EQUAL(names[i], names[other]);
        }
    }
    CU_ASSERT_STRING_EQUAL(names[0], "demo");
    for (int i = 0; i < names_count; i++) {
        free(names[i]);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(same_seed_same_catalogue),
        UNIT_TEST(same_seed_same_listens),
        UNIT_TEST(other_seed_other_listens),
        UNIT_TEST(each_listener_has_his_own),
        UNIT_TEST(shares_exactly_and_unevenly),
        UNIT_TEST(shares_up_to_the_maximum),
        UNIT_TEST(stays_within_two_years),
        UNIT_TEST(tastes_are_steep),
        UNIT_TEST(albums_are_heard_in_order),
        UNIT_TEST(days_have_a_rhythm),
        UNIT_TEST(every_composer_is_there),
        UNIT_TEST(catalogue_is_whole),
        UNIT_TEST(listeners_have_names_of_their_own),
    };
    if (sample_catalogue_create(1, &catalogue) != RESULT_OK) {
        return EXIT_FAILURE;
    }
    int status = unit_run("sample", tests, sizeof tests / sizeof *tests);
    sample_catalogue_destroy(&catalogue);
    return status;
}
