/*
 * cache_decode(). The first byte tells whether the rest is taken as it is (even) or gets a checksum
 * that fits (odd): no fuzzer would ever find one.
 */
#include "base/bytes.h"
#include "base/hash.h"
#include "cache/codec.h"
#include "fuzz.h"

#include <stdlib.h>

enum { CHECKSUM_BYTES = 8, HEADER_BYTES = 112 };

const char fuzz_target[] = "codec";

static const char key[] = "rf2:{43}d:2bd806c97f0e00af1a1fc3328fa763a9:stats:artists:all_time:0";

static void seal(char *bytes, size_t size_bytes)
{
    struct slice checked = slice_of(bytes + CHECKSUM_BYTES, size_bytes - CHECKSUM_BYTES);
    bytes_put_u64(bytes, hash_64(checked) ^ hash_64(slice_text(key)));
}

/* What was read is written again in the same way, and belongs to this key alone. */
static void check_decoded(struct slice bytes, const struct cache_header *header,
                          struct slice payload)
{
    struct buffer again = BUFFER_EMPTY;
    struct cache_header other;
    struct slice others_payload;
    fuzz_assert_within(payload, bytes);
    assert(payload.size_bytes == bytes.size_bytes - HEADER_BYTES);
    cache_encode(&again, slice_text(key), header, payload);
    assert(again.failed || slice_equal(buffer_slice(&again), bytes));
    assert(!cache_decode(bytes, slice_text("another key"), &other, &others_payload));
    assert(!cache_header_is_closed(header) || header->window_end_s > 0);
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes == 0) {
        return 0;
    }
    struct cache_header header;
    struct slice payload;
    bool is_sealed = bytes[0] % 2 == 1 && size_bytes - 1 >= CHECKSUM_BYTES;
    struct slice value = fuzz_slice(bytes + 1, size_bytes - 1);
    char *copy = malloc(value.size_bytes + 1);
    memcpy(copy, value.data, value.size_bytes);
    if (is_sealed) {
        seal(copy, value.size_bytes);
        value.data = copy;
    }
    bool is_plain = value.size_bytes >= HEADER_BYTES && bytes_get_u64(value.data + 8) == 0;
    if (cache_decode(value, slice_text(key), &header, &payload)) {
        check_decoded(value, &header, payload);
    } else {
        assert(!is_sealed || !is_plain);
    }
    free(copy);
    return 0;
}
