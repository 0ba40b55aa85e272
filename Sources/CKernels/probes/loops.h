// The measured loops of the machine probes. Private.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "isa.h"

// Reads every byte of a buffer (64-byte aligned, a multiple of 512 bytes) and returns a digest, so
// that the reads can't be left out.
uint64_t probe_read(const uint8_t *bytes, size_t byte_count);

// 8-bit multiply-adds that one iteration of probe_dot does.
long probe_dot_operations(torii_isa isa);

// Dot products in one iteration of probe_tile, of 64 multiply-adds each.
enum { PROBE_TILE_DOTS = 96 };

// Runs AVX-512's 8-bit dot product with 24, 36 or 60 fused multiply-adds to each 96 of them, all on
// registers, and returns a digest.
uint64_t probe_tile(int multiplications, long iterations);

// Runs the set's 8-bit dot product on registers, and returns a digest.
uint64_t probe_dot(torii_isa isa, long iterations);
