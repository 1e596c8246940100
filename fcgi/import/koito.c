/*
 * Koito's export: {"version": "1", …, "listens": […]}. Tracks, albums and artists have aliases, of
 * which the primary one is the name. Durations are in seconds.
 */
#include "import/play.h"

static const struct play_member members[] = {
    {PLAY_TIME, {"listened_at"}},
    {PLAY_CLIENT, {"client"}},
    {PLAY_DURATION_S, {"track", "duration"}},
    {PLAY_RECORDING_MBID, {"track", "mbid"}},
    {PLAY_RELEASE_MBID, {"album", "mbid"}},
};

static const struct play_names names = {
    .time = "listened_at",
    .artist = "artists[0].aliases[0].alias",
    .track = "track.aliases[0].alias",
};

/* The primary one, else the first; empty where there is none. */
static enum result read_alias(struct slice of, struct arena *arena, struct slice *name)
{
    static const char *const aliases[] = {"aliases"};
    static const char *const alias[] = {"alias"};
    static const char *const primary[] = {"is_primary"};
    struct slice list;
    *name = slice_of("", 0);
    if (!play_find(of, aliases, 1, &list) || jtext_kind(list) != JSON_ARRAY) {
        return RESULT_OK;
    }
    struct jtext_cursor cursor = {0};
    struct slice item;
    struct slice value;
    struct slice chosen = slice_text("null");
    bool is_primary = false;
    while (!is_primary && jtext_next_item(list, &cursor, &item)) {
        is_primary = play_find(item, primary, 1, &value) && slice_is(value, "true");
        bool is_first = slice_is(chosen, "null");
        if ((is_primary || is_first) && play_find(item, alias, 1, &value)) {
            chosen = value;
        }
    }
    return play_text(chosen, arena, name);
}

static enum result read_artist(struct slice artist, struct arena *arena,
                               struct play_artists *artists)
{
    static const char *const way[] = {"mbid"};
    struct slice name;
    struct slice value;
    struct slice mbid = slice_of(NULL, 0);
    enum result result = read_alias(artist, arena, &name);
    if (result == RESULT_OK && play_find(artist, way, 1, &value)) {
        result = play_text(value, arena, &mbid);
    }
    if (result == RESULT_OK) {
        play_artists_add(artists, name, mbid);
    }
    return result;
}

static enum result read_artists(struct slice record, struct arena *arena, struct play *play)
{
    static const char *const way[] = {"artists"};
    struct slice list;
    if (!play_find(record, way, 1, &list) || jtext_kind(list) != JSON_ARRAY) {
        return RESULT_OK;
    }
    struct play_artists artists = {0};
    struct jtext_cursor cursor = {0};
    struct slice item;
    enum result result = RESULT_OK;
    while (result == RESULT_OK && jtext_next_item(list, &cursor, &item)) {
        result = read_artist(item, arena, &artists);
    }
    enum result ended = play_artists_end(&artists, arena, play);
    return result == RESULT_OK ? ended : result;
}

static enum result read_names(struct slice record, struct arena *arena, struct play *play)
{
    static const char *const track[] = {"track"};
    static const char *const album[] = {"album"};
    static const char *const various[] = {"album", "various_artists"};
    struct slice value;
    enum result result = RESULT_OK;
    if (play_find(record, track, 1, &value)) {
        result = read_alias(value, arena, &play->texts[PLAY_TRACK]);
    }
    if (result == RESULT_OK && play_find(record, album, 1, &value)) {
        result = read_alias(value, arena, &play->texts[PLAY_RELEASE]);
    }
    if (play_find(record, various, 2, &value) && slice_is(value, "true")) {
        play->texts[PLAY_RELEASE_ARTIST] = slice_text("Various Artists");
    }
    return result == RESULT_OK ? read_artists(record, arena, play) : result;
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct play play;
    enum result result = play_read(context, record, members, sizeof members / sizeof *members,
                                   &play, row, error);
    if (result == RESULT_OK && *row == IMPORT_LISTEN) {
        result = read_names(record, context->row_arena, &play);
    }
    if (result != RESULT_OK || *row != IMPORT_LISTEN) {
        return result;
    }
    return play_write(&play, &names, listen, row, error);
}

static bool knows(struct slice head)
{
    return import_begins(head, '{') && import_has_key(head, 1, "listens")
           && import_has_key(head, 3, "listened_at") && import_has_key(head, 4, "aliases");
}

static const char *const path[] = {"listens", "[]", NULL};

const struct import_format import_koito = {
    .name = "Koito export (JSON)",
    .path = path,
    .knows = knows,
    .translate = translate,
};
