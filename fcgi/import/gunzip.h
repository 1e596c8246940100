/*
 * Private to import/: unpacking gzip a piece at a time, whatever the packed bytes come from.
 */
#ifndef REFRAIN_IMPORT_GUNZIP_H
#define REFRAIN_IMPORT_GUNZIP_H

#include "base/result.h"
#include "base/slice.h"

struct gunzip;

/* Where packed bytes come from: at most `room_bytes`, 0 at the end. */
typedef enum result gunzip_source(void *context, char *data, size_t room_bytes,
                                  size_t *size_bytes, struct error *error);

/* `begun` is what has been read of the source already; it is copied. NULL where memory is short. */
struct gunzip *gunzip_create(struct slice begun, gunzip_source *source, void *context);
void gunzip_destroy(struct gunzip **gunzip);

/* At most `room_bytes`, which are not 0, of what has been packed; 0 at its end, which is that of
 * the source. RESULT_INVALID where it is damaged or cut short, beside what the source says. */
enum result gunzip_read(struct gunzip *gunzip, char *data, size_t room_bytes, size_t *size_bytes,
                        struct error *error) MUST_CHECK;

#endif
