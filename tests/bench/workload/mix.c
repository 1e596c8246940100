#include "mix.h"

#define STATS(name) "/1/stats/user/{name}/" name "?range={range}"
#define SITE(name) "/1/stats/sitewide/" name "?range={range}"

const struct mix_endpoint mix_endpoints[] = {
    [MIX_PLAYING_NOW] = {"submit-listens, playing now", "submission", MIX_WRITE, 0, false, NULL},
    [MIX_LISTEN] = {"submit-listens, one", "submission", MIX_WRITE, 0, false, NULL},
    [MIX_IMPORT] = {"submit-listens, a session", "submission", MIX_WRITE, 0, false, NULL},
    [MIX_WATCHED_LISTENS] = {"listens, the last one", "history", MIX_CACHED, 0, false,
                             "/1/user/{name}/listens?count=1"},
    [MIX_WATCHED_PLAYING] = {"playing-now, watched", "playing-now", MIX_READ, 0, false,
                             "/1/user/{name}/playing-now"},
    {"listens", "history", MIX_CACHED, 20, true, "/1/user/{name}/listens"},
    {"listen-count", "history", MIX_CACHED, 20, true, "/1/user/{name}/listen-count"},
    {"listens of long ago", "history", MIX_APART, 3, false,
     "/1/user/{name}/listens?max_ts={past}&count=100"},
    {"playing-now", "playing-now", MIX_READ, 4, false, "/1/user/{name}/playing-now"},
    {"artists", "statistics", MIX_CACHED, 20, true, STATS("artists")},
    {"releases", "statistics", MIX_CACHED, 20, true, STATS("releases")},
    {"recordings", "statistics", MIX_CACHED, 20, true, STATS("recordings")},
    {"release groups", "statistics", MIX_CACHED, 10, false, STATS("release-groups")},
    {"listening activity", "statistics", MIX_CACHED, 10, false, STATS("listening-activity")},
    {"daily activity", "statistics", MIX_CACHED, 10, false, STATS("daily-activity")},
    {"artist activity", "statistics", MIX_CACHED, 8, false, STATS("artist-activity")},
    {"artist evolution", "statistics", MIX_CACHED, 8, false, STATS("artist-evolution-activity")},
    {"summary", "statistics", MIX_CACHED, 10, false, STATS("summary")},
    {"sessions", "statistics", MIX_CACHED, 8, false, STATS("sessions")},
    {"streaks", "statistics", MIX_CACHED, 8, false, STATS("streaks")},
    {"discoveries", "statistics", MIX_CACHED, 8, false, STATS("discoveries")},
    {"changes", "statistics", MIX_CACHED, 8, false, "/1/stats/user/{name}/changes?range={compared}"},
    {"on this day", "statistics", MIX_CACHED, 8, false, "/1/stats/user/{name}/on-this-day"},
    {"genre activity", "statistics", MIX_CACHED, 8, false, STATS("genre-activity")},
    {"a window of two weeks", "statistics", MIX_APART, 3, false,
     "/1/stats/user/{name}/artists?from={from}&to={to}"},
    {"top artists", "statistics", MIX_CACHED, 10, false, "/1/user/{name}/top/artists?range={range}"},
    {"top genres", "statistics", MIX_CACHED, 10, false, "/1/user/{name}/top/genres?range={range}"},
    {"top tracks", "statistics", MIX_CACHED, 10, false, "/1/user/{name}/top/tracks?range={range}"},
    {"site: artists", "sitewide", MIX_CACHED, 8, false, SITE("artists")},
    {"site: releases", "sitewide", MIX_CACHED, 8, false, SITE("releases")},
    {"site: release groups", "sitewide", MIX_CACHED, 8, false, SITE("release-groups")},
    {"site: recordings", "sitewide", MIX_CACHED, 8, false, SITE("recordings")},
    {"site: listening activity", "sitewide", MIX_CACHED, 8, false, SITE("listening-activity")},
    {"site: daily activity", "sitewide", MIX_CACHED, 8, false, SITE("daily-activity")},
    {"site: artist activity", "sitewide", MIX_CACHED, 8, false, SITE("artist-activity")},
    {"site: artist evolution", "sitewide", MIX_CACHED, 8, false, SITE("artist-evolution-activity")},
    {"site: genre activity", "sitewide", MIX_CACHED, 8, false, SITE("genre-activity")},
    {"listeners of an artist", "sitewide", MIX_READ, 2, false,
     "/1/stats/artist/{artist}/listeners?range={range}"},
    {"listeners of a release", "sitewide", MIX_READ, 2, false,
     "/1/stats/release/{release}/listeners?range={range}"},
    {"followers", "social", MIX_READ, 2, false, "/1/user/{name}/followers"},
    {"love and hate", "social", MIX_READ, 2, false, "/1/feedback/user/{name}/get-feedback"},
};
const int mix_endpoints_count = sizeof mix_endpoints / sizeof *mix_endpoints;

const char *const mix_cause_names[MIX_CAUSES] = {
    [MIX_SESSION] = "submissions",
    [MIX_LOOK] = "looks after a listen",
    [MIX_VISIT] = "visits",
    [MIX_POLL] = "polls",
};

const struct mix_range mix_ranges[] = {
    [MIX_RANGE_OWN] = {"this_week", 28},
    [MIX_RANGE_ALL] = {"all_time", 28},
    {"this_month", 14},
    {"this_year", 10},
    {"week", 6},
    {"month", 6},
    {"year", 4},
    {"quarter", 2},
    {"half_yearly", 2},
};
const int mix_ranges_count = sizeof mix_ranges / sizeof *mix_ranges;

int mix_endpoints_weight(void)
{
    int sum = 0;
    for (int i = 0; i < mix_endpoints_count; i++) {
        sum += mix_endpoints[i].weight;
    }
    return sum;
}

int mix_ranges_weight(void)
{
    int sum = 0;
    for (int i = 0; i < mix_ranges_count; i++) {
        sum += mix_ranges[i].weight;
    }
    return sum;
}

int mix_endpoint_at(int place)
{
    int row = 0;
    while (place >= mix_endpoints[row].weight) {
        place -= mix_endpoints[row++].weight;
    }
    return row;
}

int mix_range_at(int place)
{
    int row = 0;
    while (place >= mix_ranges[row].weight) {
        place -= mix_ranges[row++].weight;
    }
    return row;
}
