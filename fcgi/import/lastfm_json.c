/*
 * Last.fm's answers to user.getRecentTracks, as tools that go through the whole history keep them:
 * each page as it came, all pages in one array, or what is within "recenttracks" of each. What is
 * playing comes first on a page, without a date. A list of one track may be that track alone.
 */
#include "base/text.h"
#include "import/play.h"

/* With extended=1 the artist has a "name" instead of "#text". */
static const struct play_member members[] = {
    {PLAY_TIME, {"date", "uts"}},
    {PLAY_TIME_SPELT, {"date", "#text"}},
    {PLAY_ARTIST, {"artist", "#text"}},
    {PLAY_ARTIST, {"artist", "name"}},
    {PLAY_TRACK, {"name"}},
    {PLAY_RELEASE, {"album", "#text"}},
    {PLAY_RELEASE, {"album", "title"}},
    {PLAY_DURATION_S, {"duration"}},
    {PLAY_ARTIST_MBIDS, {"artist", "mbid"}},
    {PLAY_TRACK_MBID, {"mbid"}},
    {PLAY_RELEASE_MBID, {"album", "mbid"}},
    {PLAY_LOVED, {"loved"}},
    {PLAY_URL, {"url"}},
};

static const struct play_names names = {
    .time = "date.uts",
    .artist = "artist.#text (or artist.name)",
    .track = "name",
};

static bool is_playing(struct slice record)
{
    static const char *const way[] = {"@attr", "nowplaying"};
    struct slice value;
    return play_find(record, way, 2, &value)
           && (slice_is(value, "\"true\"") || slice_is(value, "true"));
}

/* Last.fm tells durations in seconds in some of its answers and in milliseconds in others. No track
 * lasts for three hours, and none is over within ten seconds. */
static void settle_duration(struct play *play)
{
    int64_t duration;
    if (text_parse_int(play->texts[PLAY_DURATION_S], &duration) && duration >= 10000) {
        play->texts[PLAY_DURATION_MS] = play->texts[PLAY_DURATION_S];
    }
}

static enum result translate(struct import_context *context, struct slice record,
                             struct buffer *listen, enum import_row *row, struct error *error)
{
    struct play play;
    enum result result = play_read(context, record, members, sizeof members / sizeof *members,
                                   &play, row, error);
    if (result != RESULT_OK || *row != IMPORT_LISTEN) {
        return result;
    }
    if (is_playing(record)) {
        return import_skip(row, error, "playing now");
    }
    settle_duration(&play);
    play.texts[PLAY_SERVICE] = slice_text("last.fm");
    return play_write(&play, &names, listen, row, error);
}

/* Whether there are tracks, with an artist each, so many containers deep. */
static bool has_tracks(struct slice head, size_t depth)
{
    return import_has_key(head, depth, "track")
           && (import_has_key(head, depth + 2, "artist")
               || import_has_key(head, depth + 1, "artist"));
}

static bool knows_list(struct slice head)
{
    return import_begins(head, '[') && has_tracks(head, 2);
}

static bool knows_page(struct slice head)
{
    return import_begins(head, '{') && has_tracks(head, 1);
}

static bool knows_answers(struct slice head)
{
    return import_begins(head, '[') && import_has_key(head, 2, "recenttracks");
}

static bool knows_answer(struct slice head)
{
    return import_begins(head, '{') && import_has_key(head, 1, "recenttracks");
}

static const char *const list_path[] = {"[]", "track", "[]?", NULL};
static const char *const page_path[] = {"track", "[]?", NULL};
static const char *const answers_path[] = {"[]", "recenttracks", "track", "[]?", NULL};
static const char *const answer_path[] = {"recenttracks", "track", "[]?", NULL};

const struct import_format import_lastfm_list = {
    .name = "Last.fm export (JSON array of pages)",
    .path = list_path,
    .knows = knows_list,
    .translate = translate,
};

const struct import_format import_lastfm_page = {
    .name = "Last.fm export (one JSON page)",
    .path = page_path,
    .knows = knows_page,
    .translate = translate,
};

const struct import_format import_lastfm_answers = {
    .name = "Last.fm API answers (JSON array)",
    .path = answers_path,
    .knows = knows_answers,
    .translate = translate,
};

const struct import_format import_lastfm_answer = {
    .name = "Last.fm API answer (JSON)",
    .path = answer_path,
    .knows = knows_answer,
    .translate = translate,
};
