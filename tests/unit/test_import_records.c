/* Lines, and items of a JSON document, wherever the pieces that are read begin and end. */
#include "unit.h"

#include "base/buffer.h"
#include "import_fixture.h"
#include "import/records.h"

#include <stdio.h>

/* Everything that is found, joined by '|'; then '!' and the error where reading failed. */
static struct buffer found_text;

static struct input *open_text(const char *text)
{
    struct input *input = NULL;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(input_open(fixture_text("text", text), &input, &error), RESULT_OK);
    bool found;
    CU_ASSERT_EQUAL_FATAL(input_next(input, &found, &error), RESULT_OK);
    CU_ASSERT_FATAL(found);
    return input;
}

static void note(struct slice record, enum result result, const struct error *error)
{
    if (result == RESULT_OK) {
        buffer_append_slice(&found_text, record);
        buffer_append_char(&found_text, '|');
    } else {
        buffer_append_format(&found_text, "!%s", strstr(error->text, ": ") + 2);
    }
}

static const char *lines_of(const char *text)
{
    struct input *input = open_text(text);
    struct slice line;
    size_t size = 0;
    bool found = true;
    buffer_clear(&found_text);
    buffer_append_text(&found_text, "");
    while (found) {
        struct error error;
        input_pass(input, size);
        enum result result = lines_next(input, &line, &size, &found, &error);
        if (result != RESULT_OK || found) {
            note(line, result, &error);
        }
    }
    input_close(&input);
    return found_text.data;
}

static const char *items_of(const char *const *path, const char *text)
{
    struct input *input = open_text(text);
    struct items items = {.path = path};
    struct slice item;
    size_t size = 0;
    bool found = true;
    enum result result = RESULT_OK;
    buffer_clear(&found_text);
    buffer_append_text(&found_text, "");
    while (found && result == RESULT_OK) {
        struct error error;
        input_pass(input, size);
        result = items_next(&items, input, &item, &size, &found, &error);
        if (result != RESULT_OK || found) {
            note(item, result, &error);
        }
    }
    input_close(&input);
    return found_text.data;
}

static const char *const plain[] = {"[]", NULL};
static const char *const member[] = {"scrobbles", "[]", NULL};
static const char *const pages[] = {"[]", "track", "[]", NULL};
static const char *const lone[] = {"[]", "track", "[]?", NULL};

static void lines_end_as_they_like(void)
{
    CU_ASSERT_STRING_EQUAL(lines_of("a"), "a|");
    CU_ASSERT_STRING_EQUAL(lines_of("a\n"), "a|");
    CU_ASSERT_STRING_EQUAL(lines_of("a\r\nb\nc"), "a|b|c|");
    CU_ASSERT_STRING_EQUAL(lines_of("\n\na\n\n"), "||a||");
    CU_ASSERT_STRING_EQUAL(lines_of("\xef\xbb\xbf" "a\n"), "a|");
}

static void items_of_an_array(void)
{
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[]"), "");
    CU_ASSERT_STRING_EQUAL(items_of(plain, " [ ] \n"), "");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1]"), "1|");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1, \"a,]\\\"\\\\\" ,[2,[3]],{\"x\":\"}\"}\n,null]"),
                           "1|\"a,]\\\"\\\\\"|[2,[3]]|{\"x\":\"}\"}|null|");
}

static void items_deeper_in_a_document(void)
{
    CU_ASSERT_STRING_EQUAL(items_of(member, "{\"a\":[9],\"scrobbles\":[{\"t\":1},2],"
                                            "\"b\":{\"scrobbles\":[9]}}"), "{\"t\":1}|2|");
    CU_ASSERT_STRING_EQUAL(items_of(member, "{}"), "");
    CU_ASSERT_STRING_EQUAL(items_of(member, "{\"scrobbles\":null,\"scrobbled\":[1],"
                                            "\"crobbles\":[2]}"), "");
    CU_ASSERT_STRING_EQUAL(items_of(pages, "[{\"track\":[1,2],\"x\":3},null,{\"y\":[]},"
                                           "{\"track\":[]},{\"z\":\"\\\"{\",\"track\":[[4]]} ,5]"),
                           "1|2|[4]|");
}

