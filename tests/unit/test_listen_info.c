/* additional_info: what is checked, put right, dropped, flattened, and kept as it was sent. */
#include "unit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "json/json.h"
#include "listen/submission.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;
static struct listen listen;
static struct error error;
static struct buffer body;

static enum result parse_metadata(const char *metadata)
{
    arena_reset(arena);
    error.text[0] = '\0';
    buffer_clear(&body);
    buffer_append_format(&body, "{\"listened_at\":1600000000,\"track_metadata\":{\"track_name\":\"t\","
                                "\"artist_name\":\"a\",%s}}", metadata);
    CU_ASSERT_EQUAL_FATAL(jtext_check(buffer_slice(&body), &error), RESULT_OK);
    return submission_parse_listen(buffer_slice(&body), SUBMISSION_SINGLE, 1700000000, arena,
                                   &listen, &error);
}

static enum result parse(const char *info)
{
    struct buffer metadata = BUFFER_EMPTY;
    buffer_append_format(&metadata, "\"additional_info\":%s", info);
    enum result result = parse_metadata(metadata.data);
    buffer_free(&metadata);
    return result;
}

static bool refuses(const char *info, const char *text)
{
    enum result result = parse(info);
    bool right = result == RESULT_INVALID && strcmp(error.text, text) == 0;
    if (!right) {
        printf("# %.200s\n#   gave (%s) %s\n", info, result_name(result), error.text);
    }
    return right;
}

/* Whether `info` is kept as `kept`. */
static bool keeps(const char *info, const char *kept)
{
    enum result result = parse(info);
    bool right = result == RESULT_OK && slice_is(listen.info, kept);
    if (!right) {
        printf("# %.200s\n#   gave (%s) %s %.*s\n", info, result_name(result), error.text,
               SLICE_ARGS(listen.info));
    }
    return right;
}

/* {"key":value} */
static const char *object(const char *key, const char *value)
{
    static char text[9000];
    snprintf(text, sizeof text, "{\"%s\":%s}", key, value);
    return text;
}

static void nothing_is_no_info(void)
{
    CU_ASSERT(keeps("{}", ""));
    CU_ASSERT(keeps("null", ""));
    CU_ASSERT(keeps("[]", ""));
    CU_ASSERT(keeps("[ ]", ""));
    static const char *const bad[] = {"[1]", "\"\"", "\"x\"", "0", "5", "true", "false"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(refuses(bad[i], "track_metadata.additional_info must be an object."));
    }
}

/* ── tags ── */

static void tags_are_bounded(void)
{
    static const char not_strings[] = "track_metadata.additional_info.tags must be a list of"
                                      " strings.";
    static const char too_long[] = "JSON document may not contain track_metadata.additional_info"
                                   ".tags longer than 64 characters.";
    CU_ASSERT(keeps("{\"tags\":[]}", "{\"tags\":[]}"));
    CU_ASSERT(keeps("{\"tags\":[\"a\", \"b\"]}", "{\"tags\":[\"a\", \"b\"]}"));
    CU_ASSERT(keeps("{\"tags\":null,\"x\":1}", "{\"x\":1}"));
    CU_ASSERT(keeps("{\"tags\":\"\"}", ""));
    CU_ASSERT(keeps("{\"tags\":\"lied\"}", "{\"tags\":[\"lied\"]}"));
    static const char *const bad[] = {"5", "{\"a\":1}", "{}", "true", "[1]", "[null]", "[[\"a\"]]",
                                      "[\"a\",{}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(refuses(object("tags", bad[i]), not_strings));
    }
    /* 64 characters, as bytes and escaped in turn. */
    struct buffer tag = BUFFER_EMPTY;
    for (int i = 0; i < 32; i++) {
        buffer_append_text(&tag, "\xe5\x9d\x82\\u5742");
    }
    char value[2000];
    snprintf(value, sizeof value, "\"%s\"", tag.data);
    CU_ASSERT_EQUAL(parse(object("tags", value)), RESULT_OK);
    snprintf(value, sizeof value, "[\"%s\"]", tag.data);
    CU_ASSERT_EQUAL(parse(object("tags", value)), RESULT_OK);
    snprintf(value, sizeof value, "[\"b\",\"x%s\"]", tag.data);
    CU_ASSERT(refuses(object("tags", value), too_long));
    snprintf(value, sizeof value, "\"x%s\"", tag.data);
    CU_ASSERT(refuses(object("tags", value), too_long));
    buffer_free(&tag);
}

