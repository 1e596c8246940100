#include "listen/entities.h"

#include <stdlib.h>

void entities_clear(struct entities *entities)
{
    entities->count = 0;
    if (entities->slots_count > 0) {
        memset(entities->slots, 0, entities->slots_count * sizeof *entities->slots);
    }
}

void entities_free(struct entities *entities)
{
    free(entities->items);
    free(entities->slots);
    *entities = (struct entities){0};
}

/* The slot of the entity with this msid, or the empty one where it belongs. */
static uint32_t *find_slot(const struct entities *entities, const struct listen_id *id)
{
    /* The lowest bits hold the UUID's version, which is the same for all. */
    size_t at = (size_t)(id->id >> 16) & (entities->slots_count - 1);
    for (;;) {
        uint32_t *slot = &entities->slots[at];
        if (*slot == 0
            || memcmp(entities->items[*slot - 1].id.msid, id->msid, sizeof id->msid) == 0) {
            return slot;
        }
        at = (at + 1) & (entities->slots_count - 1);
    }
}

/* Room for one more, at most half of the slots in use. */
static enum result grow(struct entities *entities)
{
    if (entities->count < entities->room) {
        return RESULT_OK;
    }
    size_t room = entities->room == 0 ? 64 : 2 * entities->room;
    struct entity *items = realloc(entities->items, room * sizeof *items);
    if (items == NULL) {
        return RESULT_NO_MEMORY;
    }
    entities->items = items;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (slots == NULL) {
        return RESULT_NO_MEMORY;
    }
    free(entities->slots);
    entities->slots = slots;
    entities->slots_count = 2 * room;
    entities->room = room;
    for (size_t i = 0; i < entities->count; i++) {
        *find_slot(entities, &items[i].id) = (uint32_t)i + 1;
    }
    return RESULT_OK;
}

static enum result copy(struct arena *arena, struct slice *text)
{
    if (text->size_bytes > 0) {
        text->data = arena_copy(arena, *text);
    }
    return text->size_bytes > 0 && text->data == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static enum result fill(struct arena *arena, struct slice *known, struct slice text)
{
    if (known->size_bytes > 0) {
        return RESULT_OK;
    }
    *known = text;
    return copy(arena, known);
}

enum result entities_add(struct entities *entities, struct arena *arena, struct entity *entity)
{
    enum result result = grow(entities);
    if (result != RESULT_OK) {
        return result;
    }
    uint32_t *slot = find_slot(entities, &entity->id);
    if (*slot == 0) {
        struct entity *made = &entities->items[entities->count];
        *made = *entity;
        made->mbid = slice_of(NULL, 0);
        made->group_mbid = slice_of(NULL, 0);
        if (copy(arena, &made->name) != RESULT_OK || copy(arena, &made->key) != RESULT_OK) {
            return RESULT_NO_MEMORY;
        }
        *slot = (uint32_t)++entities->count;
    }
    struct entity *known = &entities->items[*slot - 1];
    result = fill(arena, &known->mbid, entity->mbid);
    if (result == RESULT_OK) {
        result = fill(arena, &known->group_mbid, entity->group_mbid);
    }
    *entity = *known;
    return result;
}
