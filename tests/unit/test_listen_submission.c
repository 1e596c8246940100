/* The tables of the ListenBrainz contract for POST /1/submit-listens, row by row. */
#include "unit.h"

#include "base/buffer.h"
#include "listen/submission.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t now_s = 1700000000;
static struct arena *arena;
static struct submission submission;
static struct error error;

static enum result parse(struct slice body)
{
    arena_reset(arena);
    error.text[0] = '\0';
    return submission_parse(body, now_s, arena, &submission, &error);
}

static bool refuses(const char *body, const char *text)
{
    enum result result = parse(slice_text(body));
    bool right = result == RESULT_INVALID && strcmp(error.text, text) == 0;
    if (!right) {
        printf("# %.200s\n#   gave (%s) %s\n", body, result_name(result), error.text);
    }
    return right;
}

static bool takes(const char *body)
{
    enum result result = parse(slice_text(body));
    if (result != RESULT_OK) {
        printf("# %.200s\n#   gave (%s) %s\n", body, result_name(result), error.text);
    }
    return result == RESULT_OK;
}

/* A single submission of this listen. */
static const char *single(const char *listen)
{
    static char body[20000];
    snprintf(body, sizeof body, "{\"listen_type\":\"single\",\"payload\":[%s]}", listen);
    return body;
}

static const char *playing(const char *listen)
{
    static char body[20000];
    snprintf(body, sizeof body, "{\"listen_type\":\"playing_now\",\"payload\":[%s]}", listen);
    return body;
}

/* … of a listen with this track_metadata. */
static const char *about(const char *metadata)
{
    static char listen[10000];
    snprintf(listen, sizeof listen, "{\"listened_at\":1600000000,\"track_metadata\":%s}", metadata);
    return single(listen);
}

/* … and of one whose listened_at is this. */
static const char *at(const char *time)
{
    static char listen[10000];
    snprintf(listen, sizeof listen, "{\"listened_at\":%s,\"track_metadata\":"
                                    "{\"track_name\":\"t\",\"artist_name\":\"a\"}}", time);
    return single(listen);
}

static const char ok_listen[] =
    "{\"listened_at\":1600000000,\"track_metadata\":{\"track_name\":\"t\",\"artist_name\":\"a\"}}";

/* ── the request as a whole ── */

static void a_good_one_passes(void)
{
    CU_ASSERT_FATAL(takes(single("{\"listened_at\":1600000000,\"track_metadata\":{"
                                 "\"track_name\":\" Tr\\u00e4umerei \",\"artist_name\":\"Clara\","
                                 "\"release_name\":\"Kinderszenen\"}}")));
    CU_ASSERT_EQUAL(submission.kind, SUBMISSION_SINGLE);
    CU_ASSERT_EQUAL_FATAL(submission.listens_count, 1);
    const struct listen *listen = &submission.listens[0];
    CU_ASSERT_EQUAL(listen->listened_at_s, 1600000000);
    CU_ASSERT(slice_is(listen->track_name, "Tr\xc3\xa4umerei"));
    CU_ASSERT(slice_is(listen->artist_name, "Clara"));
    CU_ASSERT(slice_is(listen->release_name, "Kinderszenen"));
    CU_ASSERT_EQUAL(listen->duration_ms, 0);
    CU_ASSERT_EQUAL(listen->info.size_bytes + listen->metadata.size_bytes
                        + listen->client.size_bytes, 0);
}

static void other_top_level_keys_are_ignored(void)
{
    char body[1000];
    snprintf(body, sizeof body, "{\"token\":\"x\",\"payload\":[%s,%s],\"listen_type\":\"import\"}",
             ok_listen, ok_listen);
    CU_ASSERT_FATAL(takes(body));
    CU_ASSERT_EQUAL(submission.kind, SUBMISSION_IMPORT);
    CU_ASSERT_EQUAL(submission.listens_count, 2);
}

