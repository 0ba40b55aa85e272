// The vector operations for AVX-512.
#include "ops.h"

#if defined(__x86_64__)

#define TORII_HAS_F16C 1
#define TORII_TILE_VECTORS 4

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))), apply_to = function)
#include "vector_body.h"
#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "attention_body.h"
#pragma clang attribute pop

extern const torii_vector_kernels torii_vector_kernels_avx512;
const torii_vector_kernels torii_vector_kernels_avx512 = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
