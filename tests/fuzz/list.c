/*
 * list_open(), and what is then read of the list.
 */
#include "base/bytes.h"
#include "fuzz.h"
#include "view/list.h"

const char fuzz_target[] = "list";

/* Whatever the table tells, no entry lies outside. */
static void check_bounds(const struct list *list)
{
    for (size_t first = 0; first < list->count; first++) {
        fuzz_assert_within(list_entries(list, first, first + 1), list->entries);
        fuzz_assert_within(list_entries(list, first, list->count), list->entries);
        fuzz_assert_within(list_entries(list, 0, first + 1), list->entries);
    }
}

/* Whether each entry ends behind where it begins: a list as it is made. */
static bool is_sound(const struct list *list)
{
    size_t from = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t end = bytes_get_u32(list->table + 12 * i + 8);
        if (end < from || end > list->entries.size_bytes) {
            return false;
        }
        from = end + 1;
    }
    return true;
}

/* Every entry lies behind the one before, with one byte between, and together they are the whole. */
static void check_entries(const struct list *list)
{
    const char *end = NULL;
    for (size_t i = 0; i < list->count; i++) {
        struct slice entry = list_entries(list, i, i + 1);
        fuzz_assert_within(entry, list->entries);
        assert(entry.data == (i == 0 ? list->entries.data : end + 1));
        end = entry.data + entry.size_bytes;
        struct slice tail = list_entries(list, i, list->count);
        fuzz_assert_within(tail, list->entries);
        assert(tail.data == entry.data
               && tail.data + tail.size_bytes == list->entries.data + list->entries.size_bytes);
        assert(list_entries(list, i, i).size_bytes == 0);
    }
    assert(slice_equal(list_entries(list, 0, list->count), list->entries));
}

static void check_same_bytes(const struct list *list, struct slice payload)
{
    struct buffer again = BUFFER_EMPTY;
    bytes_append_u64(&again, list->total);
    bytes_append_u32(&again, (uint32_t)list->count);
    bytes_append_u32(&again, (uint32_t)list->meta.size_bytes);
    for (size_t i = 0; i < list->count; i++) {
        bytes_append_u64(&again, (uint64_t)list_key(list, i));
        bytes_append_u32(&again, (uint32_t)list_entries(list, 0, i + 1).size_bytes);
    }
    buffer_append_slice(&again, list->meta);
    buffer_append_slice(&again, list->entries);
    assert(again.failed || slice_equal(buffer_slice(&again), payload));
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct slice payload = fuzz_slice(bytes, size_bytes);
    struct list list;
    struct error error;
    if (list_open(payload, &list, &error) == RESULT_OK) {
        fuzz_assert_within(list.meta, payload);
        fuzz_assert_within(list.entries, payload);
        check_bounds(&list);
        if (is_sound(&list)) {
            check_entries(&list);
            check_same_bytes(&list, payload);
        }
    }
    return 0;
}