static void the_document_is_checked_in_order(void)
{
    char body[1000];
    CU_ASSERT(refuses("[]", "Invalid JSON document submitted. Top level of JSON document should be"
                            " a json object."));
    CU_ASSERT(refuses("null", "Invalid JSON document submitted. Top level of JSON document should"
                              " be a json object."));
    CU_ASSERT(refuses("{}", "Invalid JSON document submitted."));
    CU_ASSERT(refuses("{\"listen_type\":\"single\"}", "Invalid JSON document submitted."));
    snprintf(body, sizeof body, "{\"payload\":[%s]}", ok_listen);
    CU_ASSERT(refuses(body, "Invalid JSON document submitted."));
    static const char *const payloads[] = {"{}", "null", "1", "\"x\"", "true"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        snprintf(body, sizeof body, "{\"listen_type\":\"single\",\"payload\":%s}", payloads[i]);
        CU_ASSERT(refuses(body, "The payload in the JSON document should be a list of listens."));
    }
    CU_ASSERT(refuses("{\"listen_type\":\"what\",\"payload\":[]}",
                      "JSON document does not contain any listens"));
    static const char *const kinds[] = {"\"what\"", "\"Single\"", "\"\"", "null", "1",
        "[\"single\"]"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        snprintf(body, sizeof body, "{\"listen_type\":%s,\"payload\":[null]}", kinds[i]);
        CU_ASSERT(refuses(body, "JSON document requires a valid listen_type key."));
    }
    static const char *const lone[] = {"single", "playing_now"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(body, sizeof body, "{\"listen_type\":\"%s\",\"payload\":[null,null]}", lone[i]);
        CU_ASSERT(refuses(body, "JSON document contains more than listen for a single/playing_now."
                                " It should contain only one."));
    }
}

static void broken_json_is_told(void)
{
    static const char *const bad[] = {"", "{", "{\"a\":NaN}", "{\"a\":\"\\ud800\"}", "\xff",
                                      "{'a':1}", "{\"a\":1}x", "{\"a\":Infinity}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(parse(slice_text(bad[i])), RESULT_INVALID);
        CU_ASSERT_EQUAL(strncmp(error.text, "Cannot parse JSON document: ", 28), 0);
        CU_ASSERT(strlen(error.text) > 30);
    }
}

/* `count` good listens, padded with blanks to `size_bytes` if that is more. */
static enum result parse_many(size_t count, size_t size_bytes)
{
    struct buffer body = BUFFER_EMPTY;
    buffer_append_text(&body, "{\"listen_type\":\"import\",\"payload\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(&body, i > 0 ? "," : "");
        buffer_append_text(&body, ok_listen);
    }
    buffer_append_text(&body, "]");
    while (body.size_bytes + 1 < size_bytes) {
        buffer_append_char(&body, ' ');
    }
    buffer_append_text(&body, "}");
    enum result result = parse(buffer_slice(&body));
    buffer_free(&body);
    return result;
}

static void sizes_are_bounded(void)
{
    CU_ASSERT_EQUAL(parse_many(1000, 0), RESULT_OK);
    CU_ASSERT_EQUAL(submission.listens_count, 1000);
    CU_ASSERT_EQUAL(parse_many(1001, 0), RESULT_INVALID);
    CU_ASSERT_STRING_EQUAL(error.text, "Too many listens. You may not submit more than 1000 listens"
                                       " at once.");
    CU_ASSERT_EQUAL(parse_many(2, 20480), RESULT_OK);
    CU_ASSERT_EQUAL(parse_many(2, 20481), RESULT_INVALID);
    CU_ASSERT_STRING_EQUAL(error.text, "JSON document is too large. Each listens may not be larger"
                                       " than 10240 bytes.");
    CU_ASSERT_EQUAL(parse_many(1000, 10240000), RESULT_OK);
    CU_ASSERT_EQUAL(parse_many(1000, 10240001), RESULT_INVALID);
    CU_ASSERT_STRING_EQUAL(error.text, "Payload too large. Payload cannot exceed 10240000 bytes");
    /* Too many counts before too large does. */
    CU_ASSERT_EQUAL(parse_many(1001, 10240000), RESULT_INVALID);
    CU_ASSERT_EQUAL(strncmp(error.text, "Too many", 8), 0);
}