static void tags_are_counted_first(void)
{
    for (int count = 50; count <= 51; count++) {
        struct buffer list = BUFFER_EMPTY;
        for (int i = 0; i < count; i++) {
            buffer_append_text(&list, i == 0 ? "[1" : ",1");
        }
        buffer_append_char(&list, ']');
        CU_ASSERT(refuses(object("tags", list.data),
                          count == 50 ? "track_metadata.additional_info.tags must be a list of"
                                        " strings."
                                      : "JSON document may not contain more than 50 items in"
                                        " track_metadata.additional_info.tags."));
        buffer_free(&list);
    }
}

/* ── durations ── */

static void durations_become_integers(void)
{
    static const struct {
        const char *sent;
        const char *kept;
    } rows[] = {
        {"241", "241"}, {"241.9", "241"}, {"\"241\"", "241"}, {"\" 241.9 \"", "241"}, {"2.41e2", "241"},
        {"\"2.41E+2\"", "241"}, {"true", "1"}, {"1.0", "1"}, {"\"1_000\"", "1000"}, {"\"+7.\"", "7"},
        {"2073600", "2073600"}, {"2073600.9", "2073600"}, {"\"24150e-2\"", "241"},
        {"0.00241e5", "241"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char kept[100];
        snprintf(kept, sizeof kept, "{\"duration\":%s}", rows[i].kept);
        CU_ASSERT(keeps(object("duration", rows[i].sent), kept));
        CU_ASSERT_EQUAL(listen.duration_ms, 1000 * strtoll(rows[i].kept, NULL, 10));
        snprintf(kept, sizeof kept, "{\"duration_ms\":%s}", rows[i].kept);
        CU_ASSERT(keeps(object("duration_ms", rows[i].sent), kept));
        CU_ASSERT_EQUAL(listen.duration_ms, strtoll(rows[i].kept, NULL, 10));
    }
    CU_ASSERT(keeps("{\"duration_ms\":2073600000}", "{\"duration_ms\":2073600000}"));
}

static void bad_durations_are_refused(void)
{
    static const char *const bad[] = {
        "null", "0", "0.9", "-1", "-0", "\"\"", "\" \"", "\"abc\"", "\"0\"", "\"-5\"", "\"inf\"",
        "\"-inf\"", "\"nan\"", "\"Infinity\"", "\"1e999\"", "1e400", "false", "[]", "[1]", "{}",
        "{\"a\":1}", "\"1,5\"", "\"3:20\"", "\".\"", "\"e5\"", "\"1e\"", "\"_1\"", "\"1__0\"",
        "\"0x1\"", "\"1 2\"", "-1e300",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(refuses(object("duration", bad[i]),
                          "Value for duration is invalid, should be a positive integer."));
        CU_ASSERT(refuses(object("duration_ms", bad[i]),
                          "Value for duration_ms is invalid, should be a positive integer."));
    }
    static const char *const large[] = {"2073601", "1e300", "\"99999999999999999999999\""};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        CU_ASSERT(refuses(object("duration", large[i]),
                          "Value for duration is too large, max permitted value is 2073600"));
    }
    CU_ASSERT(refuses("{\"duration_ms\":2073600001}",
                      "Value for duration_ms is too large, max permitted value is 2073600000"));
    CU_ASSERT(refuses("{\"duration\":1,\"duration_ms\":null}",
                      "JSON document should not contain both duration and duration_ms."));
}

/* ── MBIDs ── */

static const char mbid[] = "f1b1cf71-bd35-4e99-8624-24a6e15f133a";

