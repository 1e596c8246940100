#include "redis/conn.h"
#include "unit.h"

static void unix_sockets_and_hosts_are_read(void)
{
    struct kv_address address;
    struct error error;
    CU_ASSERT_EQUAL(kv_address_parse("unix:///run/redis.sock", &address, &error), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(address.path, "/run/redis.sock");
    kv_address_free(&address);
    CU_ASSERT_EQUAL(kv_address_parse("redis://cache.example", &address, &error), RESULT_OK);
    CU_ASSERT_PTR_NULL(address.path);
    CU_ASSERT_STRING_EQUAL(address.host, "cache.example");
    CU_ASSERT_EQUAL(address.port, 6379);
    CU_ASSERT_PTR_NULL(address.password);
    kv_address_free(&address);
}

static void credentials_are_split_at_the_last_at_sign(void)
{
    struct kv_address address;
    struct error error;
    CU_ASSERT_EQUAL(kv_address_parse("redis://me:p@ss:word@h:1234/0", &address, &error),
                    RESULT_OK);
    CU_ASSERT_STRING_EQUAL(address.user, "me");
    CU_ASSERT_STRING_EQUAL(address.password, "p@ss:word");
    CU_ASSERT_STRING_EQUAL(address.host, "h");
    CU_ASSERT_EQUAL(address.port, 1234);
    kv_address_free(&address);
    CU_ASSERT_EQUAL(kv_address_parse("redis://:secret@h", &address, &error), RESULT_OK);
    CU_ASSERT_PTR_NULL(address.user);
    CU_ASSERT_STRING_EQUAL(address.password, "secret");
    kv_address_free(&address);
}

static void credentials_are_percent_decoded(void)
{
    struct kv_address address;
    struct error error;
    CU_ASSERT_EQUAL(kv_address_parse("redis://m%65:%3a%2F%40%25@h", &address, &error), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(address.user, "me");
    CU_ASSERT_STRING_EQUAL(address.password, ":/@%");
    kv_address_free(&address);
    CU_ASSERT_EQUAL(kv_address_parse("redis://:@h", &address, &error), RESULT_OK);
    CU_ASSERT_STRING_EQUAL(address.password, "");
    kv_address_free(&address);
}

static void other_urls_are_refused_without_repeating_them(void)
{
    static const char *const urls[] = {
        "",           "redis.sock",        "unix://relative",      "rediss://:secret@h",
        "redis://",   "redis://h:0",       "redis://h:99999",      "redis://h:port",
        "redis://h/3", "redis://secret@h", "redis+cluster://a,b",
        "redis://:secret%@h", "redis://:secret%4@h", "redis://:secret%zz@h",
        "redis://%4:secret@h", "redis://:secret%00@h",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct kv_address address;
        struct error error;
        CU_ASSERT_EQUAL(kv_address_parse(urls[i], &address, &error), RESULT_INVALID);
        CU_ASSERT_PTR_NULL(strstr(error.text, "secret"));
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(unix_sockets_and_hosts_are_read),
        UNIT_TEST(credentials_are_split_at_the_last_at_sign),
        UNIT_TEST(credentials_are_percent_decoded),
        UNIT_TEST(other_urls_are_refused_without_repeating_them),
    };
    return unit_run("redis_address", tests, sizeof tests / sizeof *tests);
}
