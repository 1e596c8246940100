/*
 * Maloja's export: {"maloja": …, "scrobbles": […]}; the first releases that exported (2022) wrote
 * neither "maloja" nor albums. "length" is the track's, "duration" what was played of it, both in
 * seconds.
 */
#include "import/play.h"

static const struct play_member members[] = {
    {PLAY_TIME, {"time"}},
    {PLAY_ARTIST, {"track", "artists"}}, /* where it is one name and no list */
    {PLAY_TRACK, {"track", "title"}},
    {PLAY_RELEASE, {"track", "album", "albumtitle"}},
    {PLAY_CLIENT, {"origin"}},
    {PLAY_DURATION_S, {"track", "length"}},
    {PLAY_PLAYED_S, {"duration"}},
};

static const struct play_names names = {
    .time = "time",
    .artist = "track.artists[0]",
    .track = "track.title",
};

/* The names of an array of them, joined; nothing where there is none. */
static enum result read_artists(struct slice record, const char *const way[3], struct arena *arena,
                                struct play *play)
{
    struct slice list;
    if (!play_find(record, way, 3, &list) || jtext_kind(list) != JSON_ARRAY) {
        return RESULT_OK;
    }
    struct play_artists artists = {0};
    struct jtext_cursor cursor = {0};
    struct slice item;
    enum result result = RESULT_OK;
    while (result == RESULT_OK && jtext_next_item(list, &cursor, &item)) {
        struct slice name;
        result = play_text(item, arena, &name);
        if (result == RESULT_OK) {
            play_artists_add(&artists, name, slice_of(NULL, 0));
        }
    }
    enum result ended = play_artists_end(&artists, arena, play);
    return result == RESULT_OK ? ended : result;
}

/* Those of the album are told where they are others. */
static enum result read_all_artists(struct slice record, struct arena *arena, struct play *play)
{
    static const char *const of_track[] = {"track", "artists", NULL};
    static const char *const of_album[] = {"track", "album", "artists"};
    struct play album = {0};
    enum result result = read_artists(record, of_track, arena, play);
    if (result == RESULT_OK) {
        result = read_artists(record, of_album, arena, &album);
    }
    if (!slice_equal(album.texts[PLAY_ARTIST], play->texts[PLAY_ARTIST])) {
        play->texts[PLAY_RELEASE_ARTIST] = album.texts[PLAY_ARTIST];
    }
    return result;
}

/* "client:NAME" or "import:NAME" is the name, as ListenBrainz' importer has it. */
static struct slice client_of(struct slice origin)
{
    const char *colon = origin.size_bytes == 0 ? NULL
                                               : memrchr(origin.data, ':', origin.size_bytes);
    size_t before = colon == NULL ? 0 : (size_t)(colon + 1 - origin.data);
    return slice_of(origin.data + before, origin.size_bytes - before);
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct play play;
    enum result result = play_read(context, record, members, sizeof members / sizeof *members,
                                   &play, row, error);
    if (result == RESULT_OK && *row == IMPORT_LISTEN) {
        result = read_all_artists(record, context->row_arena, &play);
    }
    if (result != RESULT_OK || *row != IMPORT_LISTEN) {
        return result;
    }
    play.texts[PLAY_CLIENT] = client_of(play.texts[PLAY_CLIENT]);
    return play_write(&play, &names, listen, row, error);
}

static bool knows(struct slice head)
{
    return import_begins(head, '{') && import_has_key(head, 1, "scrobbles")
           && import_has_key(head, 4, "title");
}

static const char *const path[] = {"scrobbles", "[]", NULL};

const struct import_format import_maloja = {
    .name = "Maloja export (JSON)",
    .path = path,
    .knows = knows,
    .translate = translate,
};
