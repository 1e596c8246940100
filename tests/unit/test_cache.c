#include "cache/codec.h"
#include "cache/identity.h"
#include "cache/key.h"
#include "cache/record.h"
#include "unit.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t day_s = 86400;
static const int64_t midnight_s = 1763596800; /* 2025-11-20 00:00 UTC */

static const struct cache_header sample = {
    .versions = {.epoch = 7,
                 .live = 1763600000000001,
                 .past = 1763600000000000,
                 .auth = 1763600000000002,
                 .people = 3,
                 .catalogue = -4,
                 .model = 5,
                 .as_of_us = 1763600000000000},
    .window_end_s = 1763596800,
    .built_at_us = 1763600000500000,
    .ttl_s = 3600,
    .cost_us = 1234,
};

static void values_come_back_as_they_were(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice key = slice_text("rf1:{1}d:x");
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, key, &sample, slice_text("payload"));
    CU_ASSERT_TRUE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
    CU_ASSERT_TRUE(slice_is(payload, "payload"));
    CU_ASSERT_EQUAL(memcmp(&header, &sample, sizeof header), 0);
    buffer_free(&bytes);
}

static void every_flipped_bit_and_every_cut_is_refused(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice key = slice_text("key");
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, key, &sample, slice_text("some payload"));
    for (size_t i = 0; i < bytes.size_bytes * 8; i++) {
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ (1 << i % 8));
        CU_ASSERT_FALSE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ (1 << i % 8));
    }
    for (size_t size = 0; size < bytes.size_bytes; size++) {
        CU_ASSERT_FALSE(cache_decode(slice_of(bytes.data, size), key, &header, &payload));
    }
    CU_ASSERT_TRUE(cache_decode(buffer_slice(&bytes), key, &header, &payload));
    buffer_free(&bytes);
}

static void a_value_under_another_key_is_refused(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct slice payload;
    struct cache_header header;
    cache_encode(&bytes, slice_text("alice"), &sample, slice_text("hers"));
    CU_ASSERT_FALSE(cache_decode(buffer_slice(&bytes), slice_text("bob"), &header, &payload));
    buffer_free(&bytes);
}

static void windows_close_ten_minutes_after_their_end(void)
{
    struct cache_header header = sample;
    header.window_end_s = midnight_s;
    header.versions.as_of_us = (midnight_s + 599) * 1000000;
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.versions.as_of_us = (midnight_s + 600) * 1000000;
    CU_ASSERT_TRUE(cache_header_is_closed(&header));
    header.window_end_s = midnight_s + 1; /* ends within the day of as_of */
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.window_end_s = midnight_s + day_s;
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
    header.window_end_s = 0; /* never ends */
    CU_ASSERT_FALSE(cache_header_is_closed(&header));
}

/* Keys are shared by releases that run side by side and, for bucket and user, with SQL: they never
 * change but for the two numbers. */
static void keys_are_stable(void)
{
    struct cache_subject subject;
    char key[CACHE_KEY_MAX];
    unsigned char hash[SECRET_HASH_SIZE] = {0xab, 1};
    cache_subject_of(slice_text("alice"), &subject);
    const struct cache_name name = {"stats", "artists", "week@2026-11-16", 2};
    size_t size = cache_key_value(&subject, &name, key);
    CU_ASSERT_EQUAL(size, strlen(key));
    CU_ASSERT_STRING_EQUAL(
        key, "rf2:{43}d:2bd806c97f0e00af1a1fc3328fa763a9:stats:artists:week@2026-11-16:2");
    cache_key_lock(&subject, &name, key);
    CU_ASSERT_STRING_EQUAL(
        key, "rf1:{43}k:2bd806c97f0e00af1a1fc3328fa763a9:stats:artists:week@2026-11-16:2");
    cache_key_heartbeat(subject.bucket, key);
    CU_ASSERT_STRING_EQUAL(key, "rf1:{43}hb");
    cache_key_position(subject.bucket, key);
    CU_ASSERT_STRING_EQUAL(key, "rf1:{43}pos");
    cache_key_version(&subject, key);
    CU_ASSERT_STRING_EQUAL(key, "rf1v:{43}2bd806c97f0e00af1a1fc3328fa763a9");
    cache_key_profile(&subject, key);
    CU_ASSERT_STRING_EQUAL(key, "rf2:{43}u:2bd806c97f0e00af1a1fc3328fa763a9");
    cache_key_token(hash, key);
    CU_ASSERT_STRING_EQUAL(key, "rf2:{171}t:ab01000000000000000000000000000000000000000000000000"
                                "000000000000");
}

static void a_subject_is_known_by_its_hash(void)
{
    struct cache_subject subject;
    CU_ASSERT_TRUE(
        cache_subject_parse(slice_text("2bd806c97f0e00af1a1fc3328fa763a9"), &subject));
    CU_ASSERT_EQUAL(subject.bucket, 43);
    CU_ASSERT_FALSE(
        cache_subject_parse(slice_text("2bd806c97f0e00af1a1fc3328fa763aX"), &subject));
    CU_ASSERT_FALSE(cache_subject_parse(slice_text("2bd8"), &subject));
}

