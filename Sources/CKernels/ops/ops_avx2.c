// The vector operations for AVX2, FMA and F16C.
#include "ops.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TORII_HAS_F16C 1
#define TORII_HAS_DOT_PAIRS 1
#define TORII_TILE_VECTORS(rows) 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector_body.h"

INLINE i32x16 dot_pairs(i32x16 sum, i16x32 a, i16x32 b) {
    typedef union {
        i16x32 numbers;
        i32x16 sums;
        __m256i half[2];
    } halves;
    halves left = {.numbers = a}, right = {.numbers = b}, products;
    for (int h = 0; h < 2; h++) {
        products.half[h] = _mm256_madd_epi16(left.half[h], right.half[h]);
    }
    return sum + products.sums;
}

#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "weights_body.h"
#include "pieces_body.h"
#include "attention_body.h"
#pragma clang attribute pop

extern const torii_vector_kernels torii_vector_kernels_avx2;
const torii_vector_kernels torii_vector_kernels_avx2 = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
