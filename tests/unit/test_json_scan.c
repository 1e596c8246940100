#include "unit.h"

#include "base/buffer.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

static enum result check(const char *text)
{
    struct error error = {.text = ""};
    return jtext_check(slice_text(text), &error);
}

static bool passes(const char *text)
{
    struct error error = {.text = ""};
    enum result result = jtext_check(slice_text(text), &error);
    if (result != RESULT_OK) {
        printf("# refused: %s: %s\n", text, error.text);
    }
    return result == RESULT_OK;
}

static bool fails_with(const char *text, const char *why)
{
    struct error error = {.text = ""};
    enum result result = jtext_check(slice_text(text), &error);
    if (result != RESULT_INVALID || strcmp(error.text, why) != 0) {
        printf("# %s: \"%s\", not \"%s\"\n", text, error.text, why);
    }
    return result == RESULT_INVALID && strcmp(error.text, why) == 0;
}

static void takes_json(void)
{
    static const char *const good[] = {
        "null", " true ", "\t\r\n false\n", "0", "-0", "-0.0e-0", "1", "10", "1.5", "1e5", "1E+5",
        "1.25e-300", "1e999999", "123456789012345678901234567890", "\"\"", "\"a\"",
        "[]", "[ ]", "{}", "{ }", "[1,2]", "[[],{}]", "{\"a\":1}", "{\"\":{\"\":[]}}",
        "{\"a\":1,\"a\":2}", " { \"a\" : [ 1 , 2 ] , \"b\" : null } ",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uabCD\"", "\"\\ud834\\udd1e\"", "\"\x7f\"",
        "\"caf\xc3\xa9 \xe5\x9d\x82\xe6\x9c\xac \xf0\x9f\x8e\xb5\"", "\"\xed\x9f\xbf\xee\x80\x80\"",
        "\"long enough to be read eight bytes at once, and then some\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT(passes(good[i]));
    }
}

static void refuses_what_json_c_takes(void)
{
    static const char *const bad[] = {
        "NaN", "nan", "Infinity", "-Infinity", "'a'", "{'a':1}", "{a:1}", "TRUE", "True", "nul",
        "\"a\tb\"", "\"a\nb\"", "\"\x01\"", "\"\x1f\"", "[1,]", "[,1]", "{\"a\":1,}", "{,}",
        "/* c */ 1", "1 // c", "01", "-01", "+1", ".5", "5.", "-", "-a", "1e", "1e+", "1.e5",
        "0x10", "1 2", "[] []", "nulll", "true1", "\"a\" \"b\"", "[1 2]", "{\"a\" 1}", "{\"a\"}",
        "{1:2}", "[1}", "{\"a\":1]", "]", "}", ":", ",", "\\", "\v1", "\f1", "\xc2\xa0" "1",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(check(bad[i]), RESULT_INVALID);
        if (check(bad[i]) == RESULT_OK) {
            printf("# taken: %s\n", bad[i]);
        }
    }
}

static void refuses_bad_escapes(void)
{
    static const char *const bad[] = {
        "\"\\\"", "\"\\a\"", "\"\\x41\"", "\"\\U0041\"", "\"\\u\"", "\"\\u12\"", "\"\\u123\"",
        "\"\\u123g\"", "\"\\u 123\"", "\"\\ud800\"", "\"\\udbff \"", "\"\\udc00\"", "\"\\udfff\"",
        "\"\\ud800\\ud800\"", "\"\\ud800\\ue000\"", "\"\\ud800\\uffff\"",
        "\"\\udc00\\ud800\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
        "\"\\ud800\\u\"", "\"\\\n\"", "\"\\'\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(check(bad[i]), RESULT_INVALID);
    }
    CU_ASSERT_EQUAL(jtext_check(slice_of("\"\\\0\"", 4), NULL), RESULT_INVALID);
}

/* Long runs are read eight bytes at once. */
static void finds_what_is_not_plain_at_any_place(void)
{
    for (size_t at = 1; at <= 20; at++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "\"aaaaaaaaaaaaaaaaaaaa\"";
            text[at] = (char)c;
            bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            CU_ASSERT_EQUAL(jtext_check(slice_of(text, 22), NULL) == RESULT_OK, plain);
        }
    }
}

