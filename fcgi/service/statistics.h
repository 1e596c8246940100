/*
 * What a user listened to: the charts of ListenBrainz, and the same for a profile.
 */
#ifndef REFRAIN_SERVICE_STATISTICS_H
#define REFRAIN_SERVICE_STATISTICS_H

#include "service/service.h"
#include "view/chart.h"

/* The window that a request asks for. RESULT_INVALID with a text for the client. */
typedef enum result statistics_window_parser(const struct http_request *request,
                                             struct window *window, struct error *error);

/* The detail of a route: which chart it answers with, and how. */
struct statistics_list {
    enum cache_view view;
    const struct chart_kind *chart; /* that of two lists lies in the cache once */
    const char *name;               /* of the list in the payload */
    int64_t count_default;          /* 0: neither count nor offset is looked at */
    const char *entities; /* what ?entity may be, in words: the names of this list and of those of the
                             same view behind it; NULL: it is not looked at */
    statistics_window_parser *parse_window;
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
    STATISTICS_SESSIONS,
    STATISTICS_STREAKS,
    STATISTICS_DISCOVERIES,
    STATISTICS_RECORDING_DISCOVERIES,
    STATISTICS_CHANGES,
    STATISTICS_RELEASE_CHANGES,
    STATISTICS_RECORDING_CHANGES,
    STATISTICS_ON_THIS_DAY,
    STATISTICS_TOP_GENRES,
    STATISTICS_TOP_ARTISTS,
    STATISTICS_TOP_TRACKS,
    STATISTICS_LISTS
};
extern const struct statistics_list statistics_lists[STATISTICS_LISTS];

/* GET …/user/{name}/…?range&from&to&date&entity&count&offset; the route's detail is its struct
 * statistics_list. */
http_handler statistics_get_list;
/* GET …/sitewide/…?range&count&offset: the same of all public users. */
http_handler statistics_get_site_list;

/* ── for answers that are made of several ── */

/* A list that is asked for, or a part of it. It must stay where it is while it is in use. */
struct statistics_query {
    const struct statistics_list *list;
    struct chart chart;
    int64_t offset;
    int64_t count;
};

/* The window that ?range tells, or ?from and ?to; all time where none does. */
statistics_window_parser statistics_parse_window MUST_CHECK;

/* What a request counts under: days of one's own are told apart, since they are never kept. */
enum cache_view statistics_view(const struct http_request *request, enum cache_view view);

/* Asks for [offset, offset + count), or for all of a list that is kept whole. */
void statistics_ask(const struct statistics_list *list, const struct window *window,
                    int64_t offset, int64_t count, struct statistics_query *query);

/* The window that ?range tells, which is the only one that there are figures of all users for. */
enum result statistics_parse_range(const struct http_request *request, struct window *window,
                                   struct error *error) MUST_CHECK;

/* Writes the payload: an object; an empty name is that of all public users. What the lists point to is
 * lent to the response. */
void statistics_write(struct slice user_name, const struct statistics_query *query,
                      const struct list *lists, size_t lists_count,
                      struct http_response *response);

/* Notes that the user is being read; not where only some days, or what is further down the list, is
 * looked at: whoever looks at the top of a range will look again. */
void statistics_note(const struct service *service, struct cache_reader *reader,
                     const struct statistics_query *query);

#endif
