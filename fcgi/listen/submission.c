#include "listen/submission.h"

#include "listen/check.h"

static const struct {
    const char *name;
    enum submission_kind kind;
} kinds[] = {
    {"single", SUBMISSION_SINGLE},
    {"import", SUBMISSION_IMPORT},
    {"playing_now", SUBMISSION_PLAYING_NOW},
};

/* An object with a payload, however wrong that may be. */
static enum result check_document(struct check *check, struct slice body, struct slice *payload)
{
    if (body.size_bytes > LISTEN_BODY_MAX_BYTES) {
        return check_refuse(check, "Payload too large. Payload cannot exceed %d bytes",
                            LISTEN_BODY_MAX_BYTES);
    }
    enum result result = jtext_check_object(body, check->error);
    if (result == RESULT_OK && !jtext_member(body, "payload", payload)) {
        result = check_refuse(check, "Invalid JSON document submitted.");
    }
    return result;
}

static enum result check_payload(struct check *check, struct slice body, struct slice payload,
                                 size_t *count)
{
    if (jtext_kind(payload) != JSON_ARRAY) {
        return check_refuse(check,
                            "The payload in the JSON document should be a list of listens.");
    }
    struct jtext_cursor cursor = {0};
    struct slice item;
    for (*count = 0; jtext_next_item(payload, &cursor, &item);) {
        ++*count;
    }
    if (*count == 0) {
        return check_refuse(check, "JSON document does not contain any listens");
    }
    if (*count > LISTENS_PER_REQUEST_MAX) {
        return check_refuse(check, "Too many listens. You may not submit more than %d listens at"
                                   " once.", LISTENS_PER_REQUEST_MAX);
    }
    if (body.size_bytes > *count * LISTEN_AVERAGE_MAX_BYTES) {
        return check_refuse(check, "JSON document is too large. Each listens may not be larger"
                                   " than %d bytes.", LISTEN_AVERAGE_MAX_BYTES);
    }
    return RESULT_OK;
}

static enum result check_kind(struct check *check, struct slice body, size_t count)
{
    struct slice value;
    if (!jtext_member(body, "listen_type", &value)) {
        return check_refuse(check, "Invalid JSON document submitted.");
    }
    struct slice name = slice_of(NULL, 0);
    if (jtext_kind(value) == JSON_STRING
        && jtext_unescape(jtext_inside(value), check->arena, &name) != RESULT_OK) {
        return RESULT_NO_MEMORY;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (slice_is(name, kinds[i].name)) {
            check->kind = kinds[i].kind;
            if (check->kind != SUBMISSION_IMPORT && count > 1) {
                return check_refuse(check, "JSON document contains more than listen for a"
                                           " single/playing_now. It should contain only one.");
            }
            return RESULT_OK;
        }
    }
    return check_refuse(check, "JSON document requires a valid listen_type key.");
}

static enum result parse_listens(struct check *check, struct slice payload,
                                 struct submission *submission)
{
    submission->listens =
        arena_alloc(check->arena, submission->listens_count * sizeof *submission->listens);
    if (submission->listens == NULL) {
        return RESULT_NO_MEMORY;
    }
    struct jtext_cursor cursor = {0};
    struct slice item;
    enum result result = RESULT_OK;
    for (size_t i = 0; result == RESULT_OK && jtext_next_item(payload, &cursor, &item); i++) {
        result = check_listen(check, item, &submission->listens[i]);
    }
    return result;
}

/* Gives up what the checks have used. */
static enum result finish(struct check *check, enum result result)
{
    buffer_free(&check->scratch);
    return result == RESULT_NO_MEMORY
               ? error_set(check->error, result, "listen", "out of memory")
               : result;
}

enum result submission_parse(struct slice body, int64_t now_s, struct arena *arena,
                             struct submission *submission, struct error *error)
{
    struct check check = {.now_s = now_s, .arena = arena, .error = error};
    *submission = (struct submission){0};
    struct slice payload;
    enum result result = check_document(&check, body, &payload);
    if (result == RESULT_OK) {
        result = check_payload(&check, body, payload, &submission->listens_count);
    }
    if (result == RESULT_OK) {
        result = check_kind(&check, body, submission->listens_count);
        submission->kind = check.kind;
    }
    if (result == RESULT_OK) {
        result = parse_listens(&check, payload, submission);
    }
    return finish(&check, result);
}

enum result submission_parse_listen(struct slice body, enum submission_kind kind, int64_t now_s,
                                    struct arena *arena, struct listen *listen,
                                    struct error *error)
{
    struct check check = {.kind = kind, .now_s = now_s, .arena = arena, .error = error};
    return finish(&check, check_listen(&check, body, listen));
}
