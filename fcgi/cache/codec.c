/*
 * Layout, little-endian: checksum 8 bytes (XXH3 over all that follows, exclusive-or that of the
 * key), encoding 8 (0: plain), then the fields of cache_header in order, 8 bytes each, then the
 * payload.
 */
#include "cache/codec.h"

#include "base/bytes.h"
#include "base/hash.h"

enum { FIELDS = 12, HEADER_BYTES = 8 * (2 + FIELDS), CHECKSUM_BYTES = 8 };

static const uint64_t encoding_plain = 0;
static const int64_t day_s = 86400;
static const int64_t grace_s = 600;

static uint64_t checksum(struct slice checked, struct slice key)
{
    return hash_64(checked) ^ hash_64(key);
}

void cache_encode(struct buffer *to, struct slice key, const struct cache_header *header,
                  struct slice payload)
{
    const struct cache_versions *versions = &header->versions;
    const int64_t fields[FIELDS] = {
        versions->epoch,     versions->live,      versions->past,  versions->auth,
        versions->people,    versions->catalogue, versions->model, versions->as_of_us,
        header->window_end_s, header->built_at_us, header->ttl_s,   header->cost_us,
    };
    size_t size = HEADER_BYTES + payload.size_bytes;
    char *start = buffer_reserve(to, size);
    if (start == NULL) {
        return;
    }
    bytes_put_u64(start + 8, encoding_plain);
    for (size_t i = 0; i < FIELDS; i++) {
        bytes_put_u64(start + 16 + 8 * i, (uint64_t)fields[i]);
    }
    memcpy(start + HEADER_BYTES, payload.data, payload.size_bytes);
    bytes_put_u64(start, checksum(slice_of(start + CHECKSUM_BYTES, size - CHECKSUM_BYTES), key));
    buffer_grown(to, size);
}

bool cache_decode(struct slice bytes, struct slice key, struct cache_header *header,
                  struct slice *payload)
{
    if (bytes.size_bytes < HEADER_BYTES) {
        return false;
    }
    struct slice checked =
        slice_of(bytes.data + CHECKSUM_BYTES, bytes.size_bytes - CHECKSUM_BYTES);
    if (bytes_get_u64(bytes.data) != checksum(checked, key)
        || bytes_get_u64(bytes.data + 8) != encoding_plain) {
        return false;
    }
    int64_t fields[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = (int64_t)bytes_get_u64(bytes.data + 16 + 8 * i);
    }
    *header = (struct cache_header){
        .versions = {fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6],
                     fields[7]},
        .window_end_s = fields[8],
        .built_at_us = fields[9],
        .ttl_s = fields[10],
        .cost_us = fields[11],
    };
    *payload = slice_of(bytes.data + HEADER_BYTES, bytes.size_bytes - HEADER_BYTES);
    return true;
}

bool cache_header_is_closed(const struct cache_header *header)
{
    if (header->window_end_s <= 0) {
        return false;
    }
    int64_t as_of_s = header->versions.as_of_us / 1000000;
    int64_t midnight_s = as_of_s - as_of_s % day_s;
    return header->window_end_s <= midnight_s && as_of_s >= header->window_end_s + grace_s;
}
