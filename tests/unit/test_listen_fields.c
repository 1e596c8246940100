/* Tags, durations and MBIDs in additional_info: what is checked, put right or dropped. */
#include "unit.h"

#include "base/buffer.h"
#include "info_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* ── tags ── */

static void tags_are_bounded(void)
{
    static const char not_strings[] = "track_metadata.additional_info.tags must be a list of"
                                      " strings.";
    static const char too_long[] = "JSON document may not contain track_metadata.additional_info"
                                   ".tags longer than 64 characters.";
    CU_ASSERT(info_keeps("{\"tags\":[]}", "{\"tags\":[]}"));
    CU_ASSERT(info_keeps("{\"tags\":[\"a\", \"b\"]}", "{\"tags\":[\"a\", \"b\"]}"));
    CU_ASSERT(info_keeps("{\"tags\":null,\"x\":1}", "{\"x\":1}"));
    CU_ASSERT(info_keeps("{\"tags\":\"\"}", ""));
    CU_ASSERT(info_keeps("{\"tags\":\"lied\"}", "{\"tags\":[\"lied\"]}"));
    static const char *const bad[] = {"5",   "{\"a\":1}", "{}",        "true",
                                      "[1]", "[null]",    "[[\"a\"]]", "[\"a\",{}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(info_refuses(info_object("tags", bad[i]), not_strings));
    }
    /* 64 characters, as bytes and escaped in turn. */
    struct buffer tag = BUFFER_EMPTY;
    for (int i = 0; i < 32; i++) {
        buffer_append_text(&tag, "\xe5\x9d\x82\\u5742");
    }
    char value[2000];
    snprintf(value, sizeof value, "\"%s\"", tag.data);
    CU_ASSERT_EQUAL(info_parse(info_object("tags", value)), RESULT_OK);
    snprintf(value, sizeof value, "[\"%s\"]", tag.data);
    CU_ASSERT_EQUAL(info_parse(info_object("tags", value)), RESULT_OK);
    snprintf(value, sizeof value, "[\"b\",\"x%s\"]", tag.data);
    CU_ASSERT(info_refuses(info_object("tags", value), too_long));
    snprintf(value, sizeof value, "\"x%s\"", tag.data);
    CU_ASSERT(info_refuses(info_object("tags", value), too_long));
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
        CU_ASSERT(info_refuses(info_object("tags", list.data),
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
        {"241", "241"},          {"241.9", "241"},       {"\"241\"", "241"},
        {"\" 241.9 \"", "241"},  {"2.41e2", "241"},      {"\"2.41E+2\"", "241"},
        {"true", "1"},           {"1.0", "1"},           {"\"1_000\"", "1000"},
        {"\"+7.\"", "7"},        {"2073600", "2073600"}, {"2073600.9", "2073600"},
        {"\"24150e-2\"", "241"}, {"0.00241e5", "241"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char kept[100];
        snprintf(kept, sizeof kept, "{\"duration\":%s}", rows[i].kept);
        CU_ASSERT(info_keeps(info_object("duration", rows[i].sent), kept));
        CU_ASSERT_EQUAL(info_listen.duration_ms, 1000 * strtoll(rows[i].kept, NULL, 10));
        snprintf(kept, sizeof kept, "{\"duration_ms\":%s}", rows[i].kept);
        CU_ASSERT(info_keeps(info_object("duration_ms", rows[i].sent), kept));
        CU_ASSERT_EQUAL(info_listen.duration_ms, strtoll(rows[i].kept, NULL, 10));
    }
    CU_ASSERT(info_keeps("{\"duration_ms\":2073600000}", "{\"duration_ms\":2073600000}"));
}

static void bad_durations_are_refused(void)
{
    static const char *const bad[] = {
        "null",      "0",        "0.9",    "-1",      "-0",       "\"\"",    "\" \"",
        "\"abc\"",   "\"0\"",    "\"-5\"", "\"inf\"", "\"-inf\"", "\"nan\"", "\"Infinity\"",
        "\"1e999\"", "1e400",    "false",  "[]",      "[1]",      "{}",      "{\"a\":1}",
        "\"1,5\"",   "\"3:20\"", "\".\"",  "\"e5\"",  "\"1e\"",   "\"_1\"",  "\"1__0\"",
        "\"0x1\"",   "\"1 2\"",  "-1e300",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(info_refuses(info_object("duration", bad[i]),
                               "Value for duration is invalid, should be a positive integer."));
        CU_ASSERT(info_refuses(info_object("duration_ms", bad[i]),
                               "Value for duration_ms is invalid, should be a positive integer."));
    }
    static const char *const large[] = {"2073601", "1e300", "\"99999999999999999999999\""};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        CU_ASSERT(info_refuses(info_object("duration", large[i]),
                               "Value for duration is too large, max permitted value is 2073600"));
    }
    CU_ASSERT(
        info_refuses("{\"duration_ms\":2073600001}",
                     "Value for duration_ms is too large, max permitted value is 2073600000"));
    CU_ASSERT(info_refuses("{\"duration\":1,\"duration_ms\":null}",
                           "JSON document should not contain both duration and duration_ms."));
}

/* ── MBIDs ── */

static const char mbid[] = "f1b1cf71-bd35-4e99-8624-24a6e15f133a";

static void single_mbids_are_checked(void)
{
    static const char *const keys[] = {"release_mbid", "recording_mbid", "release_group_mbid",
                                       "track_mbid"};
    static const char *const falsy[] = {"null", "\"\"", "0", "0.0", "-0e5", "false", "[]", "{}"};
    static const char *const bad[] = {"\"x\"",
                                      "5",
                                      "true",
                                      "{\"a\":1}",
                                      "\" \"",
                                      "[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\"]",
                                      "\"f1b1cf71-bd35-4e99-8624-24a6e15f133\""};
    char text[200];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (size_t j = 0; j < sizeof falsy / sizeof *falsy; j++) {
            CU_ASSERT(info_keeps(info_object(keys[i], falsy[j]), ""));
        }
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            snprintf(text, sizeof text, "%s MBID format invalid.", keys[i]);
            CU_ASSERT(info_refuses(info_object(keys[i], bad[j]), text));
        }
        snprintf(text, sizeof text, "{\"%s\":\"{F1B1CF71BD354E99862424A6E15F133A}\"}", keys[i]);
        CU_ASSERT(info_keeps(text, text));
    }
    CU_ASSERT_EQUAL(
        info_parse("{\"release_mbid\":\"urn:uuid:F1B1CF71-bd35-4e99-8624-24a6e15f1301\","
                   "\"recording_mbid\":\"f1b1cf71bd354e99862424a6e15f1302\","
                   "\"release_group_mbid\":\"f1b1cf71-bd35-4e99-8624-24a6e15f1303\"}"),
        RESULT_OK);
    CU_ASSERT(slice_is(info_listen.release_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1301"));
    CU_ASSERT(slice_is(info_listen.recording_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1302"));
    CU_ASSERT(slice_is(info_listen.release_group_mbid, "f1b1cf71-bd35-4e99-8624-24a6e15f1303"));
}

static void lists_of_mbids_are_filtered(void)
{
    static const char *const keys[] = {"artist_mbids", "work_mbids"};
    static const char *const falsy[] = {
        "null", "[]", "\"\"", "0", "{}", "false", "[null,\"\",0,[],{},false]"};
    static const char *const bad[] = {
        "\"x\"",   "5",        "true",  "{\"a\":1}",
        "[\"x\"]", "[null,5]", "[[5]]", "[\"f1b1cf71-bd35-4e99-8624-24a6e15f133a\",\"x\"]"};
    char sent[300];
    char kept[300];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (size_t j = 0; j < sizeof falsy / sizeof *falsy; j++) {
            CU_ASSERT(info_keeps(info_object(keys[i], falsy[j]), ""));
        }
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            snprintf(kept, sizeof kept, "%s MBID format invalid.", keys[i]);
            CU_ASSERT(info_refuses(info_object(keys[i], bad[j]), kept));
        }
        snprintf(sent, sizeof sent, "{\"%s\":[\"\",\"%s\" , null,\"%s\"]}", keys[i], mbid, mbid);
        snprintf(kept, sizeof kept, "{\"%s\":[\"%s\",\"%s\"]}", keys[i], mbid, mbid);
        CU_ASSERT(info_keeps(sent, kept));
        snprintf(sent, sizeof sent, "{\"%s\":\"%s\"}", keys[i], mbid);
        snprintf(kept, sizeof kept, "{\"%s\":[\"%s\"]}", keys[i], mbid);
        CU_ASSERT(info_keeps(sent, kept));
    }
    CU_ASSERT_EQUAL(info_parse("{\"artist_mbids\":[\"\",\"F1B1CF71bd354e99862424a6e15f1301\","
                               "\"f1b1cf71-bd35-4e99-8624-24a6e15f1302\"]}"),
                    RESULT_OK);
    CU_ASSERT(slice_is(info_listen.artist_mbids, "{f1b1cf71-bd35-4e99-8624-24a6e15f1301,"
                                                 "f1b1cf71-bd35-4e99-8624-24a6e15f1302}"));
}

/* The catalogue is everybody's, so one listen must not fill it. */
static void very_long_credits_stay_with_the_listen(void)
{
    for (int count = 100; count <= 101; count++) {
        struct buffer info = BUFFER_EMPTY;
        for (int i = 0; i < count; i++) {
            buffer_append_format(&info, "%s\"%s\"", i == 0 ? "{\"artist_mbids\":[" : ",", mbid);
        }
        buffer_append_text(&info, "]}");
        CU_ASSERT(info_keeps(info.data, info.data));
        CU_ASSERT_EQUAL(info_listen.artist_mbids.size_bytes, count == 100 ? 100 * 37 + 1 : 0);
        buffer_free(&info);
    }
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
        CU_ASSERT_EQUAL(info_parse(info.data), RESULT_INVALID);
        CU_ASSERT_EQUAL(strncmp(info_error.text, rows[first].begins, strlen(rows[first].begins)),
                        0);
        buffer_free(&info);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(tags_are_bounded),
        UNIT_TEST(tags_are_counted_first),
        UNIT_TEST(durations_become_integers),
        UNIT_TEST(bad_durations_are_refused),
        UNIT_TEST(single_mbids_are_checked),
        UNIT_TEST(lists_of_mbids_are_filtered),
        UNIT_TEST(very_long_credits_stay_with_the_listen),
        UNIT_TEST(fields_are_checked_in_order),
    };
    info_begin();
    int status = unit_run("fields", tests, sizeof tests / sizeof *tests);
    info_end();
    return status;
}
