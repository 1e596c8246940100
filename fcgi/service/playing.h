/*
 * What somebody listens to just now. It is kept until it expires, is no part of the history, and is
 * never cached.
 */
#ifndef REFRAIN_SERVICE_PLAYING_H
#define REFRAIN_SERVICE_PLAYING_H

#include "base/text.h"
#include "listen/listen.h"
#include "service/service.h"

/* Keeps what the account's user has told to be playing, for as long as the track lasts; gives the
 * recording's msid. RESULT_UNAUTHORIZED where the account has gone meanwhile. */
enum result playing_store(const struct service *service, const struct http_request *request,
                          const struct cache_account *account, const struct listen *listen,
                          char msid[UUID_TEXT_SIZE], struct error *error) MUST_CHECK;

/* GET …/user/{name}/playing-now */
http_handler playing_get;

/* POST …/playing-now/delete */
http_handler playing_clear_post;

#endif
