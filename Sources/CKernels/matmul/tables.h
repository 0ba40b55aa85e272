// The kernel tables, one to an instruction set, and what their quantisers share. Private.
#pragma once

#include <math.h>
#include <string.h>

#include "matmul.h"

extern const torii_matmul_kernels torii_matmul_scalar;
#if defined(__x86_64__)
extern const torii_matmul_kernels torii_matmul_avx2;
extern const torii_matmul_kernels torii_matmul_avxvnni;
extern const torii_matmul_kernels torii_matmul_avx512;
#elif defined(__aarch64__)
extern const torii_matmul_kernels torii_matmul_neon;
#endif

typedef struct {
    float scale, inverse;
    bool is_zero;  // the quants are zeros, whatever the values
} activation_scale;

// `largest`: the largest magnitude of the group as bits. Below 2^-100 the inverse could overflow
// and the products with any weight scale are lost anyway.
static inline activation_scale activation_scale_for(uint32_t largest) {
    const uint32_t smallest = 0x0d800000, infinity = 0x7f800000;
    activation_scale result = {0, 0, true};
    if (largest >= infinity) {
        result.scale = NAN;
    } else if (largest >= smallest) {
        float amax;
        memcpy(&amax, &largest, sizeof amax);
        result = (activation_scale){amax / 127, 127 / amax, false};
    }
    return result;
}