static void one_bad_listen_refuses_all(void)
{
    char body[1000];
    snprintf(body, sizeof body,
             "{\"listen_type\":\"import\",\"payload\":[%s,{\"listened_at\":1},%s]}", ok_listen,
             ok_listen);
    CU_ASSERT(refuses(body, "Value for key listened_at is too low. listened_at timestamp should be"
                            " greater than 1033410600 (2002-10-01 00:00:00 UTC)."));
}

/* ── one listen ── */

static void a_listen_must_be_something(void)
{
    static const char *const bad[] = {"null", "\"x\"", "12", "true", "false", "0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(refuses(single(bad[i]), "Listen is empty and cannot be validated."));
        CU_ASSERT(refuses(playing(bad[i]), "Listen is empty and cannot be validated."));
    }
    CU_ASSERT(refuses(single("[]"), "JSON document must contain the key listened_at at the top"
                                    " level."));
}

static void its_time_is_checked(void)
{
    static const char no_int[] = "JSON document must contain an int value for listened_at.";
    static const char high[] = "Value for key listened_at is too high.";
    static const char low[] = "Value for key listened_at is too low. listened_at timestamp"
                              " should be greater than 1033410600 (2002-10-01 00:00:00 UTC).";
    static const struct {
        const char *time;
        const char *text; /* NULL: taken */
    } rows[] = {
        {"null", no_int}, {"[]", no_int}, {"{}", no_int}, {"\"\"", no_int}, {"\"abc\"", no_int},
        {"\"1600000000.5\"", no_int}, {"\"1_\"", no_int}, {"\"0x10\"", no_int}, {"1e400", no_int},
        {"\"1600000000\"", NULL}, {"\" +1_600_000_000 \\n\"", NULL}, {"1600000000.9", NULL},
        {"1.6e9", NULL}, {"true", low}, {"false", low}, {"0", low}, {"-1", low}, {"-1e300", low},
        {"1033430399", low}, {"1033430399.999", low}, {"1033430400", NULL},
        {"1700003599", NULL}, {"1700003600", high}, {"1700003600.0", high}, {"1700003599.9", NULL},
        {"1600000000000", high}, {"1600000000000000000", high}, {"1e300", high},
        {"99999999999999999999999999", high}, {"\"99999999999999999999999999\"", high},
        {"-99999999999999999999999999", low},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT(rows[i].text == NULL ? takes(at(rows[i].time))
                                       : refuses(at(rows[i].time), rows[i].text));
    }
    CU_ASSERT_FATAL(takes(at("\"1600000001\"")));
    CU_ASSERT_EQUAL(submission.listens[0].listened_at_s, 1600000001);
}

static void its_keys_are_checked(void)
{
    CU_ASSERT(refuses(single("{}"), "JSON document must contain the key listened_at at the top"
                                    " level."));
    CU_ASSERT(refuses(single("{\"track_metadata\":{},\"x\":1}"),
                      "JSON document must contain the key listened_at at the top level."));
    CU_ASSERT(refuses(single("{\"listened_at\":\"x\"}"),
                      "JSON document must contain an int value for listened_at."));
    CU_ASSERT(refuses(single("{\"listened_at\":1600000000,\"x\":1}"),
                      "JSON document must contain the key track_metadata at the top level."));
    CU_ASSERT(refuses(single("{\"listened_at\":1600000000,\"track_metadata\":null,\"x\":1}"),
                      "JSON document may only contain listened_at and track_metadata top level"
                      " keys"));
    /* A doubled key is one key, and its last value counts. */
    CU_ASSERT(takes(single("{\"listened_at\":1,\"listened_at\":1600000000,\"track_metadata\":null,"
                           "\"track_metadata\":{\"track_name\":\"t\",\"artist_name\":\"a\"}}")));
}

