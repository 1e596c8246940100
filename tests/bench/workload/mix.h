/*
 * What a community does in a day: the endpoints, how often each is looked at, and the rhythm.
 */
#ifndef REFRAIN_BENCH_MIX_H
#define REFRAIN_BENCH_MIX_H

#include "base/buffer.h"

#include <stdbool.h>

/* How an endpoint's answers are judged. */
enum mix_kind {
    MIX_CACHED, /* most of them are to come from the cache */
    MIX_APART,  /* what hardly anybody asks for twice: told, but not judged */
    MIX_READ,   /* read from the database by key each time */
    MIX_WRITE,
};

/* A new endpoint is a row of mix_endpoints. */
struct mix_endpoint {
    const char *name;
    const char *service;
    enum mix_kind kind;
    int weight;       /* among the views of visitors */
    bool is_own;      /* the listener looks at it himself after a listen */
    /* {name} stands for the person; {range}, or {compared}: one that has another before it; {past}
     * for a time long ago, {from} and {to} for days of then; {artist} and {release} for the msids of
     * something that is heard. NULL: none, for it is written. */
    const char *path;
};

/* The first rows, which are asked for by name. */
enum {
    MIX_PLAYING_NOW, /* told by who begins to hear something */
    MIX_LISTEN,      /* told when it is over */
    MIX_IMPORT,      /* those of a session that was offline */
    MIX_WATCHED_LISTENS, /* what a client asks for that shows what somebody hears */
    MIX_WATCHED_PLAYING,
};

extern const struct mix_endpoint mix_endpoints[];
extern const int mix_endpoints_count;

/* Of the time, by weight as well. */
struct mix_range {
    const char *name;
    int weight;
};
extern const struct mix_range mix_ranges[];
extern const int mix_ranges_count;

enum {
    MIX_RANGE_OWN, /* what a listener who looks after a listen has before him */
    MIX_RANGE_ALL, /* has no other before it */
};

/* Why something is asked for. */
enum mix_cause {
    MIX_SESSION, /* somebody hears music */
    MIX_LOOK,    /* and looks at his own page after a listen */
    MIX_VISIT,   /* somebody else looks, or he at another time */
    MIX_POLL,    /* a client asks again by itself */
    MIX_CAUSES,
};
extern const char *const mix_cause_names[MIX_CAUSES];

/* The rhythm; seconds of the community's time. */
enum {
    MIX_SESSIONS_PER_DAY = 2, /* of a listener on average */
    MIX_SESSION_LISTENS = 11, /* on average */
    MIX_SESSION_LISTENS_MAX = 40,
    MIX_LISTEN_EVERY_S = 210,
    MIX_LOOK_WITHIN_S = 60,
    MIX_VISITS_PER_DAY = 12, /* at a listener on average */
    MIX_VISIT_VIEWS = 8,     /* of one range */
    MIX_VIEW_EVERY_S = 5,
    MIX_POLL_EVERY_S = 30,
    MIX_OPEN_S = 300, /* how long a page that polls stays open on average */
    MIX_BUSIEST_HOUR = 20,
};
#define MIX_OFFLINE_SHARE 0.05 /* of sessions, told of when they are over */
#define MIX_WATCHED_SHARE 0.25 /* of sessions, followed by a client that polls */
#define MIX_LOOK_SHARE 0.3     /* of listens, after which the listener looks */
#define MIX_OPEN_SHARE 0.5     /* of visits, whose page stays open and polls all of its views */

/* How many the weights of all endpoints, and of all ranges, come to. */
int mix_endpoints_weight(void);
int mix_ranges_weight(void);
/* The row at a place below that. */
int mix_endpoint_at(int place);
int mix_range_at(int place);

#endif
