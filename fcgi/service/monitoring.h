/*
 * How the service is.
 */
#ifndef REFRAIN_SERVICE_MONITORING_H
#define REFRAIN_SERVICE_MONITORING_H

#include "service/service.h"

/* GET /healthz: the process answers. */
http_handler monitoring_get_health;

/* GET /readyz: which parts are up; 503 where no request can be answered. */
http_handler monitoring_get_readiness;

/* GET /1/cache/metrics: the dashboard's figures, for administrators (or this host). */
http_handler monitoring_get_cache;

/* GET /metrics: all counters in Prometheus' text format. nginx keeps it off the public listener. */
http_handler monitoring_get_metrics;

#endif
