#include "unit.h"

#include "base/arena.h"
#include "base/buffer.h"

#include <stdalign.h>

/* ── buffer ── */

static void appends_all_kinds(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append_text(&buffer, "a=");
    buffer_append_int(&buffer, -42);
    buffer_append_char(&buffer, ' ');
    buffer_append_slice(&buffer, slice_of("xyz", 2));
    buffer_append_format(&buffer, " %s-%03d", "f", 7);
    buffer_append(&buffer, "\0!", 2);
    CU_ASSERT_EQUAL(buffer.size_bytes, 16);
    CU_ASSERT_EQUAL(memcmp(buffer.data, "a=-42 xy f-007\0!", 17), 0);
    CU_ASSERT_EQUAL(buffer_result(&buffer), RESULT_OK);
    buffer_free(&buffer);
}

static void writes_extreme_integers(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append_int(&buffer, INT64_MIN);
    buffer_append_char(&buffer, ' ');
    buffer_append_int(&buffer, INT64_MAX);
    buffer_append_char(&buffer, ' ');
    buffer_append_int(&buffer, 0);
    CU_ASSERT_STRING_EQUAL(buffer.data, "-9223372036854775808 9223372036854775807 0");
    buffer_free(&buffer);
}

static void is_terminated_and_grows(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    CU_ASSERT(slice_is(buffer_slice(&buffer), ""));
    buffer_append(&buffer, NULL, 0);
    for (int i = 0; i < 100000; i++) {
        buffer_append_char(&buffer, (char)('a' + i % 26));
        if (i % 9973 == 0) {
            CU_ASSERT_EQUAL(buffer.data[i + 1], '\0');
        }
    }
    CU_ASSERT_EQUAL(buffer.size_bytes, 100000);
    CU_ASSERT_EQUAL(buffer.data[99999], 'a' + 99999 % 26);
    buffer_free(&buffer);
    CU_ASSERT_PTR_NULL(buffer.data);
}

static void keeps_its_room_when_cleared(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append_format(&buffer, "%1000d", 1);
    size_t room = buffer.room_bytes;
    buffer_clear(&buffer);
    CU_ASSERT_EQUAL(buffer.size_bytes, 0);
    CU_ASSERT_EQUAL(buffer.room_bytes, room);
    CU_ASSERT_STRING_EQUAL(buffer.data, "");
    buffer_free(&buffer);
}

static void latches_a_failure_until_cleared(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append_text(&buffer, "kept");
    CU_ASSERT_PTR_NULL(buffer_reserve(&buffer, SIZE_MAX / 2));
    buffer_append_text(&buffer, " dropped");
    buffer_append_format(&buffer, "%d", 1);
    CU_ASSERT_EQUAL(buffer_result(&buffer), RESULT_NO_MEMORY);
    CU_ASSERT_STRING_EQUAL(buffer.data, "kept");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "again");
    CU_ASSERT_EQUAL(buffer_result(&buffer), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(buffer.data, "again");
    buffer_free(&buffer);
}

static void lends_room(void)
{
    struct buffer buffer = BUFFER_EMPTY;
    char *room = buffer_reserve(&buffer, 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    memcpy(room, "abc", 3);
    buffer_grown(&buffer, 3);
    CU_ASSERT_STRING_EQUAL(buffer.data, "abc");
    buffer_free(&buffer);
}

/* ── arena ── */

static void gives_zeroed_aligned_memory(void)
{
    struct arena *arena = arena_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    for (size_t size = 0; size < 70; size++) {
        unsigned char *data = arena_alloc(arena, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        CU_ASSERT_EQUAL((uintptr_t)data % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            CU_ASSERT_EQUAL(data[i], 0);
            data[i] = 0xff;
        }
    }
    arena_destroy(&arena);
    CU_ASSERT_PTR_NULL(arena);
    arena_destroy(&arena);
}

static void keeps_what_it_gave(void)
{
    struct arena *arena = arena_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    enum { count = 2000 };
    int *kept[count];
    for (int i = 0; i < count; i++) {
        /* Some larger than a block. */
        size_t size = i % 100 == 99 ? 100000 : sizeof(int) * (size_t)(1 + i % 30);
        kept[i] = arena_alloc(arena, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(kept[i]);
        *kept[i] = i;
    }
    bool all = true;
    for (int i = 0; i < count; i++) {
        all = all && *kept[i] == i;
    }
    CU_ASSERT(all);
    arena_destroy(&arena);
}

static void is_zeroed_again_after_a_reset(void)
{
    struct arena *arena = arena_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    char *first = arena_alloc(arena, 1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    memset(first, 'x', 1000);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(arena, 1000000));
    arena_reset(arena);
    char *again = arena_alloc(arena, 1000);
    CU_ASSERT_PTR_EQUAL(again, first);
    CU_ASSERT(again[0] == 0 && again[999] == 0);
    arena_destroy(&arena);
}

static void copies_slices(void)
{
    struct arena *arena = arena_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
    CU_ASSERT_STRING_EQUAL(arena_copy(arena, slice_of("abcdef", 3)), "abc");
    CU_ASSERT_STRING_EQUAL(arena_copy(arena, slice_of(NULL, 0)), "");
    CU_ASSERT_PTR_NULL(arena_alloc(arena, SIZE_MAX));
    CU_ASSERT_PTR_NULL(arena_alloc(arena, SIZE_MAX / 2 + 1));
    arena_destroy(&arena);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(appends_all_kinds),
        UNIT_TEST(writes_extreme_integers),
        UNIT_TEST(is_terminated_and_grows),
        UNIT_TEST(keeps_its_room_when_cleared),
        UNIT_TEST(latches_a_failure_until_cleared),
        UNIT_TEST(lends_room),
        UNIT_TEST(gives_zeroed_aligned_memory),
        UNIT_TEST(keeps_what_it_gave),
        UNIT_TEST(is_zeroed_again_after_a_reset),
        UNIT_TEST(copies_slices),
    };
    return unit_run("memory", tests, sizeof tests / sizeof *tests);
}
