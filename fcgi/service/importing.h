/*
 * Files of listens: uploading them, and what has become of them. A worker imports them.
 */
#ifndef REFRAIN_SERVICE_IMPORTING_H
#define REFRAIN_SERVICE_IMPORTING_H

#include "service/service.h"

/* POST /1/import-listens?file_name&source_user&min_play; the body is the file. */
http_handler importing_post;

/* GET /1/import-listens?count&before, and /1/import-listens/list */
http_handler importing_get_list;

/* GET /1/import-listens/{id}?format */
http_handler importing_get;

/* POST /1/import-listens/cancel/{id} */
http_handler importing_cancel_post;

#endif
