/*
 * An order is a file in the folder $REFRAIN_FAILPOINTS that is named like the failpoint:
 *
 *     kill [once]       the process kills itself
 *     block [once]      it waits until the file is gone, for a minute at most
 *     delay MS [once]
 *
 * With "once" only the process that manages to rename the file to NAME.taken does it, and it then
 * waits for that file to go. Whoever gives the order first removes both, and writes the file under
 * another name and renames it, so that nobody reads half of it. NAME.hit appears when it is obeyed.
 */
#include "base/failpoint.h"

#ifdef REFRAIN_FAILPOINTS

#include "base/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ORDER_MAX = 64 };
static const int64_t block_max_us = 60000000;

struct order {
    char path[PATH_MAX];
    char what[16];
    long delay_ms;
};

static bool read_file(const char *path, char text[ORDER_MAX])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t size = read(file, text, ORDER_MAX - 1);
    close(file);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* False if there is no order, or another process has taken it. */
static bool take(const char *folder, const char *name, struct order *order)
{
    char text[ORDER_MAX];
    int size = snprintf(order->path, sizeof order->path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof order->path || !read_file(order->path, text)
        || sscanf(text, "%15s %ld", order->what, &order->delay_ms) < 1) {
        return false;
    }
    if (strstr(text, "once") == NULL) {
        return true;
    }
    char taken[PATH_MAX + 8];
    snprintf(taken, sizeof taken, "%s.taken", order->path);
    if (rename(order->path, taken) != 0) {
        return false;
    }
    size = snprintf(order->path, sizeof order->path, "%s/%s.taken", folder, name);
    return size > 0 && (size_t)size < sizeof order->path;
}

static void leave_trace(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.hit", folder, name);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file >= 0) {
        close(file);
    }
}

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

void failpoint(const char *name)
{
    struct order order = {.delay_ms = 0};
    const char *folder = getenv("REFRAIN_FAILPOINTS");
    if (folder == NULL || !take(folder, name, &order)) {
        return;
    }
    leave_trace(folder, name);
    if (strcmp(order.what, "kill") == 0) {
        raise(SIGKILL);
    } else if (strcmp(order.what, "delay") == 0) {
        pause_ms(order.delay_ms);
    } else if (strcmp(order.what, "block") == 0) {
        int64_t deadline_us = clock_mono_us() + block_max_us;
        while (access(order.path, F_OK) == 0 && clock_mono_us() < deadline_us) {
            pause_ms(5);
        }
    }
}

#endif
