#include "import/input.h"

#include "base/text.h"
#include "import/gunzip.h"
#include "import/unpack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { window_first_bytes = 256 << 10 };
static const int64_t gunzipped_free_bytes = 64 << 20; /* small ones may be as repetitive as they like */
static const int64_t ratio_max = 200;

struct input {
    char *path;
    const char *name;
    int fd;
    struct unpack *unpack; /* NULL for a plain file */
    struct gunzip *gunzip; /* NULL where the file, or the member, is not packed by gzip */
    bool begun;            /* the plain file has been handed out */
    int64_t file_bytes;    /* 0 where it is no regular file */
    int64_t gunzipped_bytes;
    char *data;
    size_t room_bytes;
    size_t start, end; /* of the window */
};

static enum result fail(const struct input *input, const char *what, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s: %s", input->name, what);
}

static enum result read_packed(void *context, char *data, size_t room_bytes, size_t *size_bytes,
                               struct error *error)
{
    struct input *input = context;
    if (input->unpack != NULL) {
        return unpack_read(input->unpack, data, room_bytes, size_bytes, error);
    }
    ssize_t got;
    do {
        got = read(input->fd, data, room_bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return fail(input, strerror(errno), error);
    }
    *size_bytes = (size_t)got;
    return RESULT_OK;
}

/* As unpack.c has it for zips. */
static enum result check_growth(const struct input *input, struct error *error)
{
    if (input->gunzipped_bytes > gunzipped_free_bytes
        && input->gunzipped_bytes / ratio_max > input->file_bytes) {
        return fail(input, "unpacks to over 200 times its size, as no history does", error);
    }
    return RESULT_OK;
}

static enum result read_some(struct input *input, char *data, size_t room_bytes,
                             size_t *size_bytes, struct error *error)
{
    if (input->gunzip == NULL) {
        return read_packed(input, data, room_bytes, size_bytes, error);
    }
    struct error cause;
    enum result result = gunzip_read(input->gunzip, data, room_bytes, size_bytes, &cause);
    if (result != RESULT_OK) {
        return result == RESULT_NO_MEMORY ? result : fail(input, cause.text, error);
    }
    input->gunzipped_bytes += (int64_t)*size_bytes;
    return check_growth(input, error);
}

/* Room behind the window for at least one byte. */
static enum result make_room(struct input *input, struct error *error)
{
    if (input->start > 0) {
        memmove(input->data, input->data + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    if (input->end < input->room_bytes) {
        return RESULT_OK;
    }
    if (input->room_bytes >= INPUT_RECORD_MAX_BYTES) {
        return error_set(error, RESULT_TOO_LARGE, "import",
                         "it is longer than %d MiB, as no listen is",
                         INPUT_RECORD_MAX_BYTES >> 20);
    }
    size_t room = input->room_bytes == 0 ? window_first_bytes : 2 * input->room_bytes;
    char *data = realloc(input->data, room);
    if (data == NULL) {
        return RESULT_NO_MEMORY;
    }
    input->data = data;
    input->room_bytes = room;
    return RESULT_OK;
}

enum result input_read(struct input *input, bool *more, struct error *error)
{
    enum result result = RESULT_OK;
    if (input->end == input->room_bytes) {
        result = make_room(input, error);
    }
    size_t got = 0;
    if (result == RESULT_OK) {
        result = read_some(input, input->data + input->end, input->room_bytes - input->end, &got,
                           error);
    }
    input->end += got;
    *more = got > 0;
    return result;
}

struct slice input_window(const struct input *input)
{
    return slice_of(input->data + input->start, input->end - input->start);
}

void input_pass(struct input *input, size_t size_bytes)
{
    assert(size_bytes <= input->end - input->start);
    input->start += size_bytes;
    if (input->start == input->end) {
        input->start = 0;
        input->end = 0;
    }
}

/* ── what kind of file it is ── */

static bool begins(struct slice text, const char *with, size_t size_bytes)
{
    return text.size_bytes >= size_bytes && memcmp(text.data, with, size_bytes) == 0;
}

/* What people have in hand instead of an export. */
static const struct {
    const char *begins;
    size_t size_bytes;
    const char *what;
} others[] = {
    {"\xff\xfe\0\0", 4, "this is UTF-32 text, save it as UTF-8"},
    {"\0\0\xfe\xff", 4, "this is UTF-32 text, save it as UTF-8"},
    {"\xff\xfe", 2, "this is UTF-16 text, save it as UTF-8"},
    {"\xfe\xff", 2, "this is UTF-16 text, save it as UTF-8"},
    {"7z\xbc\xaf\x27\x1c", 6, "this is packed by 7-Zip, unpack it first (zip and gzip need not be)"},
    {"Rar!", 4, "this is packed by RAR, unpack it first (zip and gzip need not be)"},
    {"\xfd" "7zXZ", 5, "this is packed by xz, unpack it first (zip and gzip need not be)"},
    {"BZh", 3, "this is packed by bzip2, unpack it first (zip and gzip need not be)"},
    {"\x28\xb5\x2f\xfd", 4, "this is packed by zstd, unpack it first (zip and gzip need not be)"},
    {"PK\3\4", 4, "this is a zip within gzip, unpack it once"},
    {"%PDF", 4, "this is a PDF document, not an export of listens"},
    {"SQLite format 3", 15, "this is a database of SQLite, export its listens first"},
};

static bool is_tar(struct slice head)
{
    enum { magic_at = 257 };
    return head.size_bytes > magic_at + 5 && memcmp(head.data + magic_at, "ustar", 5) == 0;
}

static bool is_page(struct slice head)
{
    size_t at = 0;
    while (at < head.size_bytes && strchr(" \t\r\n", head.data[at]) != NULL) {
        at++;
    }
    return at < head.size_bytes && head.data[at] == '<';
}

static bool is_ascii(struct slice text)
{
    size_t at = 0;
    while (at < text.size_bytes && (text.data[at] & 0x80) == 0) {
        at++;
    }
    return at == text.size_bytes;
}

/* Whether most of the whole lines that are more than ASCII, and two at least, are no UTF-8: a line
 * may be bad for itself, and the last one may be cut in the midst of a character. */
static bool is_other_encoding(struct slice head)
{
    size_t good = 0;
    size_t bad = 0;
    const char *end;
    while ((end = memchr(head.data, '\n', head.size_bytes)) != NULL) {
        struct slice line = slice_of(head.data, (size_t)(end - head.data));
        if (!is_ascii(line)) {
            *(text_is_utf8(line) ? &good : &bad) += 1;
        }
        head = slice_of(end + 1, head.size_bytes - line.size_bytes - 1);
    }
    return bad > 1 && bad > good;
}

/* ASCII in UTF-16 or UTF-32 has a NUL among its first bytes, as most binary files do. */
static enum result check_head(const struct input *input, struct error *error)
{
    struct slice head = input_window(input);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (begins(head, others[i].begins, others[i].size_bytes)) {
            return fail(input, others[i].what, error);
        }
    }
    if (is_tar(head)) {
        return fail(input, "this is packed by tar, unpack it first (zip and gzip need not be)",
                    error);
    }
    if (is_page(head)) {
        return fail(input,
                    "this is a web page or XML, not an export; was a page saved that asks to log in?",
                    error);
    }
    if (head.size_bytes >= 4 && memchr(head.data, '\0', 4) != NULL) {
        return fail(input, "this is not UTF-8 text: save it as UTF-8 if it is UTF-16 or UTF-32", error);
    }
    if (is_other_encoding(head)) {
        return fail(input, "this is not UTF-8, perhaps Latin-1 or Windows-1252: save it as UTF-8",
                    error);
    }
    return RESULT_OK;
}

static enum result read_head(struct input *input, struct error *error)
{
    bool more = true;
    enum result result = RESULT_OK;
    while (result == RESULT_OK && more && input_window(input).size_bytes < INPUT_HEAD_BYTES) {
        result = input_read(input, &more, error);
    }
    return result;
}

/* From here on the window holds what gzip has packed. */
static enum result begin_gunzip(struct input *input)
{
    input->gunzip = gunzip_create(input_window(input), read_packed, input);
    input->start = 0;
    input->end = 0;
    return input->gunzip == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

/* The head of a text, without its byte order mark. */
static enum result begin_text(struct input *input, struct error *error)
{
    enum result result = read_head(input, error);
    if (result == RESULT_OK && begins(input_window(input), "\x1f\x8b", 2)) {
        result = begin_gunzip(input);
        result = result == RESULT_OK ? read_head(input, error) : result;
    }
    if (result == RESULT_OK && begins(input_window(input), "\xef\xbb\xbf", 3)) {
        input_pass(input, 3);
    }
    return result;
}

static enum result open_content(struct input *input, struct error *error)
{
    struct stat about;
    if (fstat(input->fd, &about) != 0) {
        return fail(input, strerror(errno), error);
    }
    if (S_ISDIR(about.st_mode)) {
        return fail(input, "this is a directory, not a file", error);
    }
    input->file_bytes = S_ISREG(about.st_mode) ? about.st_size : 0;
    enum result result = read_head(input, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct slice head = input_window(input);
    if (head.size_bytes == 0) {
        return fail(input, "the file is empty", error);
    }
    if (begins(head, "PK\3\4", 4) || begins(head, "PK\5\6", 4)) {
        input->start = 0;
        input->end = 0;
        return unpack_open(input->path, input->fd, about.st_size, &input->unpack, error);
    }
    result = begin_text(input, error);
    return result == RESULT_OK ? check_head(input, error) : result;
}

enum result input_open(const char *path, struct input **input, struct error *error)
{
    struct input *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return RESULT_NO_MEMORY;
    }
    made->path = strdup(path);
    made->name = made->path;
    made->fd = open(path, O_RDONLY | O_CLOEXEC);
    enum result result = RESULT_OK;
    if (made->path == NULL) {
        result = RESULT_NO_MEMORY;
    } else if (made->fd < 0) {
        result = fail(made, strerror(errno), error);
    } else {
        result = open_content(made, error);
    }
    if (result != RESULT_OK) {
        input_close(&made);
        return result;
    }
    *input = made;
    return RESULT_OK;
}

void input_close(struct input **input)
{
    if (*input == NULL) {
        return;
    }
    gunzip_destroy(&(*input)->gunzip);
    unpack_close(&(*input)->unpack);
    if ((*input)->fd >= 0) {
        close((*input)->fd);
    }
    free((*input)->data);
    free((*input)->path);
    free(*input);
    *input = NULL;
}

bool input_is_zip(const struct input *input)
{
    return input->unpack != NULL;
}

enum result input_next(struct input *input, bool *found, struct error *error)
{
    if (input->unpack == NULL) {
        *found = !input->begun;
        input->begun = true;
        return RESULT_OK;
    }
    const char *name;
    enum result result = unpack_next(input->unpack, &name, error);
    *found = result == RESULT_OK && name != NULL;
    if (!*found) {
        return result;
    }
    input->name = name;
    input_pass(input, input->end - input->start);
    gunzip_destroy(&input->gunzip);
    return begin_text(input, error);
}

const char *input_name(const struct input *input)
{
    return input->name;
}
