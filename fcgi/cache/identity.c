/*
 * Layouts, little-endian, 8 bytes a number. A profile: user, flags (1: public), name. An account:
 * user, scopes, flags (1: administrator), the hash of the folded name (CACHE_USER_HEX bytes), name.
 */
#include "cache/identity.h"

#include "base/bytes.h"

enum { PROFILE_BYTES = 16, ACCOUNT_BYTES = 24 + CACHE_USER_HEX };

void cache_profile_encode(struct buffer *to, const struct cache_profile *profile)
{
    bytes_append_u64(to, (uint64_t)profile->user_id);
    bytes_append_u64(to, profile->is_public);
    buffer_append_slice(to, profile->user_name);
}

bool cache_profile_decode(struct slice bytes, struct cache_profile *profile)
{
    if (bytes.size_bytes < PROFILE_BYTES) {
        return false;
    }
    *profile = (struct cache_profile){
        .user_id = (int64_t)bytes_get_u64(bytes.data),
        .is_public = bytes_get_u64(bytes.data + 8) == 1,
        .user_name = slice_of(bytes.data + PROFILE_BYTES, bytes.size_bytes - PROFILE_BYTES),
    };
    return true;
}

void cache_account_encode(struct buffer *to, const struct cache_account *account)
{
    bytes_append_u64(to, (uint64_t)account->user_id);
    bytes_append_u64(to, (uint64_t)account->scopes);
    bytes_append_u64(to, account->is_admin);
    buffer_append(to, account->subject.hash, CACHE_USER_HEX);
    buffer_append_slice(to, account->user_name);
}

bool cache_account_decode(struct slice bytes, struct cache_account *account)
{
    if (bytes.size_bytes < ACCOUNT_BYTES
        || !cache_subject_parse(slice_of(bytes.data + 24, CACHE_USER_HEX), &account->subject)) {
        return false;
    }
    account->user_id = (int64_t)bytes_get_u64(bytes.data);
    account->scopes = (int64_t)bytes_get_u64(bytes.data + 8);
    account->is_admin = bytes_get_u64(bytes.data + 16) == 1;
    account->user_name =
        slice_of(bytes.data + ACCOUNT_BYTES, bytes.size_bytes - ACCOUNT_BYTES);
    return true;
}
