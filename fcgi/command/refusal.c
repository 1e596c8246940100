#include "command/refusal.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAMED_MAX = 20 };

bool refusal_is_named(const struct refusal *refusal)
{
    return refusal->count < NAMED_MAX;
}

void refusal_tell(struct refusal *refusal, struct progress *progress, const char *file,
                  int64_t line, const char *reason)
{
    bool is_named = refusal_is_named(refusal);
    refusal->count++;
    if (is_named) {
        char text[1024];
        snprintf(text, sizeof text, "%s:%" PRId64 ": refused: %s", file, line, reason);
        text_clean(text);
        progress_end(progress);
        fprintf(stderr, "%s\n", text);
    }
    if (refusal->count == NAMED_MAX + 1) {
        fprintf(stderr, "further bad rows are counted, not named; %s\n", refusal->rest);
    }
}
