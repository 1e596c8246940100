/*
 * The data set Last.fm-1K: one line a listen, of many people: user, time, artist MBID, artist,
 * track MBID, track, parted by tabs and never quoted. Its track MBIDs of 2009 are what MusicBrainz
 * calls recordings since 2011.
 */
#include "base/text.h"
#include "import/columns.h"

enum { USER = 0, TIME = 1, COLUMNS = 6 };

static const enum play_field fields[COLUMNS] = {
    PLAY_FIELDS, PLAY_TIME, PLAY_ARTIST_MBIDS, PLAY_ARTIST, PLAY_RECORDING_MBID, PLAY_TRACK,
};

static const struct play_names names = {
    .time = "the second column",
    .artist = "the fourth column, the artist,",
    .track = "the sixth column, the track,",
};

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct slice columns[COLUMNS];
    size_t count = columns_split(record, '\t', columns, COLUMNS);
    if (count != COLUMNS) {
        return import_refuse(row, error, "%d columns parted by tabs are expected, there are %zu",
                             (int)COLUMNS, count);
    }
    if (!text_is_utf8(record)) {
        return import_refuse(row, error, "the line is not UTF-8");
    }
    bool wanted = false;
    enum result result = columns_choose_user(context, columns[USER], &wanted, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (!wanted) {
        return import_skip(row, error, "another listener's");
    }
    struct play play = {.texts[PLAY_SERVICE] = slice_text("last.fm")};
    for (size_t i = TIME; i < COLUMNS; i++) {
        play.texts[fields[i]] = columns[i];
    }
    return play_write(&play, &names, listen, row, error);
}

/* A table with a header tells itself what its columns are. */
static bool knows(struct slice head)
{
    struct import_file table;
    size_t end;
    if (columns_find_header(head, &table, &end)) {
        return false;
    }
    struct slice line;
    while (import_take_line(&head, &line)) {
        struct slice columns[COLUMNS];
        int64_t time_s;
        if (columns_split(line, '\t', columns, COLUMNS) == COLUMNS
            && text_parse_time(columns[TIME], &time_s)) {
            return true;
        }
    }
    return false;
}

const struct import_format import_lastfm1k = {
    .name = "Last.fm-1K (tab-separated)",
    .knows = knows,
    .translate = translate,
};
