/*
 * Listens that somebody takes back.
 */
#ifndef REFRAIN_SERVICE_DELETION_H
#define REFRAIN_SERVICE_DELETION_H

#include "service/service.h"

/* POST /1/delete-listen */
http_handler deletion_post;

#endif
