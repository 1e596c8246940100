/*
 * Private to listen/: the distinct artists, releases or recordings of a batch, found by msid.
 */
#ifndef REFRAIN_LISTEN_ENTITIES_H
#define REFRAIN_LISTEN_ENTITIES_H

#include "listen/listen.h"

enum { ENTITY_NONE = -1 }; /* ids are never negative */

struct entity {
    struct listen_id id;
    int64_t artist_id;       /* of releases and recordings */
    int64_t release_id;      /* of recordings; ENTITY_NONE where it is unknown */
    struct slice name;       /* as it was spelt first */
    struct slice key;        /* folded */
    struct slice mbid;       /* "{uuid,…}" for artists; empty where it is unknown */
    struct slice group_mbid; /* of releases */
};

/* All zero is an empty one. */
struct entities {
    struct entity *items;
    size_t count;
    size_t room;
    uint32_t *slots; /* index + 1 of items, open addressing */
    size_t slots_count;
};

/* Copies the entity's texts into the arena unless it is there already; MBIDs that were unknown are
 * filled in. Afterwards `entity` is as the set has it. RESULT_NO_MEMORY at worst, which leaves the
 * set fit for entities_clear() and entities_free() only. */
enum result entities_add(struct entities *entities, struct arena *arena,
                         struct entity *entity) MUST_CHECK;

/* Forgets all, keeps the room. */
void entities_clear(struct entities *entities);
void entities_free(struct entities *entities);

#endif