static void an_item_without_its_array(void)
{
    CU_ASSERT_STRING_EQUAL(items_of(lone, "[{\"track\":[1,[2]]},{\"track\":{\"a\":3},\"x\":4},"
                                          "{\"track\":[5]},{\"track\" : 6}]"),
                           "1|[2]|{\"a\":3}|5|6|");
}

static void damage_is_told(void)
{
    static const char cut[] = "!the JSON ends too early, the file seems cut short";
    static const char *const texts[] = {"[", "[1", "[{\"a\":", "[\"abc", "[\"abc\\"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT_STRING_EQUAL(items_of(plain, texts[i]), cut);
    }
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1,"),
                           "1|!the JSON ends too early, the file seems cut short");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1 2]"), "1|!damaged JSON: a comma is missing");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1,]"), "1|!damaged JSON: a value is missing");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[,1]"), "!damaged JSON: a value is missing");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1}"), "1|!damaged JSON: a comma is missing");
    CU_ASSERT_STRING_EQUAL(items_of(plain, "[1] 2"),
                           "1|!damaged JSON: something follows the document");
    CU_ASSERT_STRING_EQUAL(items_of(member, "{1:2}"), "!damaged JSON: a key is missing");
    CU_ASSERT_STRING_EQUAL(items_of(member, "{\"a\" 2}"), "!damaged JSON: a key without its value");
    CU_ASSERT_STRING_EQUAL(items_of(member, "{\"scrobbles\":[1],}"),
                           "1|!damaged JSON: a key is missing");
}

/* Records longer than what is read at once, ending just before, at and after its end. */
static void pieces_do_not_matter(void)
{
    struct buffer text = BUFFER_EMPTY;
    struct buffer expected = BUFFER_EMPTY;
    for (int shape = 0; shape < 3; shape++) {
        buffer_clear(&text);
        buffer_clear(&expected);
        buffer_append_text(&text, shape == 0 ? "" : shape == 1 ? "[" : "{\"skipped\":[");
        for (int i = 0; i < 400; i++) {
            size_t length = (size_t)(i % 7 == 0 ? 262144 / 7 + i : 100 + i);
            struct buffer *both[] = {&text, &expected};
            buffer_append_text(&text, i == 0 || shape == 0 ? "" : " ,\n");
            for (size_t j = 0; j < 2; j++) {
                buffer_append_text(both[j], "{\"k\":\"\\\"");
                for (size_t k = 0; k < length; k++) {
                    buffer_append_char(both[j], (char)('a' + (i + (int)k) % 26));
                }
                buffer_append_text(both[j], "\\\\\"}");
            }
            buffer_append_text(&text, shape == 0 ? "\n" : "");
            buffer_append_char(&expected, '|');
        }
        buffer_append_text(&text, shape == 0 ? "" : shape == 1 ? "]" : "],\"scrobbles\":[1]}");
        const char *found = shape == 0 ? lines_of(text.data)
                                       : items_of(shape == 1 ? plain : member, text.data);
        CU_ASSERT(strcmp(found, shape == 2 ? "1|" : expected.data) == 0);
    }
    buffer_free(&text);
    buffer_free(&expected);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(lines_end_as_they_like),
        UNIT_TEST(items_of_an_array),
        UNIT_TEST(items_deeper_in_a_document),
        UNIT_TEST(an_item_without_its_array),
        UNIT_TEST(damage_is_told),
        UNIT_TEST(pieces_do_not_matter),
    };
    fixture_begin();
    int status = unit_run("records", tests, sizeof tests / sizeof *tests);
    fixture_end();
    buffer_free(&found_text);
    return status;
}
