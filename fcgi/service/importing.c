/*
 * An upload goes to PostgreSQL piece by piece as it comes in, so that none is ever held as a whole,
 * and is given to a worker, by one statement, when its last piece is there. Nobody sees one that
 * was broken off before: it is forgotten here, or by the worker where this process has died.
 */
#include "service/importing.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/access.h"
#include "service/answer.h"
#include "service/change.h"

#include <inttypes.h>
#include <strings.h>

enum {
    piece_bytes = 256 * 1024,
    name_max_bytes = 255,
    play_min_default_s = 30,
    play_min_max_s = 86400,
    list_count_max = 100,
};

static const enum scope see = (enum scope)(SCOPE_SUBMIT | SCOPE_READ);

/* ── what is asked for ── */

struct wanted {
    char *file_name;
    char *source_user; /* NULL: whoever the file is of */
    char play_min_ms[DB_INT_TEXT_SIZE];
};

/* A name as terminated bytes of the arena; it stays where the query has none, or an empty one. */
static enum result read_name(const struct http_request *request, const char *key, char **name,
                             struct error *error)
{
    struct slice text;
    if (!http_query(request, key, &text) || text.size_bytes == 0) {
        return RESULT_OK;
    }
    bool is_name = text.size_bytes <= name_max_bytes && text_is_utf8(text);
    for (size_t i = 0; i < text.size_bytes && is_name; i++) {
        is_name = (unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f;
    }
    if (!is_name) {
        return error_set(error, RESULT_INVALID, "importing",
                         "'%s' should be UTF-8 of %d bytes at most, without control characters.",
                         key, name_max_bytes);
    }
    *name = arena_copy(request->arena, text);
    return *name == NULL ? error_set(error, RESULT_NO_MEMORY, "importing", "out of memory")
                         : RESULT_OK;
}

static enum result read_wanted(const struct http_request *request, struct wanted *wanted,
                               struct error *error)
{
    static char unnamed[] = "upload";
    struct slice text;
    int64_t play_min_s = play_min_default_s;
    *wanted = (struct wanted){.file_name = unnamed};
    enum result result = read_name(request, "file_name", &wanted->file_name, error);
    if (result == RESULT_OK) {
        result = read_name(request, "source_user", &wanted->source_user, error);
    }
    if (result == RESULT_OK
        && (!answer_query_int(request, "min_play", &play_min_s, &text) || play_min_s < 0
            || play_min_s > play_min_max_s)) {
        result = error_set(error, RESULT_INVALID, "importing",
                           "'min_play' should be a whole number of seconds from 0 to %d.",
                           play_min_max_s);
    }
    db_format_int(play_min_s * 1000, wanted->play_min_ms);
    return result;
}

/* curl calls whatever it sends application/x-www-form-urlencoded, so that is taken for a file. */
static bool is_form(const struct http_request *request)
{
    static const char multipart[] = "multipart/";
    struct slice type = request->content_type;
    return type.size_bytes >= sizeof multipart - 1
           && strncasecmp(type.data, multipart, sizeof multipart - 1) == 0;
}

/* ── uploading ── */

struct upload {
    const struct service *service;
    const struct http_request *request;
    char user[DB_INT_TEXT_SIZE];
    char job[DB_INT_TEXT_SIZE];
    int64_t pieces;
    unsigned char *data;
    size_t size_bytes; /* of the piece in data */
    char *text;        /* the piece as a parameter */
};

/* An upload lasts; each of its calls has the time of a request. */
static enum result call(const struct upload *upload, const struct db_function *function,
                        const char *const *params, struct db_rows **rows, struct error *error)
{
    struct http_request now = *upload->request;
    now.deadline_us =
        clock_mono_us() + upload->request->deadline_us - upload->request->arrived_us;
    return change_quietly(upload->service, &now, function, params, rows, error);
}

/* A call that answers whether the upload is still there. */
static enum result call_on(const struct upload *upload, const struct db_function *function,
                           const char *const *params, struct error *error)
{
    struct db_rows *rows = NULL;
    enum result result = call(upload, function, params, &rows, error);
    if (result == RESULT_OK && !db_rows_bool(rows, 0, 0)) {
        result = error_set(error, RESULT_CONFLICT, "importing",
                           "The import was cancelled while its file was being uploaded.");
    }
    db_rows_free(&rows);
    return result;
}

static enum result open_upload(struct upload *upload, const struct wanted *wanted,
                               struct error *error)
{
    static const struct db_function fn_open = {"import_open", 4};
    const char *const params[] = {upload->user, wanted->file_name, wanted->source_user,
                                  wanted->play_min_ms};
    struct db_rows *rows = NULL;
    enum result result = call(upload, &fn_open, params, &rows, error);
    if (result == RESULT_OK) {
        db_format_int(db_rows_int(rows, 0, 0), upload->job);
    }
    db_rows_free(&rows);
    return result;
}

static enum result read_piece(struct upload *upload, struct error *error)
{
    return http_read_body(upload->request, (char *)upload->data, piece_bytes,
                          &upload->size_bytes, error);
}

static enum result append_piece(struct upload *upload, struct error *error)
{
    static const struct db_function fn_append = {"import_append", 4};
    char number[DB_INT_TEXT_SIZE];
    db_format_int(upload->pieces++, number);
    db_format_bytes(upload->data, upload->size_bytes, upload->text);
    const char *const params[] = {upload->user, upload->job, number, upload->text};
    return call_on(upload, &fn_append, params, error);
}

static enum result append_all(struct upload *upload, struct error *error)
{
    enum result result = RESULT_OK;
    while (result == RESULT_OK && upload->size_bytes > 0) {
        result = append_piece(upload, error);
        if (result == RESULT_OK) {
            result = read_piece(upload, error);
        }
    }
    return result;
}

/* Where this fails too, what is left is purged by the worker. */
static void abandon(const struct upload *upload)
{
    static const struct db_function fn_abandon = {"import_abandon", 2};
    const char *const params[] = {upload->user, upload->job};
    struct error ignored;
    enum result result = call(upload, &fn_abandon, params, NULL, &ignored);
    (void)result;
}

static enum result receive(struct upload *upload, const struct wanted *wanted,
                           struct error *error)
{
    static const struct db_function fn_submit = {"import_submit", 2};
    const char *const params[] = {upload->user, upload->job};
    enum result result = read_piece(upload, error);
    if (result == RESULT_OK && upload->size_bytes == 0) {
        result = error_set(error, RESULT_INVALID, "importing",
                           "The body is empty, but should be the file.");
    }
    if (result == RESULT_OK) {
        result = open_upload(upload, wanted, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    result = append_all(upload, error);
    if (result == RESULT_OK) {
        result = call_on(upload, &fn_submit, params, error);
    }
    if (result != RESULT_OK) {
        abandon(upload);
    }
    return result;
}

static enum result upload_file(const struct service *service, const struct http_request *request,
                               const struct cache_account *account, const struct wanted *wanted,
                               struct buffer *body, struct error *error)
{
    struct upload upload = {
        .service = service,
        .request = request,
        .data = arena_alloc(request->arena, piece_bytes),
        .text = arena_alloc(request->arena, DB_BYTES_TEXT_SIZE(piece_bytes)),
    };
    if (upload.data == NULL || upload.text == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "importing", "out of memory");
    }
    db_format_int(account->user_id, upload.user);
    enum result result = receive(&upload, wanted, error);
    if (result == RESULT_OK) {
        buffer_append_format(body, "{\"id\":%s}\n", upload.job);
    }
    return result;
}

void importing_post(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct error error;
    struct cache_account account;
    struct wanted wanted;
    enum result result = account_authorize(context, request, SCOPE_SUBMIT, &account, &error);
    if (result == RESULT_OK && is_form(request)) {
        http_error(response, 415,
                   "The body should be the file itself, one a request, and no form: "
                   "curl --data-binary @FILE, or curl -X POST -T FILE, sends it like that.");
        return;
    }
    if (result == RESULT_OK) {
        result = read_wanted(request, &wanted, &error);
    }
    if (result == RESULT_OK && !http_begin_transfer(request, response)) {
        return;
    }
    if (result == RESULT_OK) {
        result = upload_file(context, request, &account, &wanted, &response->body, &error);
    }
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
        return;
    }
    response->status = 202;
    http_cache_control(response, "no-store");
}

/* ── what has become of them ── */

static enum result missing(const struct http_request *request, struct error *error)
{
    return error_set(error, RESULT_NOT_FOUND, "importing", "Cannot find import: %.*s",
                     SLICE_ARGS(request->captures[0]));
}

/* Calls a function of one import of the listener's own, whose fifth column is null where there is
 * none. Who is told what has been stored is shown it by his next read: the versions see to that. */
static enum result ask_about(const struct service *service, const struct http_request *request,
                             enum scope scope, const struct db_function *function,
                             struct db_rows **rows, struct error *error)
{
    struct cache_account account;
    int64_t id;
    enum result result = account_authorize(service, request, scope, &account, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (!text_parse_int(request->captures[0], &id) || id < 0 || id > INT32_MAX) {
        return missing(request, error);
    }
    char user[DB_INT_TEXT_SIZE];
    char job[DB_INT_TEXT_SIZE];
    db_format_int(account.user_id, user);
    db_format_int(id, job);
    const char *const params[] = {user, job};
    result = change_call(service, request, &account, function, params, rows, error);
    return result == RESULT_OK && db_rows_is_null(*rows, 0, 4) ? missing(request, error) : result;
}

static enum result read_format(const struct http_request *request, bool *is_text,
                               struct error *error)
{
    struct slice format;
    bool is_there = http_query(request, "format", &format) && format.size_bytes > 0;
    *is_text = is_there && slice_is(format, "text");
    return !is_there || *is_text || slice_is(format, "json")
               ? RESULT_OK
               : error_set(error, RESULT_INVALID, "importing",
                           "'format' should be 'json' or 'text'.");
}

void importing_get(void *context, const struct http_request *request,
                   struct http_response *response)
{
    static const struct db_function fn_report = {"import_report", 2};
    static const struct db_function fn_text = {"import_report_text", 2};
    struct db_rows *rows = NULL;
    struct error error;
    bool is_text;
    enum result result = read_format(request, &is_text, &error);
    if (result == RESULT_OK) {
        result = ask_about(context, request, see, is_text ? &fn_text : &fn_report, &rows, &error);
    }
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
    } else {
        buffer_append_slice(&response->body, db_rows_text(rows, 0, 4));
        if (is_text) {
            http_header_text(response, "Content-Type", "text/plain; charset=utf-8");
        } else {
            buffer_append_char(&response->body, '\n');
        }
        http_cache_control(response, "no-store");
    }
    db_rows_free(&rows);
}

static enum result read_page(const struct http_request *request, int64_t *count,
                             int64_t *before, struct error *error)
{
    struct slice text;
    *count = ANSWER_COUNT_DEFAULT;
    if (!answer_query_int(request, "count", count, &text) || *count < 0) {
        return error_set(error, RESULT_INVALID, "importing",
                         "'count' should be a non-negative integer");
    }
    *count = *count > list_count_max ? list_count_max : *count;
    *before = INT32_MAX;
    if (!answer_query_int(request, "before", before, &text) || *before < 0) {
        return error_set(error, RESULT_INVALID, "importing",
                         "'before' should be the id of an import");
    }
    *before = *before > INT32_MAX ? INT32_MAX : *before;
    return RESULT_OK;
}

static enum result write_list(const struct service *service, const struct http_request *request,
                              struct buffer *body, struct error *error)
{
    static const struct db_function fn_list = {"import_list", 3};
    struct cache_account account;
    struct db_rows *rows = NULL;
    int64_t number;
    int64_t before_id;
    enum result result = account_authorize(service, request, see, &account, error);
    if (result == RESULT_OK) {
        result = read_page(request, &number, &before_id, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    char user[DB_INT_TEXT_SIZE];
    char before[DB_INT_TEXT_SIZE];
    char count[DB_INT_TEXT_SIZE];
    db_format_int(account.user_id, user);
    db_format_int(before_id, before);
    db_format_int(number, count);
    const char *const params[] = {user, before, count};
    result = change_call(service, request, &account, &fn_list, params, &rows, error);
    if (result == RESULT_OK) {
        buffer_append_format(body, "{\"count\":%" PRId64 ",\"imports\":", db_rows_int(rows, 0, 4));
        buffer_append_slice(body, db_rows_text(rows, 0, 5));
        buffer_append_text(body, "}\n");
    }
    db_rows_free(&rows);
    return result;
}

void importing_get_list(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct error error;
    enum result result = write_list(context, request, &response->body, &error);
    if (result != RESULT_OK) {
        http_error_of(response, result, &error);
        return;
    }
    http_cache_control(response, "no-store");
}

void importing_cancel_post(void *context, const struct http_request *request,
                           struct http_response *response)
{
    static const struct db_function fn_cancel = {"import_cancel", 2};
    struct db_rows *rows = NULL;
    struct error error;
    enum result result =
        ask_about(context, request, SCOPE_SUBMIT, &fn_cancel, &rows, &error);
    if (result == RESULT_OK && !slice_is(db_rows_text(rows, 0, 4), "cancelled")) {
        result = error_set(&error, RESULT_CONFLICT, "importing",
                           "The import has ended already: it is %.*s.",
                           SLICE_ARGS(db_rows_text(rows, 0, 4)));
    }
    if (result == RESULT_OK) {
        change_answer(response);
    } else {
        http_error_of(response, result, &error);
    }
    db_rows_free(&rows);
}
