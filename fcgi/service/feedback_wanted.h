/*
 * What somebody thinks of recordings that are named.
 */
#ifndef REFRAIN_SERVICE_FEEDBACK_WANTED_H
#define REFRAIN_SERVICE_FEEDBACK_WANTED_H

#include "service/service.h"

/* GET, POST …/feedback/user/{name}/get-feedback-for-recordings?recording_msids&recording_mbids */
http_handler feedback_get_for_recordings;

#endif
