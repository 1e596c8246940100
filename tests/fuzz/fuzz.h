/*
 * A fuzz target is one file: it feeds the bytes to what reads them, and asserts whatever must hold of
 * the outcome. It is linked twice: with libFuzzer by "make fuzz", and with replay.c, for the inputs
 * in corpus/, as a unit test.
 */
#ifndef REFRAIN_TESTS_FUZZ_H
#define REFRAIN_TESTS_FUZZ_H

#include "base/slice.h"

#include <assert.h>
#include <stdint.h>

/* The folder below corpus/. */
extern const char fuzz_target[];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static inline struct slice fuzz_slice(const uint8_t *bytes, size_t size_bytes)
{
    return slice_of((const char *)bytes, size_bytes);
}

static inline void fuzz_assert_within(struct slice part, struct slice whole)
{
    assert(part.data >= whole.data && part.size_bytes <= whole.size_bytes
           && (size_t)(part.data - whole.data) <= whole.size_bytes - part.size_bytes);
}

#endif
