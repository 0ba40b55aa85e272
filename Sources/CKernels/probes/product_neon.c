// Arm with the dot product of Armv8.2.
#include "loops.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include "../matmul/layout.h"
#include "../matmul/tile.h"

typedef int32x4_t ints;
typedef float32x4_t floats;
enum { LANES = 4, SUMS = 12 };

#define HIDE(x) __asm__ volatile("" : "+w"(x))
#define splat vdupq_n_f32
#define multiply vmulq_f32
#define fused(A, B, C) vfmaq_f32(C, A, B)
#define to_floats vcvtq_f32_s32
#define add_group(TYPE, RUN, INDEX, WEIGHTS, ACTIVATIONS, PAIRS, DOT) \
    ((void)(RUN), (void)(PAIRS), \
     *(DOT) = vdotq_s32( \
         *(DOT), vreinterpretq_s8_s32(WEIGHTS), vreinterpretq_s8_s32(ACTIVATIONS)))
#define run_of(TYPE, COUNT) (COUNT)

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#include "product_body.h"
#pragma clang attribute pop

const probe_products probe_products_neon = {PRODUCT_OPERATIONS, run_products};

#endif
