/*
 * The real server of http/server.h in a child process, whose exit status tells what sanitizers found
 * in it. What must not fail is asserted.
 */
#ifndef REFRAIN_TESTS_HTTP_FIXTURE_H
#define REFRAIN_TESTS_HTTP_FIXTURE_H

#include "http/server.h"

#include <sys/types.h>

/* Binds before it returns, so that clients may connect at once. */
pid_t fixture_start(const struct http_server_options *options);

/* Waits for the child's end and returns how long it took, in milliseconds. */
int64_t fixture_join(pid_t child);

/* Tells it to end, and waits for that. */
void fixture_stop(pid_t child);

#endif
