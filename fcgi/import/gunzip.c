/*
 * A gzip file may be several, one after the other, which together are one text (RFC 1952, 2.2).
 */
#include "import/gunzip.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

enum { packed_bytes = 64 << 10 };

struct gunzip {
    z_stream stream;
    bool inside; /* one has begun and not ended */
    gunzip_source *source;
    void *context;
    size_t room_bytes;
    char packed[];
};

struct gunzip *gunzip_create(struct slice begun, gunzip_source *source, void *context)
{
    size_t room = begun.size_bytes > packed_bytes ? begun.size_bytes : packed_bytes;
    struct gunzip *gunzip = calloc(1, sizeof *gunzip + room);
    if (gunzip == NULL) {
        return NULL;
    }
    gunzip->source = source;
    gunzip->context = context;
    gunzip->room_bytes = room;
    memcpy(gunzip->packed, begun.data, begun.size_bytes);
    gunzip->stream.next_in = (unsigned char *)gunzip->packed;
    gunzip->stream.avail_in = (unsigned)begun.size_bytes;
    if (inflateInit2(&gunzip->stream, MAX_WBITS + 16) != Z_OK) {
        free(gunzip);
        return NULL;
    }
    return gunzip;
}

void gunzip_destroy(struct gunzip **gunzip)
{
    if (*gunzip != NULL) {
        inflateEnd(&(*gunzip)->stream);
        free(*gunzip);
        *gunzip = NULL;
    }
}

static enum result fill(struct gunzip *gunzip, struct error *error)
{
    size_t size = 0;
    enum result result =
        gunzip->stream.avail_in > 0
            ? RESULT_OK
            : gunzip->source(gunzip->context, gunzip->packed, gunzip->room_bytes, &size, error);
    if (size > 0) {
        gunzip->stream.next_in = (unsigned char *)gunzip->packed;
        gunzip->stream.avail_in = (unsigned)size;
    }
    return result;
}

/* Unpacks what is at hand. */
static enum result inflate_some(struct gunzip *gunzip, struct error *error)
{
    int status = inflate(&gunzip->stream, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) {
        return RESULT_NO_MEMORY;
    }
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return error_set(error, RESULT_INVALID, "import", "the gzip file is damaged");
    }
    gunzip->inside = status != Z_STREAM_END;
    if (status == Z_STREAM_END && inflateReset(&gunzip->stream) != Z_OK) {
        return RESULT_NO_MEMORY;
    }
    return RESULT_OK;
}

enum result gunzip_read(struct gunzip *gunzip, char *data, size_t room_bytes, size_t *size_bytes,
                        struct error *error)
{
    unsigned room = room_bytes > INT_MAX ? INT_MAX : (unsigned)room_bytes;
    gunzip->stream.next_out = (unsigned char *)data;
    gunzip->stream.avail_out = room;
    enum result result = RESULT_OK;
    while (result == RESULT_OK && gunzip->stream.avail_out == room) {
        result = fill(gunzip, error);
        if (result == RESULT_OK && gunzip->stream.avail_in == 0) {
            if (gunzip->inside) {
                result = error_set(error, RESULT_INVALID, "import",
                                   "the gzip file is cut short");
            }
            break;
        }
        if (result == RESULT_OK) {
            result = inflate_some(gunzip, error);
        }
    }
    *size_bytes = room - gunzip->stream.avail_out;
    return result;
}
