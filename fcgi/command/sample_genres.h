/*
 * The genres of the sample catalogue, each with what its music is like.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_GENRES_H
#define REFRAIN_COMMAND_SAMPLE_GENRES_H

enum { SAMPLE_GENRE_TAGS = 3 };

struct sample_genre {
    const char *name;                    /* itself a tag; NULL ends the table */
    const char *tags[SAMPLE_GENRE_TAGS]; /* further tags that its artists may have; NULL: none */
    int bands;                           /* invented artists; 0: a genre of composers */
    int track_s;                         /* usual length of an invented track */
    int tracks_min, tracks_max;          /* of an invented release */
    int fans;                            /* how likely it is somebody's favourite */
};

extern const struct sample_genre sample_genres[];

#endif
