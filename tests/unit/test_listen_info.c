/* additional_info: what is kept as it was sent, what is flattened, what is too much. */
#include "unit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "info_fixture.h"
#include "json/json.h"

static void nothing_is_no_info(void)
{
    CU_ASSERT(info_keeps("{}", ""));
    CU_ASSERT(info_keeps("null", ""));
    CU_ASSERT(info_keeps("[]", ""));
    CU_ASSERT(info_keeps("[ ]", ""));
    static const char *const bad[] = {"[1]", "\"\"", "\"x\"", "0", "5", "true", "false"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(info_refuses(bad[i], "track_metadata.additional_info must be an object."));
    }
}

/* ── what is kept ── */

static void the_rest_is_kept_as_sent(void)
{
    CU_ASSERT(
        info_keeps("{\"tracknumber\": 1.50 ,\"n\":123456789012345678901234567890,\"e\":1E+2,"
                   "\"b\":true,\"z\":null,\"s\":\"\\u00e9\\/\",\"l\":[ {\"a\" : {\"b\":1}} ,2 ]}",
                   "{\"tracknumber\":1.50,\"n\":123456789012345678901234567890,\"e\":1E+2,"
                   "\"b\":true,\"z\":null,\"s\":\"\\u00e9\\/\",\"l\":[ {\"a\" : {\"b\":1}} ,2 ]}"));
    CU_ASSERT(info_keeps("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"));
    CU_ASSERT(info_keeps("{\"\":1,\"q\\\"\\u0001\":2}", "{\"\":1,\"q\\\"\\u0001\":2}"));
    /* The last of doubled keys is the one that is checked. */
    CU_ASSERT(info_keeps("{\"duration\":\"x\",\"duration\":5}", "{\"duration\":5}"));
    CU_ASSERT(info_refuses("{\"duration\":5,\"duration\":\"x\"}",
                           "Value for duration is invalid, should be a positive integer."));
}

static void nested_objects_come_out_flat(void)
{
    CU_ASSERT(info_keeps("{\"a\":{\"b\":1}}", "{\"a.b\":1}"));
    CU_ASSERT(info_keeps("{\"x\":0,\"a\":{\"b\":{\"c\":[1],\"d\":\"s\"},\"e\":null},\"y\":{}}",
                         "{\"x\":0,\"a.b.c\":[1],\"a.b.d\":\"s\",\"a.e\":null}"));
    CU_ASSERT(info_keeps("{\"\":{\"\":{\"k\":1}}}", "{\"..k\":1}"));
    CU_ASSERT(info_keeps("{\"\\u0061\":{\"\\\"\":1}}", "{\"a.\\\"\":1}"));
    /* Fields are checked at the top alone. */
    CU_ASSERT(
        info_keeps("{\"x\":{\"duration\":-1,\"tags\":5}}", "{\"x.duration\":-1,\"x.tags\":5}"));
    /* Where flattening makes a key twice, the later one counts; a key is replaced as a whole. */
    CU_ASSERT(info_keeps("{\"a\":{\"b\":1},\"a.b\":2}", "{\"a.b\":2}"));
    CU_ASSERT(info_keeps("{\"a.b\":2,\"a\":{\"b\":1}}", "{\"a.b\":1}"));
    CU_ASSERT(info_keeps("{\"a\":{\"b\":1},\"a\":5}", "{\"a\":5}"));
    CU_ASSERT(info_keeps("{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "{\"a.c\":2}"));
}

static void the_client_stands_apart(void)
{
    CU_ASSERT(info_keeps("{\"submission_client\":\"na\\u0076idrome\",\"x\":1}", "{\"x\":1}"));
    CU_ASSERT(slice_is(info_listen.client, "navidrome"));
    CU_ASSERT(info_keeps("{\"submission_client\":\"navidrome\"}", ""));
    CU_ASSERT(info_keeps("{\"submission_client\":\"\"}", "{\"submission_client\":\"\"}"));
    CU_ASSERT_EQUAL(info_listen.client.size_bytes, 0);
    CU_ASSERT(info_keeps("{\"submission_client\":5}", "{\"submission_client\":5}"));
}

static void other_metadata_is_kept_as_sent(void)
{
    CU_ASSERT_EQUAL(info_parse_metadata("\"x\":{\"y\":1.50},\"mbid_mapping\":null,"
                                        "\"x2\":[1]"),
                    RESULT_OK);
    CU_ASSERT(
        slice_is(info_listen.metadata, "{\"x\":{\"y\":1.50},\"mbid_mapping\":null,\"x2\":[1]}"));
    CU_ASSERT_EQUAL(info_parse_metadata("\"release_name\":\"r\","
                                        "\"additional_info\":{\"y\":1}"),
                    RESULT_OK);
    CU_ASSERT_EQUAL(info_listen.metadata.size_bytes, 0);
}

/* ── numbers that PostgreSQL can't hold, or would write very long ── */

static void wild_numbers_are_refused(void)
{
    static const char *const good[] = {
        "1e308", "-1.7976931348623157e308", "5e-324", "1e999", "1e-1000", "1E+5", "0.1e999", "0e5"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT_EQUAL(info_parse(info_object("x", good[i])), RESULT_OK);
    }
    static const char *const bad[] = {"1e999999",           "-1e999999",
                                      "1e-999999",          "1e1000",
                                      "1.5e-1000",          "1e99999999999999999999",
                                      "[{\"a\":1e131073}]", "{\"a\":1e5000}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(info_parse(info_object("x", bad[i])), RESULT_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(info_error.text,
                                      "is out of range, numbers may have at most 1000"
                                      " digits before and after the point."));
    }
    CU_ASSERT(info_refuses("{\"x\":1e999999}",
                           "The number 1e999999 is out of range, numbers may have at"
                           " most 1000 digits before and after the point."));
    CU_ASSERT_EQUAL(info_parse_metadata("\"x\":1e999999"), RESULT_INVALID);
    char digits[1200];
    memset(digits, '9', sizeof digits);
    digits[1000] = '\0';
    CU_ASSERT_EQUAL(info_parse(info_object("x", digits)), RESULT_OK);
    digits[1000] = '9';
    digits[1001] = '\0';
    CU_ASSERT_EQUAL(info_parse(info_object("x", digits)), RESULT_INVALID);
    /* In strings they are just text. */
    CU_ASSERT(info_keeps("{\"x\":\"1e999999\"}", "{\"x\":\"1e999999\"}"));
}

