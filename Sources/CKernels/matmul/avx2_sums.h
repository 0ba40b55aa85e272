// How products of bytes become sums of 32 bits in AVX2's registers: included once by each file that
// defines HAS_DOT, inside its target attribute: 1 with the dot product of AVX-VNNI, else 0.
//
// Without it products are summed pairwise in 16 bits (vpmaddubsw, which saturates), several pairs
// are added in 16 bits, then widened. With activations of at most 127 the largest pair sums are
// 2*15*127 = 3810 (4 bits and fewer), 2*31*127 = 7874 (5; MXFP4 has 28), 2*63*127 = 16002 (6): 8, 4
// and 2 of them fit. 8-bit weights, and IQ4's, take their sign over to the activation:
// 2*128*127 = 32512 fits once.

#include <immintrin.h>

#include "layout.h"
#include "tile.h"

#if HAS_DOT
// Adds four products of unsigned and signed bytes to each of eight sums.
//
// With TORII_EMULATED_DOT the one instruction that other processors lack is put together from
// theirs: for Tests/Emulated, which holds these kernels against the scalar ones anywhere.
INLINE __m256i dot_bytes(__m256i sums, __m256i weights, __m256i activations) {
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
#endif

// Whether weights are loaded with their signs, because their magnitudes do not fit seven bits. The
// dot product takes them as they are stored, unsigned.
INLINE bool is_signed(const int type) { return !HAS_DOT && type_zero_point_shift(type) == 7; }

// Sums of two products, 16 to a register.
INLINE __m256i multiply_pairs(const int type, __m256i weights, __m256i activations) {
    if (is_signed(type)) {
        activations = _mm256_sign_epi8(activations, weights);
        weights = _mm256_abs_epi8(weights);
    }
    return _mm256_maddubs_epi16(weights, activations);
}

// Of how many groups, of `count`, such sums fit in 16 bits together.
INLINE int run_length(const int type, const int count) {
    const int bits = type == TORII_TYPE_MXFP4 ? 5 : type_bits(type);
    const int most = is_signed(type) ? 1 : bits <= 4 ? 8 : bits == 5 ? 4 : 2;
    return most < count ? most : count;
}

// Adds the products of one group to `dot`; or to `pairs`, and at the end of a run those to `dot`.
// index: the group's, from 0.
INLINE void add_product(
    const int type, const int run, const int index, __m256i weights, __m256i activations,
    __m256i *pairs, __m256i *dot) {
#if HAS_DOT
    (void)type, (void)run, (void)index, (void)pairs;
    *dot = dot_bytes(*dot, weights, activations);
#else
    __m256i product = multiply_pairs(type, weights, activations);
    *pairs = index % run == 0 ? product : _mm256_add_epi16(*pairs, product);
    if (index % run == run - 1) {
        __m256i sums = _mm256_madd_epi16(*pairs, _mm256_set1_epi16(1));
        *dot = _mm256_add_epi32(*dot, sums);
    }
#endif
}
