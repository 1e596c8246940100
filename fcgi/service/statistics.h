/*
 * Top lists of a user.
 */
#ifndef REFRAIN_SERVICE_STATISTICS_H
#define REFRAIN_SERVICE_STATISTICS_H

#include "service/service.h"

/* GET …/user/{name}/KIND?range&count&offset; the route's detail is the struct chart_kind. */
http_handler statistics_get_list;

#endif
