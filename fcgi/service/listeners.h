/*
 * Who listens to an artist, a release or a release group. Asked of the database each time: the answer
 * names users, who may have gone private a moment ago.
 */
#ifndef REFRAIN_SERVICE_LISTENERS_H
#define REFRAIN_SERVICE_LISTENERS_H

#include "service/service.h"

/* GET …/{mbid}/listeners?range, by MBID or msid; the route's detail is the function that tells. */
http_handler listeners_get;
extern const struct db_function listeners_of_artist;
extern const struct db_function listeners_of_release;
extern const struct db_function listeners_of_release_group;

#endif
