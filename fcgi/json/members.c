#include "json/json.h"

#include <assert.h>
#include <stdlib.h>

enum {
    few = 12, /* up to here, comparing each with each is quicker than sorting */
    first_room = 24,
};

static enum result grow(struct jmembers *members, struct arena *arena, size_t room)
{
    struct jmember *items = arena_alloc(arena, room * sizeof *items);
    if (items == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (members->count > 0) {
        memcpy(items, members->items, members->count * sizeof *items);
    }
    members->items = items;
    members->room = room;
    return RESULT_OK;
}

enum result jmembers_add(struct jmembers *members, struct arena *arena, struct slice key,
                         struct slice value)
{
    if (members->count == members->room
        && grow(members, arena, members->room == 0 ? first_room : 2 * members->room)
               != RESULT_OK) {
        return RESULT_NO_MEMORY;
    }
    members->items[members->count++] = (struct jmember){key, value};
    return RESULT_OK;
}

struct jmember *jmembers_find(const struct jmembers *members, const char *key)
{
    for (size_t i = 0; i < members->count; i++) {
        if (slice_is(members->items[i].key, key)) {
            return &members->items[i];
        }
    }
    return NULL;
}

static void remove_at(struct jmembers *members, size_t at)
{
    members->count--;
    memmove(&members->items[at], &members->items[at + 1],
            (members->count - at) * sizeof *members->items);
}

static void unite_few(struct jmembers *members)
{
    for (size_t i = 0; i < members->count; i++) {
        for (size_t j = i + 1; j < members->count;) {
            if (slice_equal(members->items[i].key, members->items[j].key)) {
                members->items[i].value = members->items[j].value;
                remove_at(members, j);
            } else {
                j++;
            }
        }
    }
}

/* By key, and where keys are equal by place. */
static int compare(const void *left, const void *right)
{
    const struct jmember *a = *(struct jmember *const *)left;
    const struct jmember *b = *(struct jmember *const *)right;
    size_t a_size = a->key.size_bytes;
    size_t b_size = b->key.size_bytes;
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common == 0 ? 0 : memcmp(a->key.data, b->key.data, common);
    if (order == 0) {
        order = (a_size > b_size) - (a_size < b_size);
    }
    return order != 0 ? order : (a > b) - (a < b);
}

/* Sorting, not hashing: keys come from strangers, who could choose them to clash. */
static enum result unite_many(struct jmembers *members, struct arena *arena)
{
    struct jmember **sorted = arena_alloc(arena, members->count * sizeof(struct jmember *));
    if (sorted == NULL) {
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < members->count; i++) {
        sorted[i] = &members->items[i];
    }
    qsort(sorted, members->count, sizeof *sorted, compare);
    struct jmember *first = sorted[0];
    for (size_t i = 1; i < members->count; i++) {
        if (slice_equal(first->key, sorted[i]->key)) {
            first->value = sorted[i]->value;
            sorted[i]->value = slice_of(NULL, 0);
        } else {
            first = sorted[i];
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].value.data != NULL) {
            members->items[kept++] = members->items[i];
        }
    }
    members->count = kept;
    return RESULT_OK;
}

enum result jmembers_unite(struct jmembers *members, struct arena *arena)
{
    if (members->count <= few) {
        unite_few(members);
        return RESULT_OK;
    }
    return unite_many(members, arena);
}

static size_t count_left(struct slice object, struct jtext_cursor cursor)
{
    size_t count = 0;
    struct slice key;
    struct slice value;
    while (jtext_next_member(object, &cursor, &key, &value)) {
        count++;
    }
    return count;
}

enum result jmembers_read(struct slice object, struct arena *arena, struct jmembers *members)
{
    /* The arena gets exactly what is needed, since strangers choose the sizes: a small object is
     * gathered here first, the members of a large one are counted before the rest is read. */
    struct jmember few_items[first_room];
    struct jtext_cursor cursor = {0};
    struct slice raw;
    struct slice value;
    *members = (struct jmembers){.items = few_items, .room = first_room};
    while (jtext_next_member(object, &cursor, &raw, &value)) {
        struct slice key;
        enum result result = jtext_unescape(raw, arena, &key);
        if (result == RESULT_OK && members->count == members->room) {
            result = grow(members, arena, first_room + 1 + count_left(object, cursor));
        }
        if (result == RESULT_OK) {
            result = jmembers_add(members, arena, key, value);
        }
        if (result != RESULT_OK) {
            return result;
        }
    }
    if (members->items == few_items
        && grow(members, arena, members->count) != RESULT_OK) {
        return RESULT_NO_MEMORY;
    }
    return jmembers_unite(members, arena);
}
