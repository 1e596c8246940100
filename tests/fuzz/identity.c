/*
 * cache_profile_decode() and cache_account_decode(): each gets the same bytes.
 */
#include "base/bytes.h"
#include "cache/identity.h"
#include "fuzz.h"

const char fuzz_target[] = "identity";

/* All that is written of a flag is 0 or 1. */
static bool is_flag(struct slice bytes, size_t at)
{
    return bytes_get_u64(bytes.data + at) <= 1;
}

static void check_profile(struct slice bytes)
{
    struct cache_profile profile, again;
    struct buffer written = BUFFER_EMPTY;
    if (!cache_profile_decode(bytes, &profile)) {
        return;
    }
    fuzz_assert_within(profile.user_name, bytes);
    assert(profile.viewer_id == 0 && profile.viewer_scopes == 0 && !profile.viewer_is_admin);
    cache_profile_encode(&written, &profile);
    assert(written.failed || !is_flag(bytes, 8) || slice_equal(buffer_slice(&written), bytes));
    if (!written.failed) {
        assert(cache_profile_decode(buffer_slice(&written), &again));
        assert(again.user_id == profile.user_id && again.is_public == profile.is_public
               && slice_equal(again.user_name, profile.user_name));
    }
    buffer_free(&written);
}

static void check_account(struct slice bytes)
{
    struct cache_account account, again;
    struct buffer written = BUFFER_EMPTY;
    if (!cache_account_decode(bytes, &account)) {
        return;
    }
    fuzz_assert_within(account.user_name, bytes);
    assert(account.subject.bucket >= 0 && account.subject.bucket < CACHE_BUCKETS);
    assert(strlen(account.subject.hash) == CACHE_USER_HEX);
    cache_account_encode(&written, &account);
    assert(written.failed || !is_flag(bytes, 16) || slice_equal(buffer_slice(&written), bytes));
    if (!written.failed) {
        assert(cache_account_decode(buffer_slice(&written), &again));
        assert(again.user_id == account.user_id && again.scopes == account.scopes
               && again.is_admin == account.is_admin
               && again.subject.bucket == account.subject.bucket
               && slice_equal(again.user_name, account.user_name));
    }
    buffer_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct slice all = fuzz_slice(bytes, size_bytes);
    check_profile(all);
    check_account(all);
    return 0;
}
