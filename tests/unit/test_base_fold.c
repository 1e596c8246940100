#include "unit.h"

#include "base/fold.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>

static bool folds_to(const char *name, const char *folded)
{
    struct buffer to = BUFFER_EMPTY;
    enum result result = fold_append(&to, slice_text(name));
    bool equal = result == RESULT_OK && slice_is(buffer_slice(&to), folded);
    if (!equal) {
        printf("# \"%s\" became \"%.*s\"\n", name, SLICE_ARGS(buffer_slice(&to)));
    }
    buffer_free(&to);
    return equal;
}

static void folds_ascii(void)
{
    CU_ASSERT(folds_to("", ""));
    CU_ASSERT(folds_to("Clara Schumann", "clara schumann"));
    CU_ASSERT(folds_to("  A\t\tB \n C ", "a b c"));
    CU_ASSERT(folds_to("a\x1f\x1e" "b", "a b"));
    CU_ASSERT(folds_to("[]^_`{|}~@\x7f", "[]^_`{|}~@\x7f"));
}

static void folds_case_by_unicode(void)
{
    CU_ASSERT(folds_to("ANTONÍN DVOŘÁK", "antonín dvořák"));
    CU_ASSERT(folds_to("Straße", "strasse"));
    CU_ASSERT(folds_to("ΣΊΣΥΦΟΣ", "σίσυφοσ"));
    CU_ASSERT(folds_to("σίσυφος", "σίσυφοσ"));
    CU_ASSERT(folds_to("İ", "i̇"));
    CU_ASSERT(folds_to("МУСОРГСКИЙ", "мусоргский"));
}

static void folds_width_and_composition(void)
{
    CU_ASSERT(folds_to("ＡＢＣ１２", "abc12"));
    CU_ASSERT(folds_to("ｶﾞ", "ガ"));
    CU_ASSERT(folds_to("e\xcc\x81tude", "\xc3\xa9tude"));
    CU_ASSERT(folds_to("ﬁn", "fin"));
    CU_ASSERT(folds_to("Nº 1 Ⅳ", "no 1 iv"));
}

static void collapses_all_blanks(void)
{
    CU_ASSERT(folds_to("\xc2\xa0" "é\xe3\x80\x80\xe2\x80\x83 é\xc2\x85", "é é"));
    CU_ASSERT(folds_to("é\xe2\x80\xa8" "é\xe1\x9a\x80" "é", "é é é"));
    CU_ASSERT(folds_to("\xe3\x80\x80", ""));
}

/* ASCII takes a way of its own, which must not differ from the general one. */
static void both_ways_agree(void)
{
    for (int c = 1; c < 0x80; c++) {
        char plain[] = {'a', (char)c, (char)c, 'Z', 0};
        char marked[8];
        snprintf(marked, sizeof marked, "%s\xc3\xa9", plain);
        struct buffer one = BUFFER_EMPTY;
        struct buffer two = BUFFER_EMPTY;
        CU_ASSERT_EQUAL(fold_append(&one, slice_text(plain)), RESULT_OK);
        CU_ASSERT_EQUAL(fold_append(&two, slice_text(marked)), RESULT_OK);
        buffer_append_text(&one, "\xc3\xa9");
        CU_ASSERT(slice_equal(buffer_slice(&one), buffer_slice(&two)));
        buffer_free(&one);
        buffer_free(&two);
    }
}

static void folding_twice_changes_nothing(void)
{
    static const char *const names[] = {"Ｂéla  BARTÓK", "ǅ ŉ ΐ ẞ ﬃ", "\xc2\xa8", "Ⅻ ㎏ ｱﾞ"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buffer once = BUFFER_EMPTY;
        struct buffer twice = BUFFER_EMPTY;
        CU_ASSERT_EQUAL(fold_append(&once, slice_text(names[i])), RESULT_OK);
        CU_ASSERT_EQUAL(fold_append(&twice, buffer_slice(&once)), RESULT_OK);
        CU_ASSERT(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
        buffer_free(&once);
        buffer_free(&twice);
    }
}

static void refuses_broken_utf8_and_appends_nothing(void)
{
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer to = BUFFER_EMPTY;
        buffer_append_text(&to, "kept");
        CU_ASSERT_EQUAL(fold_append(&to, slice_text(bad[i])), RESULT_INVALID);
        CU_ASSERT(slice_is(buffer_slice(&to), "kept"));
        buffer_free(&to);
    }
}

static void copies_what_it_folds(void)
{
    static const char *const names[] = {"", " ", "Ann", "  B  \t c ", "\xc3\x89 T\xc3\xa9"};
    struct arena *arena = arena_create();
    struct slice copy;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buffer to = BUFFER_EMPTY;
        CU_ASSERT_EQUAL(fold_append(&to, slice_text(names[i])), RESULT_OK);
        CU_ASSERT_EQUAL(fold_copy(arena, slice_text(names[i]), &copy), RESULT_OK);
        CU_ASSERT(slice_equal(copy, buffer_slice(&to)));
        CU_ASSERT_EQUAL(copy.data[copy.size_bytes], '\0');
        buffer_free(&to);
    }
    CU_ASSERT_EQUAL(fold_copy(arena, slice_text("a\xc3"), &copy), RESULT_INVALID);
    arena_destroy(&arena);
}

/* Ids are stored, so these values may never change. */
static void hashes_are_for_ever(void)
{
    unsigned char uuid[16];
    char text[UUID_TEXT_SIZE];
    hash_uuid(slice_text(""), uuid);
    text_format_uuid(uuid, text);
    CU_ASSERT_STRING_EQUAL(text, "99aa06d3-0147-88d8-a001-c324468d497f");
    hash_uuid(slice_text("clara schumann"), uuid);
    text_format_uuid(uuid, text);
    CU_ASSERT_STRING_EQUAL(text, "c981d2bd-4142-81b8-bdbc-9e5d19d1470e");
    CU_ASSERT_EQUAL(hash_64(slice_text("")), UINT64_C(0x2d06800538d394c2));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(folds_ascii),
        UNIT_TEST(folds_case_by_unicode),
        UNIT_TEST(folds_width_and_composition),
        UNIT_TEST(collapses_all_blanks),
        UNIT_TEST(both_ways_agree),
        UNIT_TEST(folding_twice_changes_nothing),
        UNIT_TEST(refuses_broken_utf8_and_appends_nothing),
        UNIT_TEST(copies_what_it_folds),
        UNIT_TEST(hashes_are_for_ever),
    };
    return unit_run("fold", tests, sizeof tests / sizeof *tests);
}