static void refuses_broken_utf8(void)
{
    static const char *const bad[] = {
        "\"\x80\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xe0\x9f\xbf\"", "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xf0\x8f\xbf\xbf\"", "\"\xff\"", "\"\xe5\x9d\"",
        "\"a long plain run before it: \xc3(\"", "\xc3\xa9",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(check(bad[i]), RESULT_INVALID);
    }
}

static void refuses_nul_bytes(void)
{
    CU_ASSERT_EQUAL(jtext_check(slice_of("[1]\0", 4), NULL), RESULT_INVALID);
    CU_ASSERT_EQUAL(jtext_check(slice_of("\0", 1), NULL), RESULT_INVALID);
    CU_ASSERT_EQUAL(jtext_check(slice_of("\"a\0b\"", 5), NULL), RESULT_INVALID);
    CU_ASSERT_EQUAL(jtext_check(slice_of("{\"a\0\":1}", 8), NULL), RESULT_INVALID);
}

static void names_byte_and_expectation(void)
{
    CU_ASSERT(fails_with("", "the text ends after byte 0, where a value was expected"));
    CU_ASSERT(fails_with("  ", "the text ends after byte 2, where a value was expected"));
    CU_ASSERT(fails_with("{", "the text ends after byte 1, where a key was expected"));
    CU_ASSERT(fails_with("{\"a\":1", "the text ends after byte 6, where a comma or } was "
                                     "expected"));
    CU_ASSERT(fails_with("[1", "the text ends after byte 2, where a comma or ] was expected"));
    CU_ASSERT(fails_with("\"ab", "the text ends after byte 3, where the end of a string was"
                                 " expected"));
    CU_ASSERT(fails_with("[NaN]", "byte 2: expected a value"));
    CU_ASSERT(fails_with("{'a':1}", "byte 2: expected a key in double quotes or }"));
    CU_ASSERT(fails_with("{\"a\":1,}", "byte 8: expected a key in double quotes"));
    CU_ASSERT(fails_with("{\"a\" 1}", "byte 6: expected a colon after the key"));
    CU_ASSERT(fails_with("{\"a\":1]", "byte 7: expected a comma or }"));
    CU_ASSERT(fails_with("[] x", "byte 4: expected nothing after the value"));
    CU_ASSERT(fails_with("\"\\q\"", "byte 3: expected one of \" \\ / b f n r t u after a"
                                    " backslash"));
    CU_ASSERT(fails_with("\"\\ud800\"", "byte 8: expected both halves of a surrogate pair"));
    CU_ASSERT(fails_with("\"\xff\"", "byte 2: expected well-formed UTF-8"));
    CU_ASSERT(fails_with("\"\t\"", "byte 2: expected control characters to be escaped"));
    CU_ASSERT(fails_with("1.", "the text ends after byte 2, where a digit after the point was"
                               " expected"));
}

static void nested(struct buffer *text, const char *open, const char *inside, const char *close,
                   int depth)
{
    buffer_clear(text);
    for (int i = 0; i < depth; i++) {
        buffer_append_text(text, open);
    }
    buffer_append_text(text, inside);
    for (int i = 0; i < depth; i++) {
        buffer_append_text(text, close);
    }
}

