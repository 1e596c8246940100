/*
 * Audioscrobbler's portable player log, .scrobbler.log, 1.0 and 1.1: a head of lines that begin
 * with #, then a line a play: artist, album, track, its number, its length in seconds, L or S for
 * listened or skipped, time, and from 1.1 on an MBID, parted by tabs and never quoted. Players write
 * what taggers call MUSICBRAINZ_TRACKID, and that is a recording's MBID. Under #TZ/UNKNOWN the time
 * is the player's own clock; it is taken for UTC, since nothing tells what it was set to.
 */
#include "base/text.h"
#include "import/columns.h"
#include "import/play.h"

#include <stdio.h>

enum { COLUMNS_MIN = 7, COLUMNS_MAX = 8 };
enum { RATING = 5 };

static const enum play_field fields[COLUMNS_MAX] = {
    PLAY_ARTIST,     PLAY_RELEASE, PLAY_TRACK, PLAY_TRACK_NUMBER,
    PLAY_DURATION_S, PLAY_FIELDS,  PLAY_TIME,  PLAY_RECORDING_MBID,
};

static const struct play_names names = {
    .time = "the seventh column",
    .artist = "the first column, the artist,",
    .track = "the third column, the track,",
};

static const char sign[] = "#AUDIOSCROBBLER/";

static bool begins(struct slice line, const char *with)
{
    return line.size_bytes >= strlen(with) && memcmp(line.data, with, strlen(with)) == 0;
}

/* Of the head. There are artists whose names begin with #, but their lines have columns. */
static bool is_note(struct slice line)
{
    return begins(line, "#ARTIST\t")
           || (begins(line, "#") && memchr(line.data, '\t', line.size_bytes) == NULL);
}

/* The player, without what its version control has left in the name. */
static void note_client(struct import_file *file, struct slice line)
{
    static const char client[] = "#CLIENT/";
    static const char revision[] = "$Revision$";
    if (!begins(line, client) || !text_is_utf8(line)) {
        return;
    }
    struct slice name = slice_of(line.data + strlen(client), line.size_bytes - strlen(client));
    const char *end = name.size_bytes == 0
                          ? NULL
                          : memmem(name.data, name.size_bytes, revision, strlen(revision));
    name.size_bytes = end == NULL ? name.size_bytes : (size_t)(end - name.data);
    name = text_trim(text_start(name, sizeof file->client - 1));
    snprintf(file->client, sizeof file->client, "%.*s", SLICE_ARGS(name));
}

static size_t begin(struct import_context *context, struct slice head)
{
    struct slice rest = head;
    struct slice line;
    size_t taken = 0;
    while (import_take_line(&rest, &line) && is_note(line)) {
        note_client(&context->file, line);
        taken = head.size_bytes - rest.size_bytes;
    }
    return taken;
}

/* Listens, and what else the line's columns say of it. */
static enum result write_play(struct import_context *context, const struct slice *columns,
                              size_t count, struct buffer *listen, enum import_row *row,
                              struct error *error)
{
    struct play play = {.texts[PLAY_CLIENT] = slice_text(context->file.client)};
    for (size_t i = 0; i < count; i++) {
        if (fields[i] != PLAY_FIELDS) {
            play.texts[fields[i]] = columns[i];
        }
    }
    if (slice_is(play.texts[PLAY_ARTIST], "<Untagged>")) {
        return import_refuse(row, error, "the player knew no artist, it wrote <Untagged>");
    }
    return play_write(&play, &names, listen, row, error);
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    if (is_note(record)) { /* logs that were put together */
        note_client(&context->file, record);
        return import_skip(row, error, "a note of the player");
    }
    if (!text_is_utf8(record)) {
        return import_refuse(row, error, "the line is not UTF-8");
    }
    struct slice columns[COLUMNS_MAX];
    size_t count = columns_split(record, '\t', columns, COLUMNS_MAX);
    if (count < COLUMNS_MIN || count > COLUMNS_MAX) {
        return import_refuse(row, error,
                             "%d or %d columns parted by tabs are expected, there are %zu",
                             (int)COLUMNS_MIN, (int)COLUMNS_MAX, count);
    }
    if (slice_is(columns[RATING], "S")) {
        return import_skip(row, error, "skipped by the listener");
    }
    if (!slice_is(columns[RATING], "L")) {
        return import_refuse(row, error,
                             "the sixth column must be L (listened to) or S (skipped)");
    }
    return write_play(context, columns, count, listen, row, error);
}

static bool knows(struct slice head)
{
    return begins(head, sign);
}

const struct import_format import_audioscrobbler = {
    .name = "Audioscrobbler log (.scrobbler.log)",
    .begin = begin,
    .knows = knows,
    .translate = translate,
};
