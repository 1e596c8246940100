/*
 * Listens coming in over HTTP.
 */
#ifndef REFRAIN_SERVICE_SUBMISSION_H
#define REFRAIN_SERVICE_SUBMISSION_H

#include "service/service.h"

/* POST /1/submit-listens */
http_handler submission_post;

#endif
