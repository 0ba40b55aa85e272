// AVX2 kernels without VNNI.
#if defined(__x86_64__)

#define HAS_DOT 0

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "avx2_body.h"
#pragma clang attribute pop

const torii_matmul_kernels torii_matmul_avx2 = {
    .quantize = quantize, .multiply = multiply_any};

#endif
