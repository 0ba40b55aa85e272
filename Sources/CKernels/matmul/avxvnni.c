// AVX2 kernels with the dot product of AVX-VNNI: processors with VNNI that lack AVX-512.
#if defined(__x86_64__)

#define HAS_DOT 1

#if defined(TORII_EMULATED_DOT)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#endif

#include "avx2_body.h"
#pragma clang attribute pop

const torii_matmul_kernels torii_matmul_avxvnni = {
    .quantize = quantize, .multiply = multiply_any};

#endif
