#include "unit.h"

#include "json/json.h"

#include <stdio.h>

static struct arena *arena;

static struct slice member(const char *object, const char *key)
{
    struct slice value;
    return jtext_member(slice_text(object), key, &value) ? value : slice_of(NULL, 0);
}

static void knows_kinds(void)
{
    CU_ASSERT_EQUAL(jtext_kind(slice_text("null")), JSON_NULL);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("true")), JSON_BOOL);
    CU_ASSERT_EQUAL(jtext_kind(slice_text(" false")), JSON_BOOL);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("-1")), JSON_NUMBER);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("\n0.5")), JSON_NUMBER);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("\"\"")), JSON_STRING);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("[]")), JSON_ARRAY);
    CU_ASSERT_EQUAL(jtext_kind(slice_text("{}")), JSON_OBJECT);
}

static void walks_arrays(void)
{
    static const char *const items[] = {"1", "\"a,]\\\"\"", "[2,[3]]", "{\"x\":[\"]\"]}", "null",
                                        "-1.5e3"};
    struct slice array =
        slice_text(" [ 1 ,\"a,]\\\"\",[2,[3]] , {\"x\":[\"]\"]},null\n,\t-1.5e3 ] ");
    struct jtext_cursor cursor = {0};
    struct slice item;
    size_t count = 0;
    while (jtext_next_item(array, &cursor, &item)) {
        CU_ASSERT(count < 6 && slice_is(item, items[count]));
        count++;
    }
    CU_ASSERT_EQUAL(count, 6);
    CU_ASSERT_FALSE(jtext_next_item(array, &cursor, &item));
    cursor = (struct jtext_cursor){0};
    CU_ASSERT_FALSE(jtext_next_item(slice_text("[ ]"), &cursor, &item));
}

static void walks_objects(void)
{
    struct slice object = slice_text("{\"a\" : 1,\"b\\\"}\":{\"c\":2} ,\"\":\"x\\\\\"}");
    struct jtext_cursor cursor = {0};
    struct slice key;
    struct slice value;
    CU_ASSERT(jtext_next_member(object, &cursor, &key, &value));
    CU_ASSERT(slice_is(key, "a") && slice_is(value, "1"));
    CU_ASSERT(jtext_next_member(object, &cursor, &key, &value));
    CU_ASSERT(slice_is(key, "b\\\"}") && slice_is(value, "{\"c\":2}"));
    CU_ASSERT(jtext_next_member(object, &cursor, &key, &value));
    CU_ASSERT(slice_is(key, "") && slice_is(value, "\"x\\\\\""));
    CU_ASSERT_FALSE(jtext_next_member(object, &cursor, &key, &value));
    cursor = (struct jtext_cursor){0};
    CU_ASSERT_FALSE(jtext_next_member(slice_text(" { } "), &cursor, &key, &value));
}

static void finds_members(void)
{
    CU_ASSERT(slice_is(member("{\"a\":1,\"b\":2}", "b"), "2"));
    CU_ASSERT(slice_is(member("{\"a\":1,\"b\":{\"a\":3},\"a\":2}", "a"), "2"));
    CU_ASSERT(slice_is(member("{\"\\u0061\\/\":1}", "a/"), "1"));
    CU_ASSERT(slice_is(member("{\"\\ud834\\udd1e\":1}", "\xf0\x9d\x84\x9e"), "1"));
    CU_ASSERT(slice_is(member("{\"\xe5\x9d\x82\":1}", "\xe5\x9d\x82"), "1"));
    CU_ASSERT(slice_is(member("{\"\\u5742\":1}", "\xe5\x9d\x82"), "1"));
    CU_ASSERT(slice_is(member("{\"\":1}", ""), "1"));
    CU_ASSERT_PTR_NULL(member("{\"ab\":1}", "a").data);
    CU_ASSERT_PTR_NULL(member("{\"a\":1}", "ab").data);
    CU_ASSERT_PTR_NULL(member("{\"A\":1}", "a").data);
    CU_ASSERT_PTR_NULL(member("{}", "a").data);
}

/* json-c would take "a" for the key of the first. */
static void a_nul_does_not_end_a_key(void)
{
    CU_ASSERT_PTR_NULL(member("{\"a\\u0000b\":1}", "a").data);
    CU_ASSERT_PTR_NULL(member("{\"a\\u0000\":1}", "a").data);
    CU_ASSERT_PTR_NULL(member("{\"\\u0000\":1}", "").data);
    CU_ASSERT(jtext_has_nul(slice_text("a\\u0000b")));
    CU_ASSERT(jtext_has_nul(slice_text("\\\\\\u0000")));
    CU_ASSERT_FALSE(jtext_has_nul(slice_text("\\\\u0000")));
    CU_ASSERT_FALSE(jtext_has_nul(slice_text("")));
}

static void walks_scalars(void)
{
    static const char *const scalars[] = {"\"a\"", "1", "\"b\"", "\"x:,[\"",
                                          "null", "\"c\"", "-2e1"};
    struct slice value = slice_text(" {\"a\" : [1, {\"b\":\"x:,[\"}, null], \"c\":-2e1} ");
    struct jtext_cursor cursor = {0};
    struct slice scalar;
    size_t count = 0;
    while (jtext_next_scalar(value, &cursor, &scalar)) {
        CU_ASSERT(count < 7 && slice_is(scalar, scalars[count]));
        count++;
    }
    CU_ASSERT_EQUAL(count, 7);
    cursor = (struct jtext_cursor){0};
    CU_ASSERT(jtext_next_scalar(slice_text("7"), &cursor, &scalar) && slice_is(scalar, "7"));
    CU_ASSERT_FALSE(jtext_next_scalar(slice_text("7"), &cursor, &scalar));
}

