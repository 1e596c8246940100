/*
 * All that somebody has told, to take away.
 */
#ifndef REFRAIN_SERVICE_EXPORT_H
#define REFRAIN_SERVICE_EXPORT_H

#include "service/service.h"

/* GET /1/export-listens */
http_handler export_get;

#endif
