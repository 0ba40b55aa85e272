// The measured loops of the machine probes. Private.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "isa.h"

// Ways to read a buffer: which is fastest depends on the processor.
typedef enum {
    PROBE_READ_AHEAD,    // from its start to its end, asking for each line some lines ahead
    PROBE_READ_STREAMS,  // as four streams side by side, each left to the processor's prefetching
    PROBE_READ_WAYS
} probe_read_way;

// Reads every byte of a buffer (64-byte aligned, a multiple of 512 bytes) and returns a digest, so
// that the reads can't be left out.
uint64_t probe_read(probe_read_way way, const uint8_t *bytes, size_t byte_count);

// 8-bit multiply-adds that one iteration of probe_dot does.
long probe_dot_operations(torii_isa isa);

// Runs the set's 8-bit dot product on registers, and returns a digest.
uint64_t probe_dot(torii_isa isa, long iterations);

// What products with weights of a type consist of, on registers: product_body.h.
typedef struct {
    long operations;  // multiply-adds of an iteration
    void (*run)(int type, long iterations);
} probe_products;

// The set's loops, or NULL: it has none (the scalar one, whose code is the compiler's), or not in
// this build.
const probe_products *probe_products_for(torii_isa isa);

extern const probe_products probe_products_avx2, probe_products_avxvnni, probe_products_avx512;
extern const probe_products probe_products_neon;
