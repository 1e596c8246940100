/*
 * Changes of a listener's data by calls of SQL functions.
 */
#ifndef REFRAIN_SERVICE_CHANGE_H
#define REFRAIN_SERVICE_CHANGE_H

#include "service/service.h"

/* Calls a function that changes the account's data and answers with one row, which begins with the
 * versions after the change (epoch, live, past, auth), and tells the cache of them: when this
 * returns, what was cached before is not served again. The caller frees the rows; NULL `rows`:
 * nobody wants them. RESULT_UNAUTHORIZED where the account has gone meanwhile. */
enum result change_call(const struct service *service, const struct http_request *request,
                        const struct cache_account *account, const struct db_function *function,
                        const char *const *params, struct db_rows **rows,
                        struct error *error) MUST_CHECK;

/* For a function that raises no version. */
enum result change_quietly(const struct service *service, const struct http_request *request,
                           const struct db_function *function, const char *const *params,
                           struct db_rows **rows, struct error *error) MUST_CHECK;

/* 200 {"status":"ok"}, never to be kept. */
void change_answer(struct http_response *response);

#endif