/* ── large ones ── */

static void many_keys_take_no_longer_than_their_number(void)
{
    enum { count = 200000 };
    struct buffer info = BUFFER_EMPTY;
    for (int i = 0; i < count; i++) {
        buffer_append_format(&info, "%c\"k%d\":{\"v\":%d}", i == 0 ? '{' : ',', i, i);
    }
    buffer_append_char(&info, '}');
    int64_t started_us = clock_mono_us();
    CU_ASSERT_EQUAL(info_parse(info.data), RESULT_OK);
    /* Comparing each with each would take minutes. */
    CU_ASSERT(clock_mono_us() - started_us < 10000000);
    CU_ASSERT_EQUAL(memcmp(info_listen.info.data, "{\"k0.v\":0,\"k1.v\":1,", 19), 0);
    buffer_free(&info);
}

static void flattening_is_bounded(void)
{
    struct buffer info = BUFFER_EMPTY;
    buffer_append_text(&info, "{\"");
    for (int i = 0; i < 10000; i++) {
        buffer_append_char(&info, 'a');
    }
    buffer_append_text(&info, "\":{");
    for (int i = 0; i < 1000; i++) {
        buffer_append_format(&info, "%s\"%d\":1", i == 0 ? "" : ",", i);
    }
    buffer_append_text(&info, "}}");
    CU_ASSERT(info_refuses(info.data,
                           "track_metadata.additional_info grows too large when its nested"
                           " objects are flattened."));
    buffer_free(&info);
    /* What clients send is nowhere near. */
    buffer_append_text(&info, "{\"media_player_state\":{");
    for (int i = 0; i < 200; i++) {
        buffer_append_format(&info, "%s\"setting_%d\":1", i == 0 ? "" : ",", i);
    }
    buffer_append_text(&info, "}}");
    CU_ASSERT_EQUAL(info_parse(info.data), RESULT_OK);
    buffer_free(&info);
}

static void deep_ones_are_flattened_too(void)
{
    struct buffer info = BUFFER_EMPTY;
    struct buffer flat = BUFFER_EMPTY;
    buffer_append_text(&flat, "{\"");
    enum { levels = JSON_DEPTH_MAX - 2 }; /* below the listen and its track_metadata */
    for (int i = 0; i < levels; i++) {
        buffer_append_text(&info, "{\"k\":");
        buffer_append_text(&flat, i == 0 ? "k" : ".k");
    }
    buffer_append_text(&info, "1");
    for (int i = 0; i < levels; i++) {
        buffer_append_char(&info, '}');
    }
    buffer_append_text(&flat, "\":1}");
    CU_ASSERT(info_keeps(info.data, flat.data));
    buffer_free(&info);
    buffer_free(&flat);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(nothing_is_no_info),
        UNIT_TEST(the_rest_is_kept_as_sent),
        UNIT_TEST(nested_objects_come_out_flat),
        UNIT_TEST(the_client_stands_apart),
        UNIT_TEST(other_metadata_is_kept_as_sent),
        UNIT_TEST(wild_numbers_are_refused),
        UNIT_TEST(many_keys_take_no_longer_than_their_number),
        UNIT_TEST(flattening_is_bounded),
        UNIT_TEST(deep_ones_are_flattened_too),
    };
    info_begin();
    int status = unit_run("info", tests, sizeof tests / sizeof *tests);
    info_end();
    return status;
}
