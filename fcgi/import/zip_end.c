#include "import/zip_end.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* The records' sizes, and where in them (APPNOTE 4.3.14 to 4.3.16) something stands. */
enum {
    end_bytes = 22,
    end_files_at = 10,
    end_directory_at = 12,
    comment_max_bytes = 0xffff,
    locator_bytes = 20,
    locator_offset_at = 8,
    end64_bytes = 56,
    end64_files_at = 32,
    end64_directory_at = 40,
    tail_max_bytes = locator_bytes + end_bytes + comment_max_bytes,
};

static uint64_t number_at(const char *data, size_t size_bytes)
{
    uint64_t number = 0;
    memcpy(&number, data, size_bytes);
    return le64toh(number);
}

static bool read_at(int fd, uint64_t offset, char *data, size_t size_bytes)
{
    return offset <= INT64_MAX && pread(fd, data, size_bytes, (off_t)offset) == (ssize_t)size_bytes;
}

/* A record of zip64 counts instead of the old one, where a locator of it stands before that. */
static struct zip_end read_record(int fd, const char *tail, const char *record)
{
    char end64[end64_bytes];
    const char *locator = record - locator_bytes;
    if (record - tail >= locator_bytes && memcmp(locator, "PK\6\7", 4) == 0
        && read_at(fd, number_at(locator + locator_offset_at, 8), end64, sizeof end64)
        && memcmp(end64, "PK\6\6", 4) == 0) {
        return (struct zip_end){.files = number_at(end64 + end64_files_at, 8),
                                .directory_bytes = number_at(end64 + end64_directory_at, 8)};
    }
    return (struct zip_end){.files = number_at(record + end_files_at, 2),
                            .directory_bytes = number_at(record + end_directory_at, 4)};
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static struct zip_end read_tail(int fd, const char *tail, size_t size_bytes)
{
    struct zip_end end = {0};
    for (const char *at = tail; size_bytes - (size_t)(at - tail) >= end_bytes; at++) {
        at = memmem(at, size_bytes - (size_t)(at - tail), "PK\5\6", 4);
        if (at == NULL || size_bytes - (size_t)(at - tail) < end_bytes) {
            break;
        }
        struct zip_end told = read_record(fd, tail, at);
        end.files = larger(end.files, told.files);
        end.directory_bytes = larger(end.directory_bytes, told.directory_bytes);
    }
    return end;
}

struct zip_end zip_end_read(int fd, int64_t file_bytes)
{
    char tail[tail_max_bytes];
    size_t size = file_bytes < tail_max_bytes ? (size_t)file_bytes : sizeof tail;
    return read_at(fd, (uint64_t)file_bytes - size, tail, size) ? read_tail(fd, tail, size)
                                                                : (struct zip_end){0};
}
