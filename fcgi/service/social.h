/*
 * Listeners among themselves: who follows whom, who is called like that, who is alike.
 */
#ifndef REFRAIN_SERVICE_SOCIAL_H
#define REFRAIN_SERVICE_SOCIAL_H

#include "service/service.h"

/* POST …/user/{name}/follow */
http_handler social_follow;

/* POST …/user/{name}/unfollow */
http_handler social_unfollow;

/* GET …/user/{name}/followers */
http_handler social_get_followers;

/* GET …/user/{name}/following */
http_handler social_get_following;

/* GET …/search/users?search_term */
http_handler social_search;

/* GET …/user/{name}/similar-users */
http_handler social_get_similar;

/* GET …/user/{name}/services: the accounts elsewhere that his own is connected with. */
http_handler social_get_services;

#endif
