/*
 * Top lists of a user.
 */
#ifndef REFRAIN_SERVICE_STATISTICS_H
#define REFRAIN_SERVICE_STATISTICS_H

#include "service/service.h"

/* One kind of list: a row makes an endpoint. */
struct statistics_kind {
    enum cache_view view;
    const char *name;      /* in keys */
    const char *list_name; /* in the answer */
    struct db_function function;
};

extern const struct statistics_kind statistics_artists;
extern const struct statistics_kind statistics_releases;
extern const struct statistics_kind statistics_recordings;

/* GET …/user/{name}/KIND?range&count&offset; the route's detail is the kind. */
http_handler statistics_get_list;

#endif
