#include "base/buffer.h"
#include "base/fold.h"
#include "base/hash.h"
#include "listen/listen.h"

/* The folded name in the arena. */
static enum result fold(struct slice name, struct buffer *scratch, struct arena *arena,
                        struct slice *key)
{
    buffer_clear(scratch);
    enum result result = fold_append(scratch, name);
    if (result != RESULT_OK) {
        return result;
    }
    *key = slice_of(arena_copy(arena, buffer_slice(scratch)), scratch->size_bytes);
    return key->data == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

/* A folded name never holds the separator: it counts as a blank there. */
static struct listen_id make_id(struct buffer *scratch, const struct slice *keys, size_t count)
{
    buffer_clear(scratch);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_append_char(scratch, '\x1f');
        }
        buffer_append_slice(scratch, keys[i]);
    }
    struct listen_id made;
    hash_uuid(buffer_slice(scratch), made.msid);
    uint64_t head = 0;
    for (size_t i = 0; i < sizeof head; i++) {
        head = head << 8 | made.msid[i];
    }
    made.id = (int64_t)(head >> 1);
    return made;
}

static enum result identify_with(struct buffer *scratch, const struct listen *listen,
                                 struct arena *arena, struct listen_ids *ids,
                                 struct listen_keys *keys)
{
    enum result result = fold(listen->artist_name, scratch, arena, &keys->artist);
    if (result == RESULT_OK) {
        result = fold(listen->track_name, scratch, arena, &keys->recording);
    }
    if (result == RESULT_OK) {
        result = fold(listen->release_name, scratch, arena, &keys->release);
    }
    if (result != RESULT_OK) {
        return result;
    }
    const struct slice release[] = {keys->artist, keys->release};
    const struct slice recording[] = {keys->artist, keys->recording, keys->release};
    *ids = (struct listen_ids){0};
    ids->artist = make_id(scratch, &keys->artist, 1);
    if (listen->release_name.size_bytes > 0) {
        ids->release = make_id(scratch, release, 2);
    }
    ids->recording = make_id(scratch, recording, 3);
    return buffer_result(scratch);
}

enum result listen_identify(const struct listen *listen, struct arena *arena,
                            struct listen_ids *ids, struct listen_keys *keys)
{
    struct buffer scratch = BUFFER_EMPTY;
    enum result result = identify_with(&scratch, listen, arena, ids, keys);
    buffer_free(&scratch);
    return result;
}

enum result listen_identify_artist(struct slice name, struct arena *arena, struct listen_id *id)
{
    struct buffer scratch = BUFFER_EMPTY;
    struct slice key;
    enum result result = fold(name, &scratch, arena, &key);
    if (result == RESULT_OK) {
        *id = make_id(&scratch, &key, 1);
        result = buffer_result(&scratch);
    }
    buffer_free(&scratch);
    return result;
}
