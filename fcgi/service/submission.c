#include "service/submission.h"

#include "listen/submission.h"

#include "base/clock.h"
#include "base/text.h"
#include "listen/batch.h"
#include "service/access.h"
#include "service/playing.h"

static enum result store(const struct service *service, const struct http_request *request,
                         const struct cache_account *account, const struct submission *submission,
                         struct error *error)
{
    struct batch *batch = batch_create(service->known);
    if (batch == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "submission", "out of memory");
    }
    enum result result = RESULT_OK;
    for (size_t i = 0; i < submission->listens_count && result == RESULT_OK; i++) {
        result = batch_add(batch, &submission->listens[i]);
    }
    struct batch_outcome outcome;
    if (result == RESULT_OK) {
        result = batch_store(batch, service->db, account->user_id, request->deadline_us,
                             &outcome, error);
    } else {
        error_set(error, result, "submission", "out of memory");
    }
    batch_destroy(&batch);
    /* A repeat too: the first try may have been stored by a process that has died since. */
    if (result == RESULT_OK && submission->listens_count > 0) {
        const struct cache_versions versions = {.epoch = outcome.epoch,
                                                .live = outcome.live,
                                                .past = outcome.past,
                                                .auth = outcome.auth};
        cache_apply(service->cache, &account->subject, &versions);
    }
    /* The token was valid a moment ago: the account has been deleted meanwhile. */
    return result == RESULT_NOT_FOUND
               ? error_set(error, RESULT_UNAUTHORIZED, "submission", "Invalid authorization token.")
               : result;
}

/* What is playing now, whose client may ask for the recording's id. */
static enum result store_playing(const struct service *service, const struct http_request *request,
                                 const struct cache_account *account, const struct listen *listen,
                                 struct buffer *body, struct error *error)
{
    struct slice wanted;
    char msid[UUID_TEXT_SIZE];
    enum result result = playing_store(service, request, account, listen, msid, error);
    if (result == RESULT_OK && http_query(request, "return_msid", &wanted)
        && wanted.size_bytes > 0) {
        buffer_append_format(body, ",\"recording_msid\":\"%s\"", msid);
    }
    return result;
}

static enum result accept(const struct service *service, const struct http_request *request,
                          struct submission *submission, struct buffer *body, struct error *error)
{
    struct cache_account account;
    enum result result = account_authorize(service, request, SCOPE_SUBMIT, &account, error);
    if (result == RESULT_OK && request->body.size_bytes > LISTEN_BODY_MAX_BYTES) {
        result = error_set(error, RESULT_INVALID, "submission",
                           "Payload too large. Payload cannot exceed %d bytes",
                           LISTEN_BODY_MAX_BYTES);
    }
    if (result == RESULT_OK) {
        result = submission_parse(request->body, clock_wall_s(), request->arena, submission,
                                  error);
    }
    buffer_append_text(body, "{\"status\":\"ok\"");
    if (result == RESULT_OK && submission->kind == SUBMISSION_PLAYING_NOW) {
        result = store_playing(service, request, &account, submission->listens, body, error);
    } else if (result == RESULT_OK) {
        result = store(service, request, &account, submission, error);
    }
    buffer_append_text(body, "}\n");
    return result;
}

void submission_post(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct error error;
    struct submission submission = {0};
    enum result result = accept(context, request, &submission, &response->body, &error);
    if (result != RESULT_OK) {
        http_error_or(response, result, &error,
                      submission.kind == SUBMISSION_PLAYING_NOW
                          ? "Cannot record playing_now at this time."
                          : "Cannot submit listens to queue, please try again later.");
        return;
    }
    http_header(response, "Cache-Control", "no-store");
}
