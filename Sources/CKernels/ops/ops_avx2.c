// The vector operations for AVX2, FMA and F16C.
#include "ops.h"

#if defined(__x86_64__)

#define TORII_HAS_F16C 1
#define TORII_TILE_VECTORS 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector_body.h"
#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "attention_body.h"
#pragma clang attribute pop

extern const torii_vector_kernels torii_vector_kernels_avx2;
const torii_vector_kernels torii_vector_kernels_avx2 = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