static bool means(const char *raw, const char *bytes, size_t size)
{
    struct slice text;
    return jtext_unescape(slice_text(raw), arena, &text) == RESULT_OK
           && slice_equal(text, slice_of(bytes, size));
}

static void unescapes(void)
{
    CU_ASSERT(means("", "", 0));
    CU_ASSERT(means("plain \xe5\x9d\x82", "plain \xe5\x9d\x82", 9));
    CU_ASSERT(means("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8));
    CU_ASSERT(means("\\u0041\\u00e9\\u5742\\uD834\\uDD1E",
                    "A\xc3\xa9\xe5\x9d\x82\xf0\x9d\x84\x9e", 10));
    CU_ASSERT(means("a\\u0000b", "a\0b", 3));
    CU_ASSERT(means("\\u007f\\u0080\\u07ff\\u0800\\uffff",
                    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11));
    CU_ASSERT(means("\\udbff\\udfff", "\xf4\x8f\xbf\xbf", 4));
    struct slice raw = slice_text("plain");
    struct slice text;
    CU_ASSERT_EQUAL(jtext_unescape(raw, arena, &text), RESULT_OK);
    CU_ASSERT_PTR_EQUAL(text.data, raw.data); /* not copied */
    CU_ASSERT(slice_is(jtext_inside(slice_text("\"ab\"")), "ab"));
}

/* ── members ── */

static void each_key_counts_once(void)
{
    struct jmembers members;
    CU_ASSERT_EQUAL(jmembers_read(slice_text("{\"b\":1,\"a\":2,\"\\u0062\":3,\"c\":4,\"b\":5}"),
                                  arena, &members), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(members.count, 3);
    CU_ASSERT(slice_is(members.items[0].key, "b") && slice_is(members.items[0].value, "5"));
    CU_ASSERT(slice_is(members.items[1].key, "a") && slice_is(members.items[1].value, "2"));
    CU_ASSERT(slice_is(members.items[2].key, "c"));
    CU_ASSERT_PTR_EQUAL(jmembers_find(&members, "a"), &members.items[1]);
    CU_ASSERT_PTR_NULL(jmembers_find(&members, "x"));
    CU_ASSERT_EQUAL(jmembers_read(slice_text("{}"), arena, &members), RESULT_OK);
    CU_ASSERT_EQUAL(members.count, 0);
}

/* Small and large objects take different ways to the same result. */
static void sizes_do_not_matter(void)
{
    struct buffer object = BUFFER_EMPTY;
    for (int keys = 1; keys < 80; keys++) {
        buffer_clear(&object);
        for (int i = 0; i < 3 * keys; i++) {
            buffer_append_format(&object, "%c\"k%d\":%d", i == 0 ? '{' : ',', i * 7 % keys, i);
        }
        buffer_append_char(&object, '}');
        struct jmembers members;
        CU_ASSERT_EQUAL(jmembers_read(buffer_slice(&object), arena, &members), RESULT_OK);
        bool right = true;
        size_t count = 0;
        for (int i = 0; i < keys; i++) {
            char key[16];
            char value[16] = "";
            int last = -1;
            snprintf(key, sizeof key, "k%d", i);
            for (int j = 0; j < 3 * keys; j++) {
                last = j * 7 % keys == i ? j : last;
            }
            snprintf(value, sizeof value, "%d", last);
            const struct jmember *found = jmembers_find(&members, key);
            right = right && (found == NULL ? last < 0 : slice_is(found->value, value));
            count += last >= 0;
        }
        CU_ASSERT(right);
        CU_ASSERT_EQUAL(members.count, count);
        CU_ASSERT(slice_is(members.items[0].key, "k0"));
    }
    buffer_free(&object);
}

/* ── writing ── */

static bool writes(struct slice text, const char *json)
{
    struct buffer to = BUFFER_EMPTY;
    jwrite_string(&to, text);
    bool right = slice_is(buffer_slice(&to), json);
    right = right && jtext_check(buffer_slice(&to), NULL) == RESULT_OK;
    struct slice back;
    right = right
            && jtext_unescape(jtext_inside(buffer_slice(&to)), arena, &back) == RESULT_OK
            && slice_equal(back, text);
    buffer_free(&to);
    return right;
}

static void writes_strings(void)
{
    CU_ASSERT(writes(slice_text(""), "\"\""));
    CU_ASSERT(writes(slice_text("plain \xe5\x9d\x82 / \x7f"), "\"plain \xe5\x9d\x82 / \x7f\""));
    CU_ASSERT(writes(slice_text("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\""));
    CU_ASSERT(writes(slice_of("\0\x01\x1f", 3), "\"\\u0000\\u0001\\u001f\""));
    for (int c = 0; c < 0x80; c++) {
        char byte = (char)c;
        struct buffer to = BUFFER_EMPTY;
        jwrite_string(&to, slice_of(&byte, 1));
        CU_ASSERT_EQUAL(jtext_check(buffer_slice(&to), NULL), RESULT_OK);
        buffer_free(&to);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(knows_kinds),
        UNIT_TEST(walks_arrays),
        UNIT_TEST(walks_objects),
        UNIT_TEST(finds_members),
        UNIT_TEST(a_nul_does_not_end_a_key),
        UNIT_TEST(walks_scalars),
        UNIT_TEST(unescapes),
        UNIT_TEST(each_key_counts_once),
        UNIT_TEST(sizes_do_not_matter),
        UNIT_TEST(writes_strings),
    };
    arena = arena_create();
    int status = unit_run("json text", tests, sizeof tests / sizeof *tests);
    arena_destroy(&arena);
    return status;
}
