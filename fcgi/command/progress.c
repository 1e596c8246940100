#include "command/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const int64_t interval_us = 100000;

enum { BAR_WIDTH = 24 };

void progress_begin(struct progress *progress, const char *what)
{
    *progress = (struct progress){
        .what = what,
        .is_shown = isatty(STDERR_FILENO) == 1,
        .began_us = clock_mono_us(),
    };
}

double progress_seconds(const struct progress *progress)
{
    return (double)(clock_mono_us() - progress->began_us) / 1e6;
}

void progress_show(struct progress *progress, int64_t done, int64_t part, int64_t whole)
{
    int64_t now_us = clock_mono_us();
    if (!progress->is_shown || now_us - progress->shown_us < interval_us) {
        return;
    }
    progress->shown_us = now_us;
    double share = whole > 0 && part < whole ? (double)part / (double)whole : 1.0;
    double seconds = progress_seconds(progress);
    char left[32] = "";
    if (share > 0) {
        snprintf(left, sizeof left, ", %.0f s left", seconds / share - seconds);
    }
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < share * BAR_WIDTH ? '#' : '-';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%  %" PRId64 " %s, %.0f a second%s \033[K", bar,
            share * 100, done, progress->what, seconds > 0 ? (double)done / seconds : 0.0, left);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown) {
        fputs("\r\033[K", stderr);
    }
}
