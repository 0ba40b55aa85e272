// The vector operations for AVX-512.
#include "ops.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TORII_HAS_F16C 1
#define TORII_HAS_DOT_PAIRS 1
// With so few rows the sums of a pass of four vectors fit the 32 registers.
#define TORII_TILE_VECTORS(rows) ((rows) <= 3 ? 4 : 2)

// Tuned for a processor with a fast vpdpwssd: else the compiler makes two instructions of it.
#pragma clang attribute push( \
    __attribute__((target( \
        "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c,tune=znver4"))), \
    apply_to = function)
#include "vector_body.h"

INLINE i32x16 dot_pairs(i32x16 sum, i16x32 a, i16x32 b) {
    return (i32x16)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "weights_body.h"
#include "pieces_body.h"
#include "attention_body.h"
#pragma clang attribute pop

extern const torii_vector_kernels torii_vector_kernels_avx512;
const torii_vector_kernels torii_vector_kernels_avx512 = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
