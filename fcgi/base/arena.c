#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

/* Each block is twice as large as the one before: whoever needs much gets blocks of a size that malloc
 * gives back to the system, and leaves no holes between what others hold. */
enum { block_bytes = 16 * 1024, block_max_bytes = 1024 * 1024 };

struct block {
    struct block *next;
    size_t room_bytes;
    size_t used_bytes;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *current; /* newest first; the last one is the first that was made */
};

static struct block *block_create(size_t room_bytes, struct block *next)
{
    struct block *block = malloc(sizeof *block + room_bytes);
    if (block != NULL) {
        *block = (struct block){.next = next, .room_bytes = room_bytes};
    }
    return block;
}

struct arena *arena_create(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        return NULL;
    }
    arena->current = block_create(block_bytes, NULL);
    if (arena->current == NULL) {
        free(arena);
        return NULL;
    }
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->current->next != NULL) {
        struct block *block = arena->current;
        arena->current = block->next;
        free(block);
    }
    arena->current->used_bytes = 0;
}

void arena_destroy(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    arena_reset(*arena);
    free((*arena)->current);
    free(*arena);
    *arena = NULL;
}

static size_t next_room(const struct block *current, size_t size)
{
    size_t room = 2 * current->room_bytes;
    room = room < block_max_bytes ? room : block_max_bytes;
    return size > room ? size : room;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t align = alignof(max_align_t);
    size_t size = (size_bytes + align - 1) / align * align;
    if (arena->current->room_bytes - arena->current->used_bytes < size) {
        struct block *block = block_create(next_room(arena->current, size), arena->current);
        if (block == NULL) {
            return NULL;
        }
        arena->current = block;
    }
    void *data = arena->current->data + arena->current->used_bytes;
    arena->current->used_bytes += size;
    return memset(data, 0, size);
}

char *arena_copy(struct arena *arena, struct slice slice)
{
    char *copy = arena_alloc(arena, slice.size_bytes + 1);
    if (copy != NULL && slice.size_bytes > 0) {
        memcpy(copy, slice.data, slice.size_bytes);
    }
    return copy;
}
