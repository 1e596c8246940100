/*
 * The unix socket that the web server connects to.
 */
#ifndef REFRAIN_HTTP_LISTENER_H
#define REFRAIN_HTTP_LISTENER_H

#include "base/result.h"

#include <sys/types.h>

struct listener {
    int socket; /* -1: none */
    const char *path;
    dev_t device; /* these two tell our file from a later one of the same name */
    ino_t inode;
};

/* Binds and listens, mode 0660. A socket that nobody serves any more is replaced; RESULT_CONFLICT
 * where somebody does, RESULT_INVALID or RESULT_UNAVAILABLE where the path won't do. `path` must
 * outlive the listener. */
enum result listener_open(struct listener *listener, const char *path,
                          struct error *error) MUST_CHECK;

/* Removes the file as well, unless it has become somebody else's. */
void listener_close(struct listener *listener);

#endif
