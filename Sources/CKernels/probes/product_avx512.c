// AVX-512 with VNNI.
#include "loops.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "../matmul/layout.h"
#include "../matmul/tile.h"

typedef __m512i ints;
typedef __m512 floats;
enum { LANES = 16, SUMS = 12 };  // of a tile of two strips and six tokens

#define HIDE(x) __asm__ volatile("" : "+v"(x))
#define splat _mm512_set1_ps
#define multiply _mm512_mul_ps
#define fused _mm512_fmadd_ps
#define to_floats _mm512_cvtepi32_ps
#define add_group(TYPE, RUN, INDEX, WEIGHTS, ACTIVATIONS, PAIRS, DOT) \
    ((void)(RUN), (void)(PAIRS), *(DOT) = _mm512_dpbusd_epi32(*(DOT), WEIGHTS, ACTIVATIONS))
#define run_of(TYPE, COUNT) (COUNT)

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))), \
    apply_to = function)
#include "product_body.h"
#pragma clang attribute pop

const probe_products probe_products_avx512 = {PRODUCT_OPERATIONS, run_products};

#endif
