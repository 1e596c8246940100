/*
 * Up to which second clients have brought listens over from another service. They keep that number
 * here, and nothing is done with it.
 */
#ifndef REFRAIN_SERVICE_LATEST_IMPORT_H
#define REFRAIN_SERVICE_LATEST_IMPORT_H

#include "service/service.h"

/* GET /1/latest-import?user_name&service */
http_handler latest_import_get;

/* POST /1/latest-import */
http_handler latest_import_post;

#endif
