#include "unit.h"

#include "json/json.h"

static struct jvalue *parse(const char *text)
{
    struct jvalue *value = NULL;
    CU_ASSERT_EQUAL_FATAL(jtext_check(slice_text(text), NULL), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(jvalue_parse(slice_text(text), &value, NULL), RESULT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    return value;
}

static enum json_kind kind_of(const char *text)
{
    struct jvalue *value = parse(text);
    enum json_kind kind = jvalue_kind(value);
    jvalue_free(&value);
    CU_ASSERT_PTR_NULL(value);
    return kind;
}

static void knows_kinds(void)
{
    CU_ASSERT_EQUAL(kind_of("null"), JSON_NULL);
    CU_ASSERT_EQUAL(kind_of("true"), JSON_BOOL);
    CU_ASSERT_EQUAL(kind_of("12"), JSON_NUMBER);
    CU_ASSERT_EQUAL(kind_of("-1.5e3"), JSON_NUMBER);
    CU_ASSERT_EQUAL(kind_of("1e999999"), JSON_NUMBER);
    CU_ASSERT_EQUAL(kind_of("\"x\""), JSON_STRING);
    CU_ASSERT_EQUAL(kind_of(" [1] "), JSON_ARRAY);
    CU_ASSERT_EQUAL(kind_of("{\"a\":1}"), JSON_OBJECT);
}

static void tells_null_from_absent(void)
{
    struct jvalue *value = parse("{\"a\":null,\"b\":[null,1],\"c\":1,\"c\":\"last\"}");
    const struct jvalue *a = jvalue_member(value, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(jvalue_kind(a), JSON_NULL);
    CU_ASSERT_PTR_NULL(jvalue_member(value, "x"));
    const struct jvalue *b = jvalue_member(value, "b");
    CU_ASSERT_EQUAL_FATAL(jvalue_count(b), 2);
    CU_ASSERT_EQUAL(jvalue_kind(jvalue_item(b, 0)), JSON_NULL);
    CU_ASSERT_EQUAL(jvalue_kind(jvalue_item(b, 1)), JSON_NUMBER);
    CU_ASSERT(slice_is(jvalue_text(jvalue_member(value, "c")), "last"));
    jvalue_free(&value);
    jvalue_free(&value);
}

static void keeps_nul_in_strings(void)
{
    struct jvalue *value = parse("\"a\\u0000b\\ud834\\udd1e\"");
    CU_ASSERT(slice_equal(jvalue_text(value), slice_of("a\0b\xf0\x9d\x84\x9e", 7)));
    jvalue_free(&value);
}

static void refuses_nul_in_keys(void)
{
    static const char *const bad[] = {
        "{\"score\\u0000x\":1}",
        "{\"a\":[{\"b\":{\"\\u0000\" : 1}}]}",
        "{\"a\":\"\\u0000\",\"\\u0000\":1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct jvalue *value = NULL;
        struct error error;
        CU_ASSERT_EQUAL(jvalue_parse(slice_text(bad[i]), &value, &error), RESULT_INVALID);
        CU_ASSERT_STRING_EQUAL(error.text, "a key contains a unicode null");
        CU_ASSERT_PTR_NULL(value);
    }
    static const char *const good[] = {"{\"a\":\"\\u0000\"}", "{\"a\\\\u0000\":1}",
                                       "[\"\\u0000\",\":\"]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct jvalue *value = parse(good[i]);
        jvalue_free(&value);
    }
}

static bool int_is(const char *text, int64_t expected)
{
    struct jvalue *value = parse(text);
    int64_t number;
    bool right = jvalue_int(value, &number) && number == expected;
    jvalue_free(&value);
    return right;
}

static bool is_no_int(const char *text)
{
    struct jvalue *value = parse(text);
    int64_t number;
    bool right = !jvalue_int(value, &number);
    jvalue_free(&value);
    return right;
}

static void reads_integers_or_says_no(void)
{
    CU_ASSERT(int_is("0", 0));
    CU_ASSERT(int_is("-1", -1));
    CU_ASSERT(int_is("9223372036854775807", INT64_MAX));
    CU_ASSERT(int_is("-9223372036854775807", -INT64_MAX));
    CU_ASSERT(is_no_int("9223372036854775808"));
    CU_ASSERT(is_no_int("-9223372036854775809"));
    CU_ASSERT(is_no_int("18446744073709551616"));
    CU_ASSERT(is_no_int("99999999999999999999999999999"));
    CU_ASSERT(is_no_int("-99999999999999999999999999999"));
    CU_ASSERT(is_no_int("1.0"));
    CU_ASSERT(is_no_int("1e2"));
    CU_ASSERT(is_no_int("\"1\""));
    CU_ASSERT(is_no_int("null"));
    CU_ASSERT(is_no_int("true"));
    CU_ASSERT(is_no_int("[1]"));
}

/* Big numbers keep their digits only where json-c keeps the text: those with a fraction. */
static void writes_values_as_json(void)
{
    static const char *const rows[][2] = {
        {" null ", "null"},
        {"true", "true"},
        {"-12", "-12"},
        {"1.50", "1.50"},
        {"1e999999", "1e999999"},
        {"99999999999999999999", "18446744073709551615"},
        {"\"a/b \\u00e9\\u0000\\n\"", "\"a/b \xc3\xa9\\u0000\\n\""},
        {"[ 1 , [ ] ]", "[1,[]]"},
        {"{ \"a\" : { } , \"b\" : [ 1 ] }", "{\"a\":{},\"b\":[1]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct jvalue *value = parse(rows[i][0]);
        struct slice text = jvalue_json(value);
        CU_ASSERT_TRUE(slice_is(text, rows[i][1]));
        CU_ASSERT_EQUAL(jtext_check(text, NULL), RESULT_OK);
        jvalue_free(&value);
    }
}

static void takes_what_the_check_takes(void)
{
    struct buffer text = BUFFER_EMPTY;
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        buffer_append_char(&text, '[');
    }
    buffer_append_text(&text, "\"deep\"");
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        buffer_append_char(&text, ']');
    }
    struct jvalue *value = parse(text.data);
    jvalue_free(&value);
    buffer_free(&text);
    static const char *const odd[] = {
        "\"\"", "{\"\":1}", "[]", "{}", "-0", "-0.0e-0", "\"\x7f\"", "\"\\/\"", " 7 ", "[1e-400]",
        "{\"\xe5\x9d\x82\":\"\xf0\x9f\x8e\xb5\"}", "123456789012345678901234567890.5",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        value = parse(odd[i]);
        jvalue_free(&value);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(knows_kinds),
        UNIT_TEST(tells_null_from_absent),
        UNIT_TEST(keeps_nul_in_strings),
        UNIT_TEST(refuses_nul_in_keys),
        UNIT_TEST(reads_integers_or_says_no),
        UNIT_TEST(writes_values_as_json),
        UNIT_TEST(takes_what_the_check_takes),
    };
    return unit_run("json value", tests, sizeof tests / sizeof *tests);
}
