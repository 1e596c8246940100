#include "info_fixture.h"

#include "unit.h"

#include "json/json.h"
#include "listen/submission.h"

#include <stdio.h>

struct listen info_listen;
struct error info_error;

static struct arena *arena;
static struct buffer body;

void info_begin(void)
{
    arena = arena_create();
}

void info_end(void)
{
    arena_destroy(&arena);
    buffer_free(&body);
}

enum result info_parse_metadata(const char *members)
{
    arena_reset(arena);
    info_error.text[0] = '\0';
    buffer_clear(&body);
    buffer_append_format(&body, "{\"listened_at\":1600000000,\"track_metadata\":{\"track_name\":"
                                "\"t\",\"artist_name\":\"a\",%s}}", members);
    CU_ASSERT_EQUAL_FATAL(jtext_check(buffer_slice(&body), &info_error), RESULT_OK);
    return submission_parse_listen(buffer_slice(&body), SUBMISSION_SINGLE, 1700000000, arena,
                                   &info_listen, &info_error);
}

enum result info_parse(const char *info)
{
    struct buffer members = BUFFER_EMPTY;
    buffer_append_format(&members, "\"additional_info\":%s", info);
    enum result result = info_parse_metadata(members.data);
    buffer_free(&members);
    return result;
}

static void complain(const char *info, enum result result)
{
    printf("# %.200s\n#   gave (%s) %s %.*s\n", info, result_name(result), info_error.text,
           SLICE_ARGS(info_listen.info));
}

bool info_refuses(const char *info, const char *text)
{
    enum result result = info_parse(info);
    bool right = result == RESULT_INVALID && strcmp(info_error.text, text) == 0;
    if (!right) {
        complain(info, result);
    }
    return right;
}

bool info_keeps(const char *info, const char *kept)
{
    enum result result = info_parse(info);
    bool right = result == RESULT_OK && slice_is(info_listen.info, kept);
    if (!right) {
        complain(info, result);
    }
    return right;
}

const char *info_object(const char *key, const char *value)
{
    static char text[9000];
    snprintf(text, sizeof text, "{\"%s\":%s}", key, value);
    return text;
}
