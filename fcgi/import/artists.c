#include "import/play.h"

static void append_item(struct buffer *list, struct slice text)
{
    buffer_append_char(list, list->size_bytes == 0 ? '[' : ',');
    jwrite_string(list, text);
}

void play_artists_add(struct play_artists *artists, struct slice name, struct slice mbid)
{
    if (name.size_bytes > 0) {
        buffer_append_text(&artists->joined, artists->joined.size_bytes == 0 ? "" : ", ");
        buffer_append_slice(&artists->joined, name);
        append_item(&artists->names, name);
        artists->count++;
    }
    if (mbid.size_bytes > 0) {
        append_item(&artists->mbids, mbid);
    }
}

static enum result keep(struct buffer *from, const char *end, struct arena *arena,
                        struct slice *text)
{
    if (from->size_bytes == 0) {
        return buffer_result(from);
    }
    buffer_append_text(from, end);
    *text = slice_of(arena_copy(arena, buffer_slice(from)), from->size_bytes);
    return text->data == NULL ? RESULT_NO_MEMORY : buffer_result(from);
}

enum result play_artists_end(struct play_artists *artists, struct arena *arena, struct play *play)
{
    enum result result = keep(&artists->joined, "", arena, &play->texts[PLAY_ARTIST]);
    if (result == RESULT_OK && artists->count > 1) {
        result = keep(&artists->names, "]", arena, &play->texts[PLAY_ARTIST_NAMES]);
    }
    if (result == RESULT_OK) {
        result = keep(&artists->mbids, "]", arena, &play->texts[PLAY_ARTIST_MBIDS]);
    }
    buffer_free(&artists->joined);
    buffer_free(&artists->names);
    buffer_free(&artists->mbids);
    return result;
}
