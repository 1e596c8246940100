/*
 * The path of a request, from what clients send to what the routes are written in.
 */
#ifndef REFRAIN_HTTP_PATH_H
#define REFRAIN_HTTP_PATH_H

#include "http/http.h"

/* Without the prefix /apis/listenbrainz, doubled slashes, a slash at the end, and a repeated /1:
 * all of them are what users' clients make of the address that was typed in. A POST (or its
 * preflight) to the root or to /1 is one to /1/submit-listens. Escapes stay as they are, so that
 * %2F is part of a name. `raw` where nothing changes, else bytes of the arena. */
struct slice http_path_canonical(struct arena *arena, enum http_method method, struct slice raw);

/* Percent-decodes; a broken escape stands for itself. `raw` where there is nothing to decode. */
struct slice http_path_decode(struct arena *arena, struct slice raw, bool plus_is_blank);

#endif
