/*
 * From the CGI parameters that the web server passes to a request.
 */
#ifndef REFRAIN_HTTP_REQUEST_H
#define REFRAIN_HTTP_REQUEST_H

#include "http/http.h"

/* Fills `request` from "NAME=value" strings, ended by NULL, which must live as long as the request:
 * nothing is copied. Method, canonical path, query and headers are set afterwards; route, captures,
 * body and times are empty; the length is -1 where the parameters don't tell it. RESULT_INVALID with a
 * text for the client where the parameters are no request; all that could be read is set even then. */
enum result http_request_read(struct http_request *request, struct arena *arena,
                              char *const *parameters, int64_t *content_length_bytes,
                              struct error *error) MUST_CHECK;

#endif
