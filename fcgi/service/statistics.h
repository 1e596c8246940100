/*
 * What a user listened to: the charts of ListenBrainz, and the same for a profile.
 */
#ifndef REFRAIN_SERVICE_STATISTICS_H
#define REFRAIN_SERVICE_STATISTICS_H

#include "service/service.h"
#include "view/chart.h"

/* The detail of a route: which chart it answers with, and how. */
struct statistics_list {
    enum cache_view view;
    const struct chart_kind *chart; /* that of two lists lies in the cache once */
    const char *name;               /* of the list in the answer */
    int64_t count_default;          /* 0: neither count nor offset is looked at */
};

enum {
    STATISTICS_ARTISTS,
    STATISTICS_RELEASES,
    STATISTICS_RELEASE_GROUPS,
    STATISTICS_RECORDINGS,
    STATISTICS_LISTENING_ACTIVITY,
    STATISTICS_DAILY_ACTIVITY,
    STATISTICS_ARTIST_ACTIVITY,
    STATISTICS_ARTIST_EVOLUTION,
    STATISTICS_GENRE_ACTIVITY,
    STATISTICS_TOP_GENRES,
    STATISTICS_TOP_ARTISTS,
    STATISTICS_TOP_TRACKS,
    STATISTICS_LISTS
};
extern const struct statistics_list statistics_lists[STATISTICS_LISTS];

/* GET …/user/{name}/…?range&from&to&count&offset; the route's detail is its struct
 * statistics_list. */
http_handler statistics_get_list;

#endif