static void only_a_live_heartbeat_is_one(void)
{
    static const char *const others[] = {
        "", "L", "B 0123456789abcdef0123456789abcdef",
        "L 0123456789abcdef0123456789abcdef 1 2 3 4",
        "L 0123456789abcdef0123456789abcdef 1 2 3 4 5 6",
        "L 0123456789abcdef0123456789abcdef 1 2 3 4 5 ",
        "L 0123456789abcdef0123456789abcdef 1 2 3 4 -5",
        "L 0123456789abcdef0123456789abcdef 1 2  3 4",
        "L 0123456789abcdef0123456789abcdef 1 2 3 4 99999999999999999999",
        "L 0123456789abcdef 1 2 3 4 5",
    };
    struct cache_heartbeat heartbeat;
    CU_ASSERT_TRUE(cache_heartbeat_parse(
        slice_text("L 0123456789abcdef0123456789abcdef 11 22 33 44 55"), &heartbeat));
    CU_ASSERT_EQUAL(heartbeat.epoch, 11);
    CU_ASSERT_EQUAL(heartbeat.polled_at_us, 22);
    CU_ASSERT_EQUAL(heartbeat.people, 33);
    CU_ASSERT_EQUAL(heartbeat.catalogue, 44);
    CU_ASSERT_EQUAL(heartbeat.model, 55);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CU_ASSERT_FALSE(cache_heartbeat_parse(slice_text(others[i]), &heartbeat));
    }
}

static enum cache_mark_kind kind_of(const char *text)
{
    struct cache_mark mark;
    cache_mark_parse(slice_text(text), &mark);
    return mark.kind;
}

static void marks_are_told_apart(void)
{
    struct cache_mark mark;
    cache_mark_parse(slice_text("1 999999999999999999 3 4"), &mark);
    CU_ASSERT_EQUAL(mark.kind, CACHE_MARK_NUMBER);
    CU_ASSERT_EQUAL(mark.epoch, 1);
    CU_ASSERT_EQUAL(mark.live, 999999999999999999);
    CU_ASSERT_EQUAL(mark.past, 3);
    CU_ASSERT_EQUAL(mark.auth, 4);
    cache_mark_parse(slice_text("Labc"), &mark);
    CU_ASSERT_EQUAL(mark.kind, CACHE_MARK_LEASE);
    CU_ASSERT_TRUE(slice_is(mark.nonce, "abc"));
    CU_ASSERT_EQUAL(kind_of(""), CACHE_MARK_ABSENT);
    CU_ASSERT_EQUAL(kind_of("1 2 3"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("1 2 3 4 5"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("1 2 3 4 "), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of(" 1 2 3 4"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("1 2 x 4"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("1 2 +3 4"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("1 1000000000000000000 3 4"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("01 2 3 4"), CACHE_MARK_FOREIGN);
    CU_ASSERT_EQUAL(kind_of("0 2 3 4"), CACHE_MARK_NUMBER);
}

static void identities_come_back_as_they_were(void)
{
    struct buffer bytes = BUFFER_EMPTY;
    const struct cache_profile profile = {
        .user_id = 7, .user_name = slice_text("Ann"), .is_public = true};
    struct cache_profile read_profile;
    cache_profile_encode(&bytes, &profile);
    CU_ASSERT_TRUE(cache_profile_decode(buffer_slice(&bytes), &read_profile));
    CU_ASSERT_EQUAL(read_profile.user_id, 7);
    CU_ASSERT_TRUE(read_profile.is_public);
    CU_ASSERT_EQUAL(read_profile.viewer_id, 0);
    CU_ASSERT_TRUE(slice_is(read_profile.user_name, "Ann"));
    CU_ASSERT_FALSE(cache_profile_decode(slice_of(bytes.data, 15), &read_profile));

    struct cache_account account = {.user_id = 8,
                                    .user_name = slice_text("Bob"),
                                    .scopes = 5,
                                    .is_admin = true};
    struct cache_account read_account;
    cache_subject_of(slice_text("bob"), &account.subject);
    buffer_clear(&bytes);
    cache_account_encode(&bytes, &account);
    CU_ASSERT_TRUE(cache_account_decode(buffer_slice(&bytes), &read_account));
    CU_ASSERT_EQUAL(read_account.user_id, 8);
    CU_ASSERT_EQUAL(read_account.scopes, 5);
    CU_ASSERT_TRUE(read_account.is_admin);
    CU_ASSERT_STRING_EQUAL(read_account.subject.hash, account.subject.hash);
    CU_ASSERT_EQUAL(read_account.subject.bucket, account.subject.bucket);
    CU_ASSERT_TRUE(slice_is(read_account.user_name, "Bob"));
    CU_ASSERT_FALSE(cache_account_decode(slice_of(bytes.data, 55), &read_account));
    bytes.data[30] = 'Z';
    CU_ASSERT_FALSE(cache_account_decode(buffer_slice(&bytes), &read_account));
    buffer_free(&bytes);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(values_come_back_as_they_were),
        UNIT_TEST(every_flipped_bit_and_every_cut_is_refused),
        UNIT_TEST(a_value_under_another_key_is_refused),
        UNIT_TEST(windows_close_ten_minutes_after_their_end),
        UNIT_TEST(keys_are_stable),
        UNIT_TEST(a_subject_is_known_by_its_hash),
        UNIT_TEST(only_a_live_heartbeat_is_one),
        UNIT_TEST(marks_are_told_apart),
        UNIT_TEST(identities_come_back_as_they_were),
    };
    struct error error;
    if (secret_init(&error) != RESULT_OK) {
        return 1;
    }
    return unit_run("cache", tests, sizeof tests / sizeof *tests);
}
