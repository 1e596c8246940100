/*
 * cache_heartbeat_parse() and cache_mark_parse(): each gets the same bytes.
 */
#include "cache/record.h"
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>

const char fuzz_target[] = "record";

static const char nonce[] = "0123456789abcdef0123456789abcdef";

static bool same_heartbeat(const struct cache_heartbeat *a, const struct cache_heartbeat *b)
{
    return a->epoch == b->epoch && a->polled_at_us == b->polled_at_us && a->people == b->people
           && a->catalogue == b->catalogue && a->model == b->model;
}

static void check_heartbeat(struct slice text)
{
    struct cache_heartbeat beat, again;
    char written[256];
    if (!cache_heartbeat_parse(text, &beat)) {
        return;
    }
    assert(beat.epoch >= 0 && beat.polled_at_us >= 0 && beat.people >= 0 && beat.catalogue >= 0
           && beat.model >= 0);
    assert(text.data[0] == 'L');
    snprintf(written, sizeof written, "L %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
             " %" PRId64, nonce, beat.epoch, beat.polled_at_us, beat.people, beat.catalogue,
             beat.model);
    assert(strlen(written) <= CACHE_RECORD_MAX);
    assert(cache_heartbeat_parse(slice_text(written), &again));
    assert(same_heartbeat(&beat, &again));
}

static void check_number(const struct cache_mark *mark)
{
    struct cache_mark again;
    char written[CACHE_RECORD_MAX];
    assert(mark->epoch >= 0 && mark->live >= 0 && mark->past >= 0 && mark->auth >= 0);
    snprintf(written, sizeof written, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, mark->epoch,
             mark->live, mark->past, mark->auth);
    cache_mark_parse(slice_text(written), &again);
    assert(again.kind == CACHE_MARK_NUMBER && again.epoch == mark->epoch
           && again.live == mark->live && again.past == mark->past && again.auth == mark->auth);
}

static void check_mark(struct slice text)
{
    struct cache_mark mark;
    cache_mark_parse(text, &mark);
    assert((mark.kind == CACHE_MARK_ABSENT) == (text.size_bytes == 0));
    if (mark.kind == CACHE_MARK_LEASE) {
        fuzz_assert_within(mark.nonce, text);
        assert(text.data[0] == 'L' && mark.nonce.size_bytes + 1 == text.size_bytes);
    } else if (mark.kind == CACHE_MARK_NUMBER) {
        check_number(&mark);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct slice text = fuzz_slice(bytes, size_bytes);
    check_heartbeat(text);
    check_mark(text);
    return 0;
}
