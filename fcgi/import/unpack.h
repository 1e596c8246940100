/*
 * Private to import/: reading members of a zip one after the other, with bounds on what they may
 * grow to.
 */
#ifndef REFRAIN_IMPORT_UNPACK_H
#define REFRAIN_IMPORT_UNPACK_H

#include "base/result.h"

#include <stdint.h>

struct unpack;

/* RESULT_INVALID where the file is no sound zip, or its directory is larger than a history's can be.
 * `fd` is the same file and only needed here; `path` is to live as long as `unpack`. */
enum result unpack_open(const char *path, int fd, int64_t file_bytes, struct unpack **unpack,
                        struct error *error) MUST_CHECK;
void unpack_close(struct unpack **unpack);

/* Opens the next member, whose name lives as long as `unpack`; NULL after the last. Folders are
 * passed over. */
enum result unpack_next(struct unpack *unpack, const char **name, struct error *error) MUST_CHECK;

/* At most `room_bytes` of the member; 0 at its end. RESULT_INVALID where it is damaged or more than
 * a history can be. */
enum result unpack_read(struct unpack *unpack, char *data, size_t room_bytes, size_t *size_bytes,
                        struct error *error) MUST_CHECK;

#endif