static void playing_now_has_rules_of_its_own(void)
{
    CU_ASSERT(refuses(playing("{\"listened_at\":null}"),
                      "JSON document must not contain listened_at while submitting playing_now."));
    CU_ASSERT(refuses(playing("{\"x\":1}"),
                      "JSON document must contain the key track_metadata at the top level."));
    CU_ASSERT(refuses(playing("{\"track_metadata\":null,\"x\":1}"),
                      "JSON document may only contain track_metadata as top level key when"
                      " submitting playing_now."));
    CU_ASSERT(refuses(playing("{\"track_metadata\":null}"),
                      "JSON document may not have track_metadata with null value."));
    CU_ASSERT_FATAL(takes(playing("{\"track_metadata\":{\"track_name\":\"t\",\"artist_name\":\"a\","
                                  "\"additional_info\":{\"duration\":241.7}}}")));
    CU_ASSERT_EQUAL(submission.kind, SUBMISSION_PLAYING_NOW);
    CU_ASSERT_EQUAL(submission.listens[0].listened_at_s, 0);
    CU_ASSERT_EQUAL(submission.listens[0].duration_ms, 241000);
}

/* ── names ── */

static void names_are_checked_in_order(void)
{
    static const char missing_track[] =
        "JSON document does not contain required field track_metadata.track_name.";
    CU_ASSERT(refuses(about("null"), "JSON document may not have track_metadata with null value."));
    static const char *const no_objects[] = {"{}", "[]", "\"x\"", "5", "true", "\"track_name\""};
    for (size_t i = 0; i < sizeof no_objects / sizeof *no_objects; i++) {
        CU_ASSERT(refuses(about(no_objects[i]), missing_track));
    }
    CU_ASSERT(refuses(about("{\"artist_name\":5}"), missing_track));
    CU_ASSERT(refuses(about("{\"track_name\":\" \"}"),
                      "field track_metadata.track_name is empty."));
    CU_ASSERT(refuses(about("{\"track_name\":\"t\",\"release_name\":5}"),
                      "JSON document does not contain required field track_metadata.artist_name."));
    static const char *const no_strings[] = {"null", "5", "[\"a\"]", "{}", "true"};
    char metadata[200];
    for (size_t i = 0; i < sizeof no_strings / sizeof *no_strings; i++) {
        snprintf(metadata, sizeof metadata, "{\"artist_name\":\"a\","
                                            "\"track_name\":%s}", no_strings[i]);
        CU_ASSERT(refuses(about(metadata), "track_metadata.track_name must be a single string."));
        snprintf(metadata, sizeof metadata,
                 "{\"artist_name\":%s,\"track_name\":\"t\"}", no_strings[i]);
        CU_ASSERT(refuses(about(metadata), "track_metadata.artist_name must be a single string."));
        snprintf(metadata, sizeof metadata,
                 "{\"artist_name\":\"a\",\"track_name\":\"t\",\"release_name\":%s,"
                 "\"additional_info\":{\"duration\":0}}", no_strings[i]);
        CU_ASSERT(refuses(about(metadata), "track_metadata.release_name must be a single string."));
    }
    static const char *const blanks[] = {"", " ", "\\t\\n\\r ", "\\u00a0\\u3000", "\\u001c\\u2029"};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        snprintf(metadata, sizeof metadata,
                 "{\"artist_name\":\"%s\",\"track_name\":\"t\"}", blanks[i]);
        CU_ASSERT(refuses(about(metadata), "field track_metadata.artist_name is empty."));
        snprintf(metadata, sizeof metadata,
                 "{\"artist_name\":\"a\",\"track_name\":\"t\",\"release_name\":\"%s\"}", blanks[i]);
        CU_ASSERT_FATAL(takes(about(metadata)));
        CU_ASSERT_EQUAL(submission.listens[0].release_name.size_bytes, 0);
    }
}

