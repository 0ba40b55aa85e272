// AVX2 kernels with the dot product of AVX-VNNI: processors with VNNI that lack AVX-512.
//
// With TORII_EMULATED_DOT the one instruction that other processors lack is put together from
// theirs: for Tests/Emulated, which holds these kernels against the scalar ones anywhere.
#if defined(__x86_64__)

#include <immintrin.h>

#define HAS_DOT 1

#if defined(TORII_EMULATED_DOT)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#endif

static inline __attribute__((always_inline)) __m256i dot_bytes(
    __m256i sums, __m256i weights, __m256i activations) {
#if defined(TORII_EMULATED_DOT)
    __m256i even = _mm256_madd_epi16(
        _mm256_and_si256(weights, _mm256_set1_epi16(0xff)),
        _mm256_srai_epi16(_mm256_slli_epi16(activations, 8), 8));
    __m256i odd = _mm256_madd_epi16(
        _mm256_srli_epi16(weights, 8), _mm256_srai_epi16(activations, 8));
    return _mm256_add_epi32(sums, _mm256_add_epi32(even, odd));
#else
    return _mm256_dpbusd_avx_epi32(sums, weights, activations);
#endif
}

#include "avx2_body.h"
#pragma clang attribute pop

const torii_matmul_kernels torii_matmul_avxvnni = {
    .quantize = quantize, .multiply = multiply_few_or_many};

#endif
