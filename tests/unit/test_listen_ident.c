/* Ids are stored for ever, so the values here may never change. */
#include "unit.h"

#include "base/text.h"
#include "listen/listen.h"

#include <stdio.h>

static struct arena *arena;

struct identified {
    struct listen_ids ids;
    struct listen_keys keys;
};

static struct identified identify(const char *artist, const char *track, const char *release)
{
    struct identified made;
    struct listen listen = {.artist_name = slice_text(artist),
                            .track_name = slice_text(track),
                            .release_name = slice_text(release)};
    CU_ASSERT_EQUAL(listen_identify(&listen, arena, &made.ids, &made.keys), RESULT_OK);
    return made;
}

static bool is(const struct listen_id *id, const char *msid)
{
    char text[UUID_TEXT_SIZE];
    text_format_uuid(id->msid, text);
    if (strcmp(text, msid) != 0) {
        printf("# %s\n", text);
    }
    return strcmp(text, msid) == 0;
}

static bool same(const struct listen_id *a, const struct listen_id *b)
{
    return a->id == b->id && memcmp(a->msid, b->msid, sizeof a->msid) == 0;
}

static void ids_are_for_ever(void)
{
    struct identified made =
        identify("Clara Schumann", "Drei Romanzen, Op. 22: I. Andante molto", "Chamber Works");
    CU_ASSERT(is(&made.ids.artist, "c981d2bd-4142-81b8-bdbc-9e5d19d1470e"));
    CU_ASSERT(is(&made.ids.release, "ceefcc9a-c33d-8b2e-aef0-757c6f11c004"));
    CU_ASSERT(is(&made.ids.recording, "2774927c-02ea-887c-a8a4-4c3d3cbd8486"));
    CU_ASSERT_EQUAL(made.ids.artist.id, INT64_C(7260059191952359644));
    CU_ASSERT_EQUAL(made.ids.release.id, INT64_C(7455680928159810967));
    CU_ASSERT_EQUAL(made.ids.recording.id, INT64_C(1421529163050075198));
    made = identify("坂本龍一", "Composition 0919", "");
    CU_ASSERT(is(&made.ids.artist, "f2005229-77b2-81d9-912e-80d6b5a360b6"));
    CU_ASSERT(is(&made.ids.recording, "0bfb80ba-16f7-86be-83d9-03e3260fe263"));
}

static void an_id_is_the_first_63_bits(void)
{
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "artist %d", i);
        struct identified made = identify(name, "t", "r");
        uint64_t head = 0;
        for (int j = 0; j < 8; j++) {
            head = head * 256 + made.ids.recording.msid[j];
        }
        CU_ASSERT(made.ids.recording.id >= 0);
        CU_ASSERT_EQUAL((uint64_t)made.ids.recording.id, head / 2);
        CU_ASSERT_EQUAL(made.ids.recording.msid[6] >> 4, 8); /* the version */
        CU_ASSERT_EQUAL(made.ids.recording.msid[8] >> 6, 2); /* the variant */
    }
}

static void spelling_does_not_count(void)
{
    struct identified a = identify("Antonín Dvořák", "Rusalka", "Best Of");
    struct identified b = identify(" ANTONÍN   DVOŘÁK", "ｒｕｓａｌｋａ", "best\tof");
    struct identified c = identify("Antoni\xcc\x81n Dvor\xcc\x8c\xc3\xa1k", "RUSALKA", "BEST OF");
    CU_ASSERT(same(&a.ids.artist, &b.ids.artist) && same(&a.ids.artist, &c.ids.artist));
    CU_ASSERT(same(&a.ids.release, &b.ids.release) && same(&a.ids.release, &c.ids.release));
    CU_ASSERT(same(&a.ids.recording, &b.ids.recording)
              && same(&a.ids.recording, &c.ids.recording));
    CU_ASSERT(slice_is(a.keys.artist, "antonín dvořák"));
    CU_ASSERT(slice_is(b.keys.release, "best of"));
    CU_ASSERT(slice_is(c.keys.recording, "rusalka"));
}

static void every_name_counts(void)
{
    struct identified a = identify("a", "t", "r");
    struct identified b = identify("b", "t", "r");
    CU_ASSERT_FALSE(same(&a.ids.artist, &b.ids.artist));
    CU_ASSERT_FALSE(same(&a.ids.release, &b.ids.release));
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
    b = identify("a", "t", "s");
    CU_ASSERT(same(&a.ids.artist, &b.ids.artist));
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
    b = identify("a", "t", "");
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
    CU_ASSERT_EQUAL(b.ids.release.id, 0);
    CU_ASSERT(slice_is(b.keys.release, ""));
    b = identify("a", "u", "r");
    CU_ASSERT(same(&a.ids.release, &b.ids.release));
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
}

/* Where one name ends and the next begins is part of the id, even against names that try. */
static void names_do_not_run_together(void)
{
    struct identified a = identify("a b", "c", "d");
    struct identified b = identify("a", "b c", "d");
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
    a = identify("a\x1f" "b", "c", "");
    b = identify("a", "b\x1f" "c", "");
    CU_ASSERT_FALSE(same(&a.ids.recording, &b.ids.recording));
    CU_ASSERT(slice_is(a.keys.artist, "a b"));
}

static void nothing_else_counts(void)
{
    struct listen listen = {.artist_name = slice_text("a"), .track_name = slice_text("t")};
    struct listen_ids one;
    struct listen_ids two;
    struct listen_keys keys;
    CU_ASSERT_EQUAL(listen_identify(&listen, arena, &one, &keys), RESULT_OK);
    listen.duration_ms = 1000;
    listen.recording_mbid = slice_text("f1b1cf71-bd35-4e99-8624-24a6e15f133a");
    listen.info = slice_text("{\"track_number\":3}");
    listen.listened_at_s = 5;
    CU_ASSERT_EQUAL(listen_identify(&listen, arena, &two, &keys), RESULT_OK);
    CU_ASSERT(same(&one.recording, &two.recording));
    listen.track_name = slice_text("\xff");
    CU_ASSERT_EQUAL(listen_identify(&listen, arena, &two, &keys), RESULT_INVALID);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(ids_are_for_ever),
        UNIT_TEST(an_id_is_the_first_63_bits),
        UNIT_TEST(spelling_does_not_count),
        UNIT_TEST(every_name_counts),
        UNIT_TEST(names_do_not_run_together),
        UNIT_TEST(nothing_else_counts),
    };
    arena = arena_create();
    int status = unit_run("ident", tests, sizeof tests / sizeof *tests);
    arena_destroy(&arena);
    return status;
}
