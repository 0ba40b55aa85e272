// Vectors of 16 lanes for the op bodies. Included once by each ops_<isa>.c, which defines
// TORII_HAS_F16C where the instruction set converts half floats itself, TORII_HAS_DOT_PAIRS where
// it defines dot_pairs itself, and UNROLLED as nothing where code is to be short. No include guard
// is needed: nothing else may include this file.

#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Functions that pass vectors by value are always inlined, so no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))
#if !defined(UNROLLED)
#define UNROLLED _Pragma("clang loop unroll(full)")
#endif

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int16_t i16x16 __attribute__((vector_size(32)));
typedef int16_t i16x32 __attribute__((vector_size(64)));
typedef float f32x16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t u16x16_unaligned __attribute__((vector_size(32), aligned(2), may_alias));

INLINE f32x16 splat(float x) {
    return (f32x16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

INLINE f32x16 load(const float *p) {
    return *(const f32x16_unaligned *)p;
}

INLINE void store(float *p, f32x16 x) {
    *(f32x16_unaligned *)p = x;
}

// The first n < 16 floats at p; the other lanes are 0.
INLINE f32x16 load_first(const float *p, int n) {
    float lanes[16] = {0};
    memcpy(lanes, p, (size_t)n * sizeof(float));
    return load(lanes);
}

INLINE void store_first(float *p, f32x16 x, int n) {
    float lanes[16];
    store(lanes, x);
    memcpy(p, lanes, (size_t)n * sizeof(float));
}

INLINE f32x16 fma16(f32x16 a, f32x16 b, f32x16 c) {
    return __builtin_elementwise_fma(a, b, c);
}

INLINE f32x16 select16(i32x16 condition, f32x16 yes, f32x16 no) {
    return (f32x16)((condition & (i32x16)yes) | (~condition & (i32x16)no));
}

// The sum of the lanes as a fixed tree: lane i + lane i+8, then i+4, i+2, i+1.
INLINE float sum_lanes(f32x16 x) {
    typedef float f32x8 __attribute__((vector_size(32)));
    typedef float f32x4 __attribute__((vector_size(16)));
    f32x8 a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7)
        + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    f32x4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    return (b[0] + b[2]) + (b[1] + b[3]);
}

INLINE f32x16 max16(f32x16 a, f32x16 b) {
    return select16(a > b, a, b);
}

// The lanes from i on, then whatever fills the vector.
#define LANES_FROM(x, i) \
    __builtin_shufflevector( \
        x, x, (i), (i) + 1, (i) + 2, (i) + 3, (i) + 4, (i) + 5, (i) + 6, (i) + 7, (i) + 8, \
        (i) + 9, (i) + 10, (i) + 11, (i) + 12, (i) + 13, (i) + 14, (i) + 15)

INLINE float max_lanes(f32x16 x) {
    x = max16(x, LANES_FROM(x, 8));
    x = max16(x, LANES_FROM(x, 4));
    x = max16(x, LANES_FROM(x, 2));
    x = max16(x, LANES_FROM(x, 1));
    return x[0];
}

// exp(x) to about 1 unit in the last place for -87 <= x <= 88; 0 below (also at -infinity),
// exp(88) above; NaN gives NaN. x = n ln 2 + r with |r| <= ln 2 / 2, exp(r) as a polynomial.
INLINE f32x16 exp16(f32x16 x) {
    const f32x16 magic = splat(0x1.8p23f);
    f32x16 y = select16(x > splat(88.0f), splat(88.0f), x);
    y = select16(y < splat(-87.0f), splat(-87.0f), y);
    f32x16 shifted = fma16(y, splat(0x1.715476p0f), magic);
    f32x16 n = shifted - magic;
    f32x16 r = fma16(n, splat(-0x1.62e4p-1f), y);
    r = fma16(n, splat(-0x1.7f7d1cp-20f), r);
    // Taylor coefficients; the first omitted term is r^8/8! < 6e-9 of the result.
    f32x16 p = splat(0x1.a01a02p-13f);
    p = fma16(p, r, splat(0x1.6c16c2p-10f));
    p = fma16(p, r, splat(0x1.111112p-7f));
    p = fma16(p, r, splat(0x1.555556p-5f));
    p = fma16(p, r, splat(0x1.555556p-3f));
    p = fma16(p, r, splat(0.5f));
    p = fma16(p, r, splat(1.0f));
    p = fma16(p, r, splat(1.0f));
    // The low bits of `shifted` hold n: move it into the exponent. The result stays normal:
    // n is in -126 ... 127.
    u32x16 exponent = (u32x16)shifted << 23;
    f32x16 result = (f32x16)((u32x16)p + exponent);
    result = select16(x < splat(-87.0f), splat(0.0f), result);
    return select16(x == x, result, x);
}

// exp(x) for what is at most a little above 0, to about 1 unit in the last place; below -87, also
// at -infinity, it is exp(-87), 1.6e-38. A cheaper exp16: half of attention's time beside its
// products is this.
INLINE f32x16 exp16_of_negative(f32x16 x) {
    const f32x16 magic = splat(0x1.8p23f);
    x = max16(x, splat(-87.0f));
    f32x16 shifted = fma16(x, splat(0x1.715476p0f), magic);
    // ln 2 as one f32: n times its error stays below 3e-7.
    f32x16 r = fma16(shifted - magic, splat(-0x1.62e43p-1f), x);
    // The best polynomial of this degree with exp(0) = 1; its largest error is 1e-7.
    f32x16 p = splat(0x1.0fa77ap-7f);
    p = fma16(p, r, splat(0x1.573b4cp-5f));
    p = fma16(p, r, splat(0x1.555a7p-3f));
    p = fma16(p, r, splat(0x1.fffdc2p-2f));
    p = fma16(p, r, splat(0x1.fffff6p-1f));
    p = fma16(p, r, splat(1.0f));
    return (f32x16)((u32x16)p + ((u32x16)shifted << 23));
}

// f16 as bits -> f32, exact.
INLINE f32x16 load_half(const uint16_t *p) {
#if defined(TORII_HAS_F16C)
    typedef _Float16 f16x16 __attribute__((vector_size(32), aligned(2), may_alias));
    return __builtin_convertvector(*(const f16x16 *)p, f32x16);
#else
    u32x16 h = __builtin_convertvector(*(const u16x16_unaligned *)p, u32x16);
    // Exponent and fraction in place, then the difference of the biases as an exact factor.
    f32x16 magnitude = (f32x16)((h & 0x7fff) << 13) * splat(0x1p112f);
    u32x16 special = (u32x16)((h & 0x7c00) == 0x7c00) & 0x7f800000;
    return (f32x16)((u32x16)magnitude | special | ((h & 0x8000) << 16));
#endif
}

// f32 within the range of f16 -> f16 bits, to nearest, ties to even.
INLINE void store_half(uint16_t *p, f32x16 x) {
#if defined(TORII_HAS_F16C)
    typedef _Float16 f16x16 __attribute__((vector_size(32)));
    f16x16 h = __builtin_convertvector(x, f16x16);
    memcpy(p, &h, sizeof h);
#else
    u32x16 bits = (u32x16)x;
    u32x16 sign = (bits >> 16) & 0x8000;
    u32x16 magnitude = bits & 0x7fffffff;
    u32x16 normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - 0x38000000) >> 13;
    // 0.5 has the unit 2^-24, the unit of f16's subnormal numbers: the addition rounds.
    u32x16 subnormal = (u32x16)((f32x16)magnitude + splat(0.5f)) - 0x3f000000;
    u32x16 is_subnormal = (u32x16)(magnitude < 0x38800000);
    u32x16 half = sign | (is_subnormal & subnormal) | (~is_subnormal & normal);
    u16x16 narrow = __builtin_convertvector(half, u16x16);
    memcpy(p, &narrow, sizeof narrow);
#endif
}

// What the KV cache may hold: finite, within the range of f16.
INLINE f32x16 storable(f32x16 x) {
    x = select16(x > splat(65504.0f), splat(65504.0f), x);
    x = select16(x < splat(-65504.0f), splat(-65504.0f), x);
    return select16(x == x, x, splat(0.0f));
}

// The nearest integers, to even, of magnitudes below 2^15.
INLINE i16x16 nearest(f32x16 x) {
    // The addition rounds: the sum's last bit is worth 1, and 0 has no low bits.
    return __builtin_convertvector((u32x16)(x + splat(0x1.8p23f)), i16x16);
}

#if !defined(TORII_HAS_DOT_PAIRS)
// sum + a[2i] b[2i] + a[2i + 1] b[2i + 1], each lane.
INLINE i32x16 dot_pairs(i32x16 sum, i16x32 a, i16x32 b) {
    i32x16 even_a = (i32x16)((u32x16)a << 16) >> 16, even_b = (i32x16)((u32x16)b << 16) >> 16;
    i32x16 odd_a = (i32x16)a >> 16, odd_b = (i32x16)b >> 16;
    return sum + even_a * even_b + odd_a * odd_b;
}
#endif
