#include "unit.h"

#include "base/text.h"

#include <stdio.h>

static bool int_of(const char *text, int64_t *value)
{
    return text_parse_int(slice_text(text), value);
}

static void reads_integers(void)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"1033430400", 1033430400},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = 99;
        CU_ASSERT(int_of(good[i].text, &value));
        CU_ASSERT_EQUAL(value, good[i].value);
    }
}

static void refuses_what_is_no_integer(void)
{
    static const char *const bad[] = {
        "", "-", "+", " 1", "1 ", "1.0", "1e3", "0x10", "--1", "+-1", "1_000", "a",
        "9223372036854775808", "-9223372036854775809", "99999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t value = 99;
        CU_ASSERT_FALSE(int_of(bad[i], &value));
        CU_ASSERT_EQUAL(value, 99);
    }
}

static bool is_utf8(const char *bytes)
{
    return text_is_utf8(slice_text(bytes));
}

static void knows_well_formed_utf8(void)
{
    CU_ASSERT(is_utf8(""));
    CU_ASSERT(is_utf8("plain"));
    CU_ASSERT(is_utf8("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
    CU_ASSERT(is_utf8("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
    CU_ASSERT(text_is_utf8(slice_of("a\0b", 3)));
    CU_ASSERT_FALSE(is_utf8("\x80"));
    CU_ASSERT_FALSE(is_utf8("\xc0\x80"));         /* overlong */
    CU_ASSERT_FALSE(is_utf8("\xc1\xbf"));         /* overlong */
    CU_ASSERT_FALSE(is_utf8("\xe0\x9f\xbf"));     /* overlong */
    CU_ASSERT_FALSE(is_utf8("\xf0\x8f\xbf\xbf")); /* overlong */
    CU_ASSERT_FALSE(is_utf8("\xed\xa0\x80"));     /* a surrogate */
    CU_ASSERT_FALSE(is_utf8("\xed\xbf\xbf"));
    CU_ASSERT_FALSE(is_utf8("\xf4\x90\x80\x80")); /* over U+10FFFF */
    CU_ASSERT_FALSE(is_utf8("\xf5\x80\x80\x80"));
    CU_ASSERT_FALSE(is_utf8("\xff"));
    CU_ASSERT_FALSE(is_utf8("\xe3\x81"));  /* cut short */
    CU_ASSERT_FALSE(is_utf8("\xe3\x81 ")); /* not continued */
}

static void measures_characters(void)
{
    CU_ASSERT_EQUAL(text_count_chars(slice_text("")), 0);
    CU_ASSERT_EQUAL(text_count_chars(slice_text("abc")), 3);
    CU_ASSERT_EQUAL(text_count_chars(slice_text("\xc3\xa9\xe5\x9d\x82\xf0\x9f\x8e\xb5")), 3);
    CU_ASSERT_EQUAL(text_char_size(slice_text("")), 0);
    CU_ASSERT_EQUAL(text_char_size(slice_text("a\xff")), 1);
    CU_ASSERT_EQUAL(text_char_size(slice_text("\xc3\xa9")), 2);
    CU_ASSERT_EQUAL(text_char_size(slice_text("\xe5\x9d\x82")), 3);
    CU_ASSERT_EQUAL(text_char_size(slice_text("\xf0\x9f\x8e\xb5")), 4);
    CU_ASSERT_EQUAL(text_char_size(slice_text("\xe5\x9d")), 0);
}

static bool trims_to(const char *text, const char *trimmed)
{
    return slice_is(text_trim(slice_text(text)), trimmed);
}

static void cuts_between_characters(void)
{
    static const char text[] = "a\xc3\xa9\xe5\x9d\x82\xf0\x9f\x8e\xb5";
    static const size_t sizes[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < sizeof sizes / sizeof *sizes; max++) {
        struct slice start = text_start(slice_text(text), max);
        CU_ASSERT_PTR_EQUAL(start.data, text);
        CU_ASSERT_EQUAL(start.size_bytes, sizes[max]);
    }
    CU_ASSERT_EQUAL(text_start(slice_of(NULL, 0), 5).size_bytes, 0);
}

static void trims_what_python_strips(void)
{
    CU_ASSERT(trims_to("", ""));
    CU_ASSERT(trims_to(" \t\n\v\f\r ", ""));
    CU_ASSERT(trims_to("  a b  ", "a b"));
    CU_ASSERT(trims_to("\x1c\x1d\x1e\x1f" "a\x1f", "a"));
    CU_ASSERT(trims_to("\xc2\x85\xc2\xa0" "a\xc2\xa0", "a"));         /* NEL, no-break space */
    CU_ASSERT(trims_to("\xe3\x80\x80" "a\xe2\x80\x83", "a"));         /* ideographic, em space */
    CU_ASSERT(trims_to("\xe1\x9a\x80" "a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f", "a"));
    CU_ASSERT(trims_to("\xe2\x80\x8b" "a", "\xe2\x80\x8b" "a"));       /* zero width: no blank */
    CU_ASSERT(trims_to("\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a"));       /* nor a byte order mark */
    CU_ASSERT(trims_to("\xe2\x80\x83", ""));
}

static bool uuid_is(const char *text, const char *canonical)
{
    unsigned char uuid[16];
    char formatted[UUID_TEXT_SIZE];
    if (!text_parse_uuid(slice_text(text), uuid)) {
        return false;
    }
    text_format_uuid(uuid, formatted);
    return strcmp(formatted, canonical) == 0;
}

static void reads_uuids_as_python_does(void)
{
    static const char canonical[] = "f1b1cf71-bd35-4e99-8624-24a6e15f133a";
    CU_ASSERT(uuid_is(canonical, canonical));
    CU_ASSERT(uuid_is("F1B1CF71-BD35-4E99-8624-24A6E15F133A", canonical));
    CU_ASSERT(uuid_is("f1b1cf71bd354e99862424a6e15f133a", canonical));
    CU_ASSERT(uuid_is("{f1b1cf71-bd35-4e99-8624-24a6e15f133a}", canonical));
    CU_ASSERT(uuid_is("urn:uuid:f1b1cf71-bd35-4e99-8624-24a6e15f133a", canonical));
    CU_ASSERT(uuid_is("f1b1-cf71bd35-4e99862424a6e15f13-3a", canonical));
}

static void refuses_what_is_no_uuid(void)
{
    static const char *const bad[] = {
        "",
        "-",
        "f1b1cf71-bd35-4e99-8624-24a6e15f133",
        "f1b1cf71-bd35-4e99-8624-24a6e15f133aa",
        "f1b1cf71-bd35-4e99-8624-24a6e15f133g",
        " f1b1cf71-bd35-4e99-8624-24a6e15f133a",
        "urn:isbn:f1b1cf71-bd35-4e99-8624-24a6e15f133a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char uuid[16];
        CU_ASSERT_FALSE(text_parse_uuid(slice_text(bad[i]), uuid));
    }
}

static void writes_hex(void)
{
    char text[9];
    text_format_hex((const unsigned char *)"\x00\x7f\xa0\xff", 4, text);
    CU_ASSERT_STRING_EQUAL(text, "007fa0ff");
}

static bool time_is(const char *text, int64_t time_s)
{
    int64_t read;
    return text_parse_time(slice_text(text), &read) && read == time_s;
}

static void reads_times(void)
{
    CU_ASSERT(time_is("2009-05-04T23:08:57Z", 1241478537));
    CU_ASSERT(time_is("2009-05-04T23:08:57", 1241478537));
    CU_ASSERT(time_is("2009-05-04 23:08:57", 1241478537));
    CU_ASSERT(time_is("2009-05-04T23:08:57.999Z", 1241478537));
    CU_ASSERT(time_is("1970-01-01T00:00:00Z", 0));
    CU_ASSERT(time_is("1969-12-31T23:59:59Z", -1));
    CU_ASSERT(time_is("2024-02-29T12:00:00Z", 1709208000));
    CU_ASSERT(time_is("9999-12-31T23:59:59Z", 253402300799));
}

static void refuses_what_is_no_time(void)
{
    static const char *const bad[] = {
        "", "2009-05-04", "2009-05-04T23:08", "2009-05-04T23:08:57+00:00", "2009-05-04T23:08:57.Z",
        "2009-05-04T23:08:57Zz", " 2009-05-04T23:08:57Z", "2009-13-04T23:08:57Z",
        "2009-00-04T23:08:57Z", "2009-05-32T23:08:57Z", "2009-05-00T23:08:57Z",
        "2023-02-29T12:00:00Z", "2009-05-04T24:00:00Z", "2009-05-04T23:60:00Z",
        "2009-05-04T23:08:60Z", "2009/05/04T23:08:57Z", "20x9-05-04T23:08:57Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t time_s;
        CU_ASSERT_FALSE(text_parse_time(slice_text(bad[i]), &time_s));
    }
}

static bool cleans(const char *from, const char *to)
{
    char text[64];
    snprintf(text, sizeof text, "%s", from);
    text_clean(text);
    return strcmp(text, to) == 0;
}

static void cleans_what_a_terminal_should_not_see(void)
{
    CU_ASSERT(cleans("", ""));
    CU_ASSERT(cleans("caf\xc3\xa9 \"a\"", "caf\xc3\xa9 \"a\""));
    CU_ASSERT(cleans("a\x1b[2J\r\n\x7f", "a?[2J???"));
    CU_ASSERT(cleans("\xff\xc3", "??"));
    CU_ASSERT(cleans("\xe5\x9d", "??"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(reads_integers),
        UNIT_TEST(refuses_what_is_no_integer),
        UNIT_TEST(knows_well_formed_utf8),
        UNIT_TEST(measures_characters),
        UNIT_TEST(cuts_between_characters),
        UNIT_TEST(cleans_what_a_terminal_should_not_see),
        UNIT_TEST(trims_what_python_strips),
        UNIT_TEST(reads_uuids_as_python_does),
        UNIT_TEST(refuses_what_is_no_uuid),
        UNIT_TEST(writes_hex),
        UNIT_TEST(reads_times),
        UNIT_TEST(refuses_what_is_no_time),
    };
    return unit_run("text", tests, sizeof tests / sizeof *tests);
}