static void single_mbids_are_checked(void)
{
    static const char *const keys[] = {"release_mbid", "recording_mbid", "release_group_mbid",
                                       "track_mbid"};
    static const char *const falsy[] = {"null", "\"\"", "0", "0.0", "-0e5", "false", "[]", "{}"};
    static const char *const bad[] = {"\"x\"", "5", "true", "[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\"]",
                                      "{\"a\":1}", "\"f1b1cf71-bd35-4e99-8624-24a6e15f133\"", "\" \""};
    char text[200];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (size_t j = 0; j < sizeof falsy / sizeof *falsy; j++) {
            CU_ASSERT(keeps(object(keys[i], falsy[j]), ""));
        }
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            snprintf(text, sizeof text, "%s MBID format invalid.", keys[i]);
            CU_ASSERT(refuses(object(keys[i], bad[j]), text));
        }
        snprintf(text, sizeof text, "{\"%s\":\"{F1B1CF71BD354E99862424A6E15F133A}\"}", keys[i]);
        CU_ASSERT(keeps(text, text));
    }
    CU_ASSERT_EQUAL(parse("{\"release_mbid\":\"urn:uuid:F1B1CF71-bd35-4e99-8624-24a6e15f1301\","
                          "\"recording_mbid\":\"f1b1cf71bd354e99862424a6e15f1302\","
                          "\"release_group_mbid\":\"f1b1cf71-bd35-4e99-8624-24a6e15f1303\"}"),
                    RESULT_OK);
    CU_ASSERT(slice_is(listen.release_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1301"));
    CU_ASSERT(slice_is(listen.recording_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1302"));
    CU_ASSERT(slice_is(listen.release_group_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1303"));
}

static void lists_of_mbids_are_filtered(void)
{
    static const char *const keys[] = {"artist_mbids", "work_mbids"};
    static const char *const falsy[] = {"null", "[]", "\"\"", "0", "{}", "false",
                                        "[null,\"\",0,[],{},false]"};
    static const char *const bad[] = {"\"x\"", "5", "true", "{\"a\":1}", "[\"x\"]", "[null,5]", "[[5]]",
                                      "[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\",\"x\"]"};
    char sent[300];
    char kept[300];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (size_t j = 0; j < sizeof falsy / sizeof *falsy; j++) {
            CU_ASSERT(keeps(object(keys[i], falsy[j]), ""));
        }
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            snprintf(kept, sizeof kept, "%s MBID format invalid.", keys[i]);
            CU_ASSERT(refuses(object(keys[i], bad[j]), kept));
        }
        snprintf(sent, sizeof sent, "{\"%s\":[\"\",\"%s\" , null,\"%s\"]}", keys[i], mbid, mbid);
        snprintf(kept, sizeof kept, "{\"%s\":[\"%s\",\"%s\"]}", keys[i], mbid, mbid);
        CU_ASSERT(keeps(sent, kept));
        snprintf(sent, sizeof sent, "{\"%s\":\"%s\"}", keys[i], mbid);
        snprintf(kept, sizeof kept, "{\"%s\":[\"%s\"]}", keys[i], mbid);
        CU_ASSERT(keeps(sent, kept));
    }
    CU_ASSERT_EQUAL(parse("{\"artist_mbids\":[\"\",\"F1B1CF71bd354e99862424a6e15f1301\","
                          "\"f1b1cf71-bd35-4e99-8624-24a6e15f1302\"]}"), RESULT_OK);
    CU_ASSERT(slice_is(listen.artist_mbids, "{f1b1cf71-bd35-4e99-8624-24a6e15f1301,"
                                            "f1b1cf71-bd35-4e99-8624-24a6e15f1302}"));
}

static void fields_are_checked_in_order(void)
{
    static const struct {
        const char *begins; /* the error of … */
        const char *info;   /* … which this one holds from here on */
    } rows[] = {
        {"track_metadata.additional_info.tags", "\"tags\":5"},
        {"JSON document should not contain both", "\"duration\":0,\"duration_ms\":0"},
        {"Value for duration_ms is invalid", "\"duration_ms\":0"},
        {"release_mbid", "\"release_mbid\":5"},
        {"recording_mbid", "\"recording_mbid\":5"},
        {"release_group_mbid", "\"release_group_mbid\":5"},
        {"track_mbid", "\"track_mbid\":5"},
        {"artist_mbids", "\"artist_mbids\":5"},
        {"work_mbids", "\"work_mbids\":5"},
        {"a\\u0000 contains", "\"a\\u0000\":1"},
    };
    enum { count = sizeof rows / sizeof *rows };
    for (size_t first = 0; first < count; first++) {
        struct buffer info = BUFFER_EMPTY;
        for (size_t i = count; i-- > first;) { /* backwards: the order is the check's, not ours */
            if (!(first < 2 && i == 2)) {
                buffer_append_char(&info, info.size_bytes == 0 ? '{' : ',');
                buffer_append_text(&info, rows[i].info);
            }
        }
        buffer_append_char(&info, '}');
        CU_ASSERT_EQUAL(parse(info.data), RESULT_INVALID);
        CU_ASSERT_EQUAL(strncmp(error.text, rows[first].begins, strlen(rows[first].begins)), 0);
        buffer_free(&info);
    }
}

/* ── what is kept ── */

static void the_rest_is_kept_as_sent(void)
{
    CU_ASSERT(keeps("{\"tracknumber\": 1.50 ,\"n\":123456789012345678901234567890,\"e\":1E+2,\"b\":true,"
                    "\"z\":null,\"s\":\"\\u00e9\\/\",\"l\":[ {\"a\" : {\"b\":1}} ,2 ]}",
                    "{\"tracknumber\":1.50,\"n\":123456789012345678901234567890,\"e\":1E+2,\"b\":true,"
                    "\"z\":null,\"s\":\"\\u00e9\\/\",\"l\":[ {\"a\" : {\"b\":1}} ,2 ]}"));
    CU_ASSERT(keeps("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"));
    CU_ASSERT(keeps("{\"\":1,\"q\\\"\\u0001\":2}", "{\"\":1,\"q\\\"\\u0001\":2}"));
    /* The last of doubled keys is the one that is checked. */
    CU_ASSERT(keeps("{\"duration\":\"x\",\"duration\":5}", "{\"duration\":5}"));
    CU_ASSERT(refuses("{\"duration\":5,\"duration\":\"x\"}",
                      "Value for duration is invalid, should be a positive integer."));
}

static void nested_objects_come_out_flat(void)
{
    CU_ASSERT(keeps("{\"a\":{\"b\":1}}", "{\"a.b\":1}"));
    CU_ASSERT(keeps("{\"x\":0,\"a\":{\"b\":{\"c\":[1],\"d\":\"s\"},\"e\":null},\"y\":{}}",
                    "{\"x\":0,\"a.b.c\":[1],\"a.b.d\":\"s\",\"a.e\":null}"));
    CU_ASSERT(keeps("{\"\":{\"\":{\"k\":1}}}", "{\"..k\":1}"));
    CU_ASSERT(keeps("{\"\\u0061\":{\"\\\"\":1}}", "{\"a.\\\"\":1}"));
    /* Fields are checked at the top alone. */
    CU_ASSERT(keeps("{\"x\":{\"duration\":-1,\"tags\":5}}", "{\"x.duration\":-1,\"x.tags\":5}"));
    /* Where flattening makes a key twice, the later one counts; a key is replaced as a whole. */
    CU_ASSERT(keeps("{\"a\":{\"b\":1},\"a.b\":2}", "{\"a.b\":2}"));
    CU_ASSERT(keeps("{\"a.b\":2,\"a\":{\"b\":1}}", "{\"a.b\":1}"));
    CU_ASSERT(keeps("{\"a\":{\"b\":1},\"a\":5}", "{\"a\":5}"));
    CU_ASSERT(keeps("{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "{\"a.c\":2}"));
}

static void the_client_stands_apart(void)
{
    CU_ASSERT(keeps("{\"submission_client\":\"na\\u0076idrome\",\"x\":1}", "{\"x\":1}"));
    CU_ASSERT(slice_is(listen.client, "navidrome"));
    CU_ASSERT(keeps("{\"submission_client\":\"navidrome\"}", ""));
    CU_ASSERT(keeps("{\"submission_client\":\"\"}", "{\"submission_client\":\"\"}"));
    CU_ASSERT_EQUAL(listen.client.size_bytes, 0);
    CU_ASSERT(keeps("{\"submission_client\":5}", "{\"submission_client\":5}"));
}

static void other_metadata_is_kept_as_sent(void)
{
    CU_ASSERT_EQUAL(parse_metadata("\"x\":{\"y\":1.50},\"mbid_mapping\":null,\"x2\":[1]"), RESULT_OK);
    CU_ASSERT(slice_is(listen.metadata, "{\"x\":{\"y\":1.50},\"mbid_mapping\":null,\"x2\":[1]}"));
    CU_ASSERT_EQUAL(parse_metadata("\"release_name\":\"r\",\"additional_info\":{\"y\":1}"), RESULT_OK);
    CU_ASSERT_EQUAL(listen.metadata.size_bytes, 0);
}

/* ── numbers that PostgreSQL can't hold, or would write very long ── */

static void wild_numbers_are_refused(void)
{
    static const char *const good[] = {
        "1e308", "-1.7976931348623157e308", "5e-324", "1e999", "1e-1000", "1E+5", "0.1e999", "0e5"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT_EQUAL(parse(object("x", good[i])), RESULT_OK);
    }
    static const char *const bad[] = {"1e999999", "-1e999999", "1e-999999", "1e1000", "1.5e-1000",
                                      "1e99999999999999999999", "[{\"a\":1e131073}]", "{\"a\":1e5000}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(parse(object("x", bad[i])), RESULT_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is out of range, numbers may have at most 1000"
                                                  " digits before and after the point."));
    }
    CU_ASSERT(refuses("{\"x\":1e999999}", "The number 1e999999 is out of range, numbers may have at"
                                          " most 1000 digits before and after the point."));
    CU_ASSERT_EQUAL(parse_metadata("\"x\":1e999999"), RESULT_INVALID);
    char digits[1200];
    memset(digits, '9', sizeof digits);
    digits[1000] = '\0';
    CU_ASSERT_EQUAL(parse(object("x", digits)), RESULT_OK);
    digits[1000] = '9';
    digits[1001] = '\0';
    CU_ASSERT_EQUAL(parse(object("x", digits)), RESULT_INVALID);
    /* In strings they are just text. */
    CU_ASSERT(keeps("{\"x\":\"1e999999\"}", "{\"x\":\"1e999999\"}"));
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
    CU_ASSERT_EQUAL(parse(info.data), RESULT_OK);
    /* Comparing each with each would take minutes. */
    CU_ASSERT(clock_mono_us() - started_us < 10000000);
    CU_ASSERT_EQUAL(memcmp(listen.info.data, "{\"k0.v\":0,\"k1.v\":1,", 19), 0);
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
    CU_ASSERT(refuses(info.data, "track_metadata.additional_info grows too large when its nested"
                                 " objects are flattened."));
    buffer_free(&info);
    /* What clients send is nowhere near. */
    buffer_append_text(&info, "{\"media_player_state\":{");
    for (int i = 0; i < 200; i++) {
        buffer_append_format(&info, "%s\"setting_%d\":1", i == 0 ? "" : ",", i);
    }
    buffer_append_text(&info, "}}");
    CU_ASSERT_EQUAL(parse(info.data), RESULT_OK);
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
    CU_ASSERT(keeps(info.data, flat.data));
    buffer_free(&info);
    buffer_free(&flat);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(nothing_is_no_info),
        UNIT_TEST(tags_are_bounded),
        UNIT_TEST(tags_are_counted_first),
        UNIT_TEST(durations_become_integers),
        UNIT_TEST(bad_durations_are_refused),
        UNIT_TEST(single_mbids_are_checked),
        UNIT_TEST(lists_of_mbids_are_filtered),
        UNIT_TEST(fields_are_checked_in_order),
        UNIT_TEST(the_rest_is_kept_as_sent),
        UNIT_TEST(nested_objects_come_out_flat),
        UNIT_TEST(the_client_stands_apart),
        UNIT_TEST(other_metadata_is_kept_as_sent),
        UNIT_TEST(wild_numbers_are_refused),
        UNIT_TEST(many_keys_take_no_longer_than_their_number),
        UNIT_TEST(flattening_is_bounded),
        UNIT_TEST(deep_ones_are_flattened_too),
    };
    arena = arena_create();
    int status = unit_run("info", tests, sizeof tests / sizeof *tests);
    arena_destroy(&arena);
    buffer_free(&body);
    return status;
}