static void bounds_depth(void)
{
    struct buffer text = BUFFER_EMPTY;
    static const struct {
        const char *open, *inside, *close;
    } shapes[] = {{"[", "", "]"}, {"{\"a\":", "1", "}"}, {"[{\"a\":", "\"x\"", "}]"}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int levels = i == 2 ? 2 : 1;
        nested(&text, shapes[i].open, shapes[i].inside, shapes[i].close, JSON_DEPTH_MAX / levels);
        CU_ASSERT_EQUAL(jtext_check(buffer_slice(&text), NULL), RESULT_OK);
        nested(&text, shapes[i].open, shapes[i].inside, shapes[i].close,
               JSON_DEPTH_MAX / levels + 1);
        struct error error;
        CU_ASSERT_EQUAL(jtext_check(buffer_slice(&text), &error), RESULT_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nested deeper than 64 levels"));
    }
    nested(&text, "[", "", "", 1000000);
    CU_ASSERT_EQUAL(jtext_check(buffer_slice(&text), NULL), RESULT_INVALID);
    buffer_free(&text);
}

/* The structure is right after a mixed nest, whatever was opened and closed before. */
static void remembers_what_it_is_in(void)
{
    CU_ASSERT(passes("[{\"a\":[{}]},[[{\"b\":[]}]],{\"c\":{\"d\":[1]},\"e\":2}]"));
    CU_ASSERT_EQUAL(check("[{\"a\":[{}]},[[{\"b\":[]}}],{}]"), RESULT_INVALID);
    CU_ASSERT_EQUAL(check("[{\"a\":[1,2],3}]"), RESULT_INVALID);
    CU_ASSERT_EQUAL(check("[{\"a\":1},\"b\":2]"), RESULT_INVALID);
}

static const char whole[] =
    "{\"k\\u00e9y\":[1.5e-3,true,false,null,\"\xe5\x9d\x82\\ud834\\udd1e\\n\"],\"o\":{\"x\":-0}}";

static void no_beginning_of_it_passes(void)
{
    CU_ASSERT(passes(whole));
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        /* A copy of exactly that size, so that a sanitizer sees reading past it. */
        char *copy = malloc(size + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        char *cut = copy + 1;
        memcpy(cut, whole, size);
        CU_ASSERT_EQUAL(jtext_check(slice_of(cut, size), NULL), RESULT_INVALID);
        free(copy);
    }
}

static void any_byte_at_any_place_is_survived(void)
{
    char text[sizeof whole];
    size_t passed = 0;
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, whole, sizeof whole);
            text[at] = (char)byte;
            passed += jtext_check(slice_of(text, sizeof whole - 1), NULL) == RESULT_OK;
        }
    }
    CU_ASSERT(passed > sizeof whole);
}

static void bodies_must_be_objects(void)
{
    static const char *const others[] = {"[]", "1", "\"{}\"", "null", " [{}] "};
    struct error error = {.text = ""};
    CU_ASSERT_EQUAL(jtext_check_object(slice_text(" {\"a\":[]}\n"), &error), RESULT_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CU_ASSERT_EQUAL(jtext_check_object(slice_text(others[i]), &error), RESULT_INVALID);
        CU_ASSERT_STRING_EQUAL(error.text, "Invalid JSON document submitted. Top level of JSON"
                                           " document should be a json object.");
    }
    CU_ASSERT_EQUAL(jtext_check_object(slice_text("{\"a\" 1}"), &error), RESULT_INVALID);
    struct error cause = {.text = ""};
    CU_ASSERT_EQUAL(jtext_check(slice_text("{\"a\" 1}"), &cause), RESULT_INVALID);
    static const char before[] = "Cannot parse JSON document: ";
    CU_ASSERT_EQUAL(strncmp(error.text, before, strlen(before)), 0);
    CU_ASSERT_STRING_EQUAL(error.text + strlen(before), cause.text);
    CU_ASSERT_EQUAL(jtext_check_object(slice_text(""), NULL), RESULT_INVALID);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(takes_json),
        UNIT_TEST(refuses_what_json_c_takes),
        UNIT_TEST(refuses_bad_escapes),
        UNIT_TEST(finds_what_is_not_plain_at_any_place),
        UNIT_TEST(refuses_broken_utf8),
        UNIT_TEST(refuses_nul_bytes),
        UNIT_TEST(names_byte_and_expectation),
        UNIT_TEST(bounds_depth),
        UNIT_TEST(remembers_what_it_is_in),
        UNIT_TEST(no_beginning_of_it_passes),
        UNIT_TEST(any_byte_at_any_place_is_survived),
        UNIT_TEST(bodies_must_be_objects),
    };
    return unit_run("scan", tests, sizeof tests / sizeof *tests);
}
