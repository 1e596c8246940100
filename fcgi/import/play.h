/*
 * Private to import/: what a row of a file tells about a play, in the words that ListenBrainz has
 * for it, and how a listen is made of that.
 */
#ifndef REFRAIN_IMPORT_PLAY_H
#define REFRAIN_IMPORT_PLAY_H

#include "import/format.h"
#include "json/json.h"

enum play_field {
    PLAY_TIME,
    PLAY_TIME_SPELT, /* the same again for people; counts where the other is empty */
    PLAY_ARTIST,
    PLAY_TRACK,
    PLAY_RELEASE,
    /* From here on members of additional_info. */
    PLAY_SERVICE,
    PLAY_CLIENT, /* that noted the play */
    PLAY_PLAYER,
    PLAY_DURATION_S,
    PLAY_DURATION_MS,
    PLAY_PLAYED_S,
    PLAY_TRACK_NUMBER,
    PLAY_DISC_NUMBER,
    PLAY_RELEASE_ARTIST,
    PLAY_ARTIST_NAMES, /* a JSON array */
    PLAY_ARTIST_MBIDS, /* a JSON array, or one MBID as text */
    PLAY_RECORDING_MBID,
    PLAY_TRACK_MBID,
    PLAY_RELEASE_MBID,
    PLAY_RELEASE_GROUP_MBID,
    PLAY_ISRC,
    PLAY_LOVED,
    PLAY_URL,
    PLAY_FIELDS,
};

struct play {
    struct slice texts[PLAY_FIELDS]; /* empty: the file doesn't tell */
    struct jmembers others;          /* further members of additional_info; the values are texts */
};

/* What a format calls the fields that must be there, for the reasons of refusals. */
struct play_names {
    const char *time;
    const char *artist;
    const char *track;
};

/* Appends the listen, or refuses the row where its time or a name is missing, or where it is longer
 * than a listen that is submitted may be. Zero stands for a number that is unknown. Other values are
 * checked afterwards (struct import_format). */
enum result play_write(const struct play *play, const struct play_names *names,
                       struct buffer *listen, enum import_row *row,
                       struct error *error) MUST_CHECK;

/* Where a JSON record has a field: the names of the members on the way to it. */
struct play_member {
    enum play_field field;
    const char *path[4];
};

/* Reads the members that are there; where two rows name a field, the first that is not empty
 * counts. A record that is no object, or not JSON, is refused: *row. */
enum result play_read(struct import_context *context, struct slice record,
                      const struct play_member *members, size_t count, struct play *play,
                      enum import_row *row, struct error *error) MUST_CHECK;

/* The text of a JSON string, number or truth value, in the arena; empty for anything else. */
enum result play_text(struct slice value, struct arena *arena, struct slice *text) MUST_CHECK;

/* The value at the end of such a way; false where there is none. */
bool play_find(struct slice object, const char *const *path, size_t steps_max,
               struct slice *value);

/* Several artists of one recording. Zero it, add them in their order, and end it, which gives the
 * play its artist, "A, B" as ListenBrainz' importers join them, and further down the single names
 * and the MBIDs, as far as they are known. */
struct play_artists {
    struct buffer joined;
    struct buffer names;
    struct buffer mbids;
    size_t count;
};
void play_artists_add(struct play_artists *artists, struct slice name, struct slice mbid);
/* Frees what `artists` holds. */
enum result play_artists_end(struct play_artists *artists, struct arena *arena,
                             struct play *play) MUST_CHECK;

/* A time in any of the forms that exports have: seconds or milliseconds since 1970, ISO 8601
 * (text_parse_time()), or "1 Jan 2023, 12:00" with or without comma and seconds, all in UTC. */
bool play_parse_time(struct slice text, int64_t *time_s);
/* The last of these forms only. */
bool play_parse_spelt_time(struct slice text, int64_t *time_s);

#endif
