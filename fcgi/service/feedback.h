/*
 * What listeners love and hate.
 */
#ifndef REFRAIN_SERVICE_FEEDBACK_H
#define REFRAIN_SERVICE_FEEDBACK_H

#include "service/service.h"

/* POST …/feedback/recording-feedback */
http_handler feedback_post;

/* GET …/feedback/user/{name}/get-feedback?score&count&offset&metadata */
http_handler feedback_get_of_user;

/* GET …/feedback/recording/{id}/get-feedback?score&count&offset, and …/get-feedback-mbid: which of
 * the two is told by the route's detail. */
http_handler feedback_get_of_recording;
extern const char feedback_by_msid[];
extern const char feedback_by_mbid[];

#endif
