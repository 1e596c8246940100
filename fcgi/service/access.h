/*
 * Who asks, and what they may see.
 */
#ifndef REFRAIN_SERVICE_ACCESS_H
#define REFRAIN_SERVICE_ACCESS_H

#include "service/service.h"

enum scope { SCOPE_SUBMIT = 1, SCOPE_READ = 2, SCOPE_MANAGE = 4 };

/* The account of a token; RESULT_UNAUTHORIZED with the contract's text for an unknown one. */
enum result account_of_token(const struct service *service, const struct http_request *request,
                             struct slice token, struct cache_account *account,
                             struct error *error) MUST_CHECK;

/* The account of the Authorization header, which must be there and hold `scope`. */
enum result account_authorize(const struct service *service, const struct http_request *request,
                              enum scope scope, struct cache_account *account,
                              struct error *error) MUST_CHECK;

/* The folded name of the user whom the path's first capture names, as terminated bytes of the
 * request's arena. RESULT_NOT_FOUND for what is nobody's name: what cannot be folded, holds a NUL or
 * is empty, which would ask for whom the token belongs to. */
enum result access_fold_name(const struct http_request *request, struct slice *name,
                             struct error *error) MUST_CHECK;

/* A reader of the data of the user whom the path's first capture names, for the one who asks; the
 * caller closes it. */
enum result access_open_reader(const struct service *service, const struct http_request *request,
                               struct cache_reader **reader, struct error *error) MUST_CHECK;

/* The same of what all public users listen to, which everybody may see. */
enum result access_open_site_reader(const struct service *service,
                                    const struct http_request *request,
                                    struct cache_reader **reader,
                                    struct error *error) MUST_CHECK;

#endif