/* The text with its @ replaced. */
static const char *with(const char *text, const char *value)
{
    static char replaced[1000];
    const char *mark = strchr(text, '@');
    snprintf(replaced, sizeof replaced, "%.*s%s%s", (int)(mark - text), text, value, mark + 1);
    return replaced;
}

static void nul_is_refused_wherever_it_stands(void)
{
    static const char *const places[] = {
        "{\"track_name\":\"@\",\"artist_name\":\"a\"}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"release_name\":\"@\"}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"@\":1}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"x\":[{\"y\":\"@\"}]}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"x\":\"@\"}}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"@\":1}}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"x\":{\"@\":1}}}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"x\":[\"@\"]}}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"x\":[{\"@\":1}]}}",
        "{\"track_name\":\"t\",\"artist_name\":\"a\",\"additional_info\":{\"tags\":[\"@\"]}}",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        CU_ASSERT(refuses(about(with(places[i], "a\\u0000b")),
                          "a\\u0000b contains a unicode null"));
        CU_ASSERT(takes(about(with(places[i], "a\\\\u0000b"))));
    }
    /* It comes last. */
    CU_ASSERT(refuses(about("{\"track_name\":\"\\u0000\",\"artist_name\":\"\"}"),
                      "field track_metadata.artist_name is empty."));
}

static void a_long_value_is_quoted_in_part(void)
{
    struct buffer metadata = BUFFER_EMPTY;
    buffer_append_text(&metadata, "{\"artist_name\":\"a\",\"track_name\":\"");
    for (int i = 0; i < 500; i++) {
        buffer_append_text(&metadata, "\xe5\x9d\x82");
    }
    buffer_append_text(&metadata, "\\u0000\"}");
    CU_ASSERT_EQUAL(parse(slice_text(about(metadata.data))), RESULT_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "\xe5\x9d\x82 contains a unicode null"));
    CU_ASSERT_EQUAL(strlen(error.text), 159 + strlen(" contains a unicode null"));
    buffer_free(&metadata);
}

static void one_listen_alone_is_checked_alike(void)
{
    struct listen listen;
    CU_ASSERT_EQUAL(submission_parse_listen(slice_text(ok_listen), SUBMISSION_IMPORT, now_s, arena,
                                            &listen, &error), RESULT_OK);
    CU_ASSERT(slice_is(listen.artist_name, "a"));
    CU_ASSERT_EQUAL(submission_parse_listen(slice_text("null"), SUBMISSION_IMPORT, now_s, arena,
                                            &listen, &error), RESULT_INVALID);
    CU_ASSERT_STRING_EQUAL(error.text, "Listen is empty and cannot be validated.");
    CU_ASSERT_EQUAL(submission_parse_listen(slice_text("null"), SUBMISSION_IMPORT, now_s, arena,
                                            &listen, NULL), RESULT_INVALID);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_good_one_passes),
        UNIT_TEST(other_top_level_keys_are_ignored),
        UNIT_TEST(the_document_is_checked_in_order),
        UNIT_TEST(broken_json_is_told),
        UNIT_TEST(sizes_are_bounded),
        UNIT_TEST(one_bad_listen_refuses_all),
        UNIT_TEST(a_listen_must_be_something),
        UNIT_TEST(its_time_is_checked),
        UNIT_TEST(its_keys_are_checked),
        UNIT_TEST(playing_now_has_rules_of_its_own),
        UNIT_TEST(names_are_checked_in_order),
        UNIT_TEST(nul_is_refused_wherever_it_stands),
        UNIT_TEST(a_long_value_is_quoted_in_part),
        UNIT_TEST(one_listen_alone_is_checked_alike),
    };
    arena = arena_create();
    int status = unit_run("submission", tests, sizeof tests / sizeof *tests);
    arena_destroy(&arena);
    return status;
}
