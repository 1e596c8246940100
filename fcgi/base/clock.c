#include "base/clock.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int64_t moved_us;
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void read_environment(void)
{
    const char *offset = getenv("REFRAIN_CLOCK_OFFSET_S");
    if (offset != NULL) {
        moved_us += strtoll(offset, NULL, 10) * 1000000;
    }
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

int64_t clock_wall_us(void)
{
    pthread_once(&environment_once, read_environment);
    return read_us(CLOCK_REALTIME) + moved_us;
}

int64_t clock_host_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

void clock_move(int64_t offset_us)
{
    moved_us += offset_us;
}

int clock_left_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_mono_us();
    if (left_us <= 0) {
        return 0;
    }
    int64_t left_ms = (left_us + 999) / 1000;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
