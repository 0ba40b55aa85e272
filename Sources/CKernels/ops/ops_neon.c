// The vector operations for Arm, whose baseline has all that they need: vectors of four floats,
// fused multiply-adds, and conversions of half floats.
#include "ops.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define TORII_HAS_F16C 1
#define TORII_HAS_DOT_PAIRS 1
#define TORII_TILE_VECTORS(rows) 1

#include "vector_body.h"

INLINE i32x16 dot_pairs(i32x16 sum, i16x32 a, i16x32 b) {
    typedef union {
        i16x32 numbers;
        i32x16 sums;
        int16x8_t words[4];
        int32x4_t quarter[4];
    } quarters;
    quarters left = {.numbers = a}, right = {.numbers = b}, products;
    for (int i = 0; i < 4; i++) {
        int32x4_t low = vmull_s16(vget_low_s16(left.words[i]), vget_low_s16(right.words[i]));
        int32x4_t high = vmull_high_s16(left.words[i], right.words[i]);
        products.quarter[i] = vpaddq_s32(low, high);
    }
    return sum + products.sums;
}

#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "weights_body.h"
#include "pieces_body.h"
#include "attention_body.h"

extern const torii_vector_kernels torii_vector_kernels_neon;
const torii_vector_kernels torii_vector_kernels_neon = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
