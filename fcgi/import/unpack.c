#include "import/unpack.h"

#include "import/zip_end.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* A real history grows five- to thirtyfold; what runs out of these bounds was made to do harm. */
static const int64_t members_max = 100000;
static const uint64_t directory_max_bytes = 32 << 20;
static const int64_t member_max_bytes = INT64_C(4) << 30;
static const int64_t total_max_bytes = INT64_C(16) << 30;
static const int64_t ratio_max = 200;
static const int64_t ratio_free_bytes = 64 << 20; /* small ones may be as repetitive as they like */

struct unpack {
    zip_t *zip;
    zip_file_t *member;
    const char *path;
    const char *name; /* of the member */
    zip_uint64_t next;
    int64_t file_bytes;
    int64_t member_bytes; /* read of this one */
    int64_t total_bytes;  /* read of all */
};

static enum result fail(const struct unpack *unpack, const char *what, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s: %s", unpack->name, what);
}

static enum result fail_damaged(const struct unpack *unpack, zip_error_t *reason,
                                struct error *error)
{
    switch (zip_error_code_zip(reason)) {
    case ZIP_ER_MEMORY:
        return RESULT_NO_MEMORY;
    case ZIP_ER_NOPASSWD:
    case ZIP_ER_ENCRNOTSUPP:
        return fail(unpack, "the zip is encrypted, unpack it first", error);
    case ZIP_ER_COMPNOTSUPP:
        return fail(unpack, "the zip is packed in an unusual way, unpack it first", error);
    default:
        return error_set(error, RESULT_INVALID, "import",
                         "%s: the zip %s is damaged (%s), download it again", unpack->name,
                         unpack->path, zip_error_strerror(reason));
    }
}

static enum result fail_many(const char *path, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s holds more than %lld files", path,
                     (long long)members_max);
}

static enum result check_directory(const char *path, int fd, int64_t file_bytes,
                                   struct error *error)
{
    struct zip_end end = zip_end_read(fd, file_bytes);
    if (end.files > (uint64_t)members_max) {
        return fail_many(path, error);
    }
    if (end.directory_bytes > directory_max_bytes) {
        return error_set(error, RESULT_INVALID, "import",
                         "%s: the zip's directory is over %d MiB, as no history's is", path,
                         (int)(directory_max_bytes >> 20));
    }
    return RESULT_OK;
}

static enum result open_zip(const char *path, zip_t **zip, struct error *error)
{
    int code;
    *zip = zip_open(path, ZIP_RDONLY, &code);
    if (*zip != NULL) {
        return RESULT_OK;
    }
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    enum result result =
        code == ZIP_ER_MEMORY
            ? RESULT_NO_MEMORY
            : error_set(error, RESULT_INVALID, "import",
                        "%s begins like a zip but is cut short or damaged (%s), download it again",
                        path, zip_error_strerror(&reason));
    zip_error_fini(&reason);
    return result;
}

enum result unpack_open(const char *path, int fd, int64_t file_bytes, struct unpack **unpack,
                        struct error *error)
{
    zip_t *zip;
    enum result result = check_directory(path, fd, file_bytes, error);
    if (result == RESULT_OK) {
        result = open_zip(path, &zip, error);
    }
    if (result != RESULT_OK) {
        return result;
    }
    if (zip_get_num_entries(zip, 0) > members_max) {
        zip_discard(zip);
        return fail_many(path, error);
    }
    *unpack = calloc(1, sizeof **unpack);
    if (*unpack == NULL) {
        zip_discard(zip);
        return RESULT_NO_MEMORY;
    }
    **unpack = (struct unpack){.zip = zip, .path = path, .file_bytes = file_bytes};
    return RESULT_OK;
}

void unpack_close(struct unpack **unpack)
{
    if (*unpack == NULL) {
        return;
    }
    if ((*unpack)->member != NULL) {
        zip_fclose((*unpack)->member);
    }
    zip_discard((*unpack)->zip);
    free(*unpack);
    *unpack = NULL;
}

static zip_uint64_t members_count(const struct unpack *unpack)
{
    return (zip_uint64_t)zip_get_num_entries(unpack->zip, 0);
}

static bool is_folder(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && name[size - 1] == '/';
}

enum result unpack_next(struct unpack *unpack, const char **name, struct error *error)
{
    if (unpack->member != NULL) {
        zip_fclose(unpack->member);
        unpack->member = NULL;
    }
    for (; unpack->next < members_count(unpack); unpack->next++) {
        unpack->name = zip_get_name(unpack->zip, unpack->next, 0);
        if (unpack->name != NULL && !is_folder(unpack->name)) {
            break;
        }
    }
    *name = NULL;
    if (unpack->next == members_count(unpack)) {
        return RESULT_OK;
    }
    unpack->member = zip_fopen_index(unpack->zip, unpack->next++, 0);
    if (unpack->member == NULL) {
        return fail_damaged(unpack, zip_get_error(unpack->zip), error);
    }
    unpack->member_bytes = 0;
    *name = unpack->name;
    return RESULT_OK;
}

static enum result check_bounds(const struct unpack *unpack, struct error *error)
{
    if (unpack->member_bytes > member_max_bytes || unpack->total_bytes > total_max_bytes) {
        return fail(unpack, "unpacks to more than a history can be (4 GiB each, 16 GiB together)",
                    error);
    }
    if (unpack->total_bytes > ratio_free_bytes
        && unpack->total_bytes / ratio_max > unpack->file_bytes) {
        return fail(unpack, "unpacks to over 200 times the size of the zip, as no history does",
                    error);
    }
    return RESULT_OK;
}

enum result unpack_read(struct unpack *unpack, char *data, size_t room_bytes, size_t *size_bytes,
                        struct error *error)
{
    zip_int64_t got = zip_fread(unpack->member, data, room_bytes);
    if (got < 0) {
        return fail_damaged(unpack, zip_file_get_error(unpack->member), error);
    }
    unpack->member_bytes += got;
    unpack->total_bytes += got;
    *size_bytes = (size_t)got;
    return check_bounds(unpack, error);
}
