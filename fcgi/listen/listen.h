/*
 * A listen: somebody heard a recording at a time. This is the form that every way in (submission,
 * import, sample) produces and that batches store.
 */
#ifndef REFRAIN_LISTEN_LISTEN_H
#define REFRAIN_LISTEN_LISTEN_H

#include "base/arena.h"
#include "base/result.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    LISTEN_TIME_MIN_S = 1033430400, /* 2002-10-01 00:00 UTC */
    LISTEN_FUTURE_MAX_S = 3600,
    LISTENS_PER_REQUEST_MAX = 1000,
    LISTEN_BODY_MAX_BYTES = 10240000,
    LISTEN_AVERAGE_MAX_BYTES = 10240,
};

/* Texts are trimmed UTF-8 without NUL and belong to whoever made the listen. MBIDs are canonical
 * UUID texts, empty where unknown. */
struct listen {
    int64_t listened_at_s;
    struct slice artist_name;
    struct slice track_name;
    struct slice release_name; /* empty: unknown */
    int64_t duration_ms;       /* 0: unknown */
    struct slice client;       /* submission_client, empty: unknown */
    struct slice info;         /* additional_info but for that: one flat JSON object, or empty */
    struct slice metadata;     /* further members of track_metadata: one JSON object, or empty */
    struct slice artist_mbids; /* "{uuid,uuid}", or empty, also where there are over 100 */
    struct slice recording_mbid;
    struct slice release_mbid;
    struct slice release_group_mbid;
};

/* The ids of a listen: the UUIDv8 of the folded names joined by U+001F, and its first 63 bits. */
struct listen_id {
    unsigned char msid[16];
    int64_t id;
};
struct listen_ids {
    struct listen_id artist;    /* (artist) */
    struct listen_id release;   /* (artist, release); unset where there is no release */
    struct listen_id recording; /* (artist, track, release or "") */
};

/* Also gives the folded names, for the catalogue; they live in the arena. */
struct listen_keys {
    struct slice artist;
    struct slice release;
    struct slice recording; /* of the track name */
};
/* RESULT_INVALID where a name is not UTF-8. */
enum result listen_identify(const struct listen *listen, struct arena *arena,
                            struct listen_ids *ids, struct listen_keys *keys) MUST_CHECK;
/* The same for an artist alone. */
enum result listen_identify_artist(struct slice name, struct arena *arena,
                                   struct listen_id *id) MUST_CHECK;

#endif
