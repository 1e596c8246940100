/*
 * What somebody has listened to.
 */
#ifndef REFRAIN_SERVICE_HISTORY_H
#define REFRAIN_SERVICE_HISTORY_H

#include "service/service.h"

/* GET …/user/{name}/listens?max_ts&min_ts&count */
http_handler history_get_listens;

/* GET …/user/{name}/listen-count */
http_handler history_get_count;

#endif
