/*
 * All that a page of statistics shows, in one answer.
 */
#ifndef REFRAIN_SERVICE_SUMMARY_H
#define REFRAIN_SERVICE_SUMMARY_H

#include "service/service.h"

/* GET …/stats/user/{name}/summary?range&from&to */
http_handler summary_get;

#endif
