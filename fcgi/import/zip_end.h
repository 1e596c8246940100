/*
 * Private to import/: what the end of a zip says of its directory, read before a library takes time
 * and memory for every entry of it.
 */
#ifndef REFRAIN_IMPORT_ZIP_END_H
#define REFRAIN_IMPORT_ZIP_END_H

#include <stdint.h>

struct zip_end {
    uint64_t files;
    uint64_t directory_bytes;
};

/* The largest that any end record tells, zip64's too: which one a library goes by is its own affair.
 * All zero where there is none, as in a file that is cut short or can't be read at any place. */
struct zip_end zip_end_read(int fd, int64_t file_bytes);

#endif
