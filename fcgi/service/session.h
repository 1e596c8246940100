/*
 * Tokens and who they belong to.
 */
#ifndef REFRAIN_SERVICE_SESSION_H
#define REFRAIN_SERVICE_SESSION_H

#include "service/service.h"

/* GET /1/validate-token */
http_handler session_validate_token;

#endif
