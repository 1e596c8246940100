/*
 * Between the look whether a socket is alive and its replacement, another process could do the
 * same, and one of them would serve a file that is gone. So the folder is locked (flock) for that
 * time; no lock file is left behind.
 */
#include "http/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { backlog = 1024 };

static enum result fail(struct error *error, const char *what, const char *path)
{
    return error_set(error, RESULT_UNAVAILABLE, "http", "cannot %s %s: %s", what, path,
                     strerror(errno));
}

static int lock_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    snprintf(folder, sizeof folder, "%.*s", size == 0 ? 1 : (int)size, size == 0 ? "." : path);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0 && flock(lock, LOCK_EX) != 0) {
        close(lock);
        return -1;
    }
    return lock;
}

/* Leaves nothing at the address, or says why something has to stay there. */
static enum result make_room(const struct sockaddr_un *address, struct error *error)
{
    const char *path = address->sun_path;
    struct stat there;
    if (lstat(path, &there) != 0) {
        return errno == ENOENT ? RESULT_OK : fail(error, "look at", path);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return error_set(error, RESULT_CONFLICT, "http",
                         "%s is there and is no socket; remove it or choose another path", path);
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return fail(error, "make a socket for", path);
    }
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0
                   && errno == ECONNREFUSED;
    close(probe);
    if (!refused) {
        return error_set(error, RESULT_CONFLICT, "http",
                         "%s is served by another process; stop it or choose another path", path);
    }
    return unlink(path) == 0 ? RESULT_OK : fail(error, "replace", path);
}

static enum result bind_and_listen(struct listener *listener, const struct sockaddr_un *address,
                                   struct error *error)
{
    enum result result = make_room(address, error);
    if (result != RESULT_OK) {
        return result;
    }
    listener->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->socket < 0) {
        return fail(error, "make a socket for", address->sun_path);
    }
    mode_t mask = umask(0117);
    int bound = bind(listener->socket, (const struct sockaddr *)address, sizeof *address);
    umask(mask);
    struct stat made;
    if (bound != 0 || lstat(address->sun_path, &made) != 0) {
        return fail(error, "bind", address->sun_path);
    }
    listener->device = made.st_dev;
    listener->inode = made.st_ino;
    return listen(listener->socket, backlog) == 0 ? RESULT_OK
                                                  : fail(error, "listen on", address->sun_path);
}

enum result listener_open(struct listener *listener, const char *path, struct error *error)
{
    *listener = (struct listener){.socket = -1, .path = path};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof address.sun_path) {
        return error_set(error, RESULT_INVALID, "http",
                         "the socket's path must have 1 to %zu bytes, but has %zu: %s",
                         sizeof address.sun_path - 1, size, path);
    }
    memcpy(address.sun_path, path, size);
    int lock = lock_folder(path);
    if (lock < 0) {
        return fail(error, "use the folder of", path);
    }
    enum result result = bind_and_listen(listener, &address, error);
    close(lock);
    if (result != RESULT_OK) {
        listener_close(listener);
    }
    return result;
}

void listener_close(struct listener *listener)
{
    if (listener->socket < 0) {
        return;
    }
    struct stat there;
    if (lstat(listener->path, &there) == 0 && there.st_dev == listener->device
        && there.st_ino == listener->inode) {
        unlink(listener->path);
    }
    close(listener->socket);
    listener->socket = -1;
}
