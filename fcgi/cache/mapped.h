/*
 * Files in paths.runtime that the processes of a host map, and so share. Private to cache/.
 */
#ifndef REFRAIN_CACHE_MAPPED_H
#define REFRAIN_CACHE_MAPPED_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>

struct mapped_file {
    const char *folder; /* paths.runtime */
    const char *name;
    size_t size_bytes;
    struct slice head;   /* what it begins with; the rest of a new one is zero */
    bool is_replaceable; /* one of another size or head gives way to a new one; else: an error */
    bool is_others;      /* made by those who need it: a missing one is RESULT_NOT_FOUND */
};

/* Maps the file, and makes it where it is missing. `*fd` is the caller's to close, `*bytes` to
 * unmap. RESULT_UNAVAILABLE with cause and cure where that cannot be. May block for up to ten
 * seconds while another process does the same. */
enum result mapped_open(const struct mapped_file *file, int *fd, void **bytes,
                        struct error *error) MUST_CHECK;

#endif
