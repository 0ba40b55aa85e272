// AVX-512 VNNI kernels: a strip's 16 rows are the 16 lanes of a register.
#if defined(__x86_64__)

#include <immintrin.h>

#include "tile.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c"))), \
    apply_to = function)

// Results of a tile: [strips][tokens].
typedef __m512 tile_values[TILE_STRIPS][TILE_TOKENS];

enum { STRIPS = 2 };

INLINE int most_tokens(int type) { (void)type; return 6; }

INLINE __m512 load_halves(const uint8_t *address) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)address));
}

INLINE __m512 load_bytes_as_floats(const uint8_t *address, bool is_signed) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)address);
    __m512i words = is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
    return _mm512_cvtepi32_ps(words);
}

// Unsigned weights 4g ... 4g + 3 of a sub-block with 2 or 3 bits, for 16 rows.
INLINE __m512i load_few_bits(const int bits, const uint8_t *block, const int g) {
    __m512i pairs = _mm512_load_si512(block + 64 * (g >> 2));
    __m512i low = _mm512_and_si512(_mm512_srli_epi16(pairs, 2 * (g & 3)), _mm512_set1_epi8(3));
    if (bits == 2) {
        return low;
    }
    // The plane's bit of this group moves to bit 2.
    __m512i plane = _mm512_load_si512(block + 128);
    plane = g < 2 ? _mm512_slli_epi16(plane, 2 - g) : _mm512_srli_epi16(plane, g - 2);
    return _mm512_ternarylogic_epi32(low, plane, _mm512_set1_epi8(4), 0xf8);
}

// Unsigned weights 4g ... 4g + 3 of a sub-block, for 16 rows.
INLINE __m512i load_weights(const int type, const uint8_t *block, const int g) {
    const int bits = type_bits(type);
    if (bits == 8) {
        return _mm512_load_si512(block + 64 * g);
    }
    if (bits < 4) {
        return load_few_bits(bits, block, g);
    }
    __m512i line = _mm512_load_si512(block + 64 * (g >> 1));
    __m512i low = _mm512_and_si512(
        g & 1 ? _mm512_srli_epi16(line, 4) : line, _mm512_set1_epi8(15));
    if (type_table(type) != NULL) {
        const __m128i *table = (const __m128i *)(const void *)type_table(type);
        return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(table)), low);
    }
    if (bits == 4) {
        return low;
    }
    // The plane's bits of this group move to bit 4 (and 5): low | (plane & mask).
    int from = bits == 5 ? g : 2 * (g & 3);
    __m512i plane = _mm512_load_si512(block + 256 + (bits == 5 ? 0 : 64 * (g >> 2)));
    plane = from < 4 ? _mm512_slli_epi16(plane, 4 - from) : _mm512_srli_epi16(plane, from - 4);
    __m512i mask = _mm512_set1_epi8(bits == 5 ? 0x10 : 0x30);
    return _mm512_ternarylogic_epi32(low, plane, mask, 0xf8);
}

// load_exponent of 16 rows.
INLINE __m512 load_exponents(const uint8_t *address) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)address);
    __m512i exponents = _mm512_cvtepu8_epi32(bytes);
    __m512i normal = _mm512_sub_epi32(exponents, _mm512_set1_epi32(1));
    __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), exponents);
    __mmask16 is_normal = _mm512_cmpgt_epi32_mask(normal, _mm512_setzero_si512());
    __m512i bits = _mm512_mask_slli_epi32(subnormal, is_normal, normal, 23);
    return _mm512_castsi512_ps(bits);
}

// Scale and minimum of one sub-block for 16 rows; d and dmin are those of the superblock.
INLINE void load_scales(
    const int type, const uint8_t *scales, int sub_block, int half, __m512 d, __m512 dmin,
    __m512 *scale, __m512 *minimum) {
    *minimum = _mm512_setzero_ps();
    if (!type_is_k(type)) {
        const uint8_t *block = scales + (size_t)sub_block * (size_t)type_scale_block_bytes(type);
        *scale = type == TORII_TYPE_MXFP4 ? load_exponents(block) : load_halves(block);
        if (type_has_minimums(type)) {
            *minimum = load_halves(block + 32);
        }
        return;
    }
    const uint8_t *block = scales + (size_t)(sub_block / 8) * (size_t)type_scale_block_bytes(type);
    const int part = type_scale_length(type) == 16 ? 2 * (sub_block % 8) + half : sub_block % 8;
    if (!type_has_minimums(type)) {
        *scale = _mm512_mul_ps(d, load_bytes_as_floats(block + 32 + 16 * part, true));
        return;
    }
    if (type == TORII_TYPE_Q2_K) {
        const void *place = block + 64 + 16 * part;
        __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)place));
        __m512i low = _mm512_and_si512(pairs, _mm512_set1_epi32(15));
        *scale = _mm512_mul_ps(d, _mm512_cvtepi32_ps(low));
        *minimum = _mm512_mul_ps(dmin, _mm512_cvtepi32_ps(_mm512_srli_epi32(pairs, 4)));
        return;
    }
    const uint8_t *bytes = block + 64 + 32 * part;
    *scale = _mm512_mul_ps(d, load_bytes_as_floats(bytes, false));
    *minimum = _mm512_mul_ps(dmin, load_bytes_as_floats(bytes + 16, false));
}

// f: [strips][tokens]. Adds the groups of 4 k first ..< last of one sub-block.
INLINE void add_sub_block(
    const int type, const int strips, const int tokens, const tile_operands *o, int sub_block,
    const int half, const __m512 d[TILE_STRIPS], const __m512 dmin[TILE_STRIPS],
    tile_values f) {
    const torii_activations *x = o->x;
    const int shift = type_zero_point_shift(type);
    const bool is_half = type_scale_length(type) == 16;
    const int first = is_half ? 4 * half : 0;
    const int last = is_half ? first + 4 : 8;
    const size_t block = (size_t)sub_block * (size_t)type_quant_block_bytes(type);
    const int8_t *a = x->quants + o->first_token * x->quant_stride + 32 * (size_t)sub_block;
    __m512i dot[TILE_STRIPS][TILE_TOKENS];
    UNROLLED for (int t = 0; t < tokens; t++) {
        size_t token = o->first_token + (size_t)t;
        __m512i start = _mm512_setzero_si512();
        if (shift >= 0) {
            size_t index = token * x->sum_stride + (size_t)sub_block;
            int32_t sum = is_half ? x->half_sums[2 * index + (size_t)half] : x->sums[index];
            start = _mm512_slli_epi32(_mm512_set1_epi32(sum), (unsigned)shift);
        }
        UNROLLED for (int s = 0; s < strips; s++) {
            dot[s][t] = start;
        }
    }
    UNROLLED for (int g = first; g < last; g++) {
        __m512i weights[TILE_STRIPS];
        UNROLLED for (int s = 0; s < strips; s++) {
            weights[s] = load_weights(type, o->quants[s] + block, g);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            int32_t four;
            memcpy(&four, a + (size_t)t * x->quant_stride + 4 * g, sizeof four);
            __m512i activations = _mm512_set1_epi32(four);
            UNROLLED for (int s = 0; s < strips; s++) {
                dot[s][t] = _mm512_dpbusd_epi32(dot[s][t], weights[s], activations);
            }
        }
    }
    UNROLLED for (int s = 0; s < strips; s++) {
        __m512 scale, minimum;
        load_scales(type, o->scales[s], sub_block, half, d[s], dmin[s], &scale, &minimum);
        UNROLLED for (int t = 0; t < tokens; t++) {
            f[s][t] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dot[s][t]), f[s][t]);
            if (type_has_minimums(type)) {
                size_t index = (o->first_token + (size_t)t) * x->sum_stride + (size_t)sub_block;
                float own = is_half ? (float)x->half_sums[2 * index + (size_t)half]
                                    : x->float_sums[index];
                __m512 sum = _mm512_set1_ps(own);
                f[s][t] = type_is_k(type) ? _mm512_fmadd_ps(minimum, sum, f[s][t])
                                          : _mm512_fnmadd_ps(minimum, sum, f[s][t]);
            }
        }
    }
}

INLINE void quantised_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    tile_values y;
    UNROLLED for (int s = 0; s < strips; s++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            y[s][t] = _mm512_setzero_ps();
        }
    }
    const int sub_blocks = o->columns / TORII_SUB_BLOCK;
    const int group_sub_blocks = TORII_ACTIVATION_GROUP / TORII_SUB_BLOCK;
    int pause = o->tile;
    for (int start = 0; start < sub_blocks; start += group_sub_blocks) {
        int end = start + group_sub_blocks < sub_blocks ? start + group_sub_blocks : sub_blocks;
        tile_values f;
        __m512 d[TILE_STRIPS], dmin[TILE_STRIPS];
        UNROLLED for (int s = 0; s < strips; s++) {
            d[s] = dmin[s] = _mm512_setzero_ps();
            if (type_is_k(type)) {
                size_t index = (size_t)start / (SUPERBLOCK / TORII_SUB_BLOCK);
                const uint8_t *block = o->scales[s] + index * (size_t)type_scale_block_bytes(type);
                d[s] = load_halves(block);
                dmin[s] = type_has_minimums(type) ? load_halves(block + 32) : d[s];
            }
            UNROLLED for (int t = 0; t < tokens; t++) {
                f[s][t] = _mm512_setzero_ps();
            }
        }
        for (int sub_block = start; sub_block < end; sub_block++) {
            const bool fetches = is_fetching(o, &pause);
            UNROLLED for (int s = 0; s < strips && fetches; s++) {
                fetch_ahead(type, o, s, sub_block);
            }
            add_sub_block(type, strips, tokens, o, sub_block, 0, d, dmin, f);
            if (type_scale_length(type) == 16) {
                add_sub_block(type, strips, tokens, o, sub_block, 1, d, dmin, f);
            }
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            size_t index = (o->first_token + (size_t)t) * x->scale_stride
                           + (size_t)(start / group_sub_blocks);
            __m512 scale = _mm512_set1_ps(x->scales[index]);
            UNROLLED for (int s = 0; s < strips; s++) {
                y[s][t] = _mm512_fmadd_ps(scale, f[s][t], y[s][t]);
            }
        }
    }
    UNROLLED for (int s = 0; s < strips; s++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            _mm512_store_ps(tile_result(o, s, t), y[s][t]);
        }
    }
}

INLINE __m512 load_float_weights(const int type, const uint8_t *line) {
    if (type == TORII_TYPE_F32) {
        return _mm512_load_ps(line);
    }
    if (type == TORII_TYPE_F16) {
        return load_halves(line);
    }
    __m256i upper = _mm256_load_si256((const __m256i *)(const void *)line);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16));
}

INLINE void float_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    const float *values = x->values + o->first_token * x->value_stride;
    tile_values y;
    UNROLLED for (int s = 0; s < strips; s++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            y[s][t] = _mm512_setzero_ps();
        }
    }
    int pause = o->tile;
    for (int k = 0; k < o->columns; k++) {
        const bool fetches = is_fetching(o, &pause);
        UNROLLED for (int s = 0; s < strips && fetches; s++) {
            fetch_ahead(type, o, s, k);
        }
        const size_t line = (size_t)k * (size_t)type_quant_block_bytes(type);
        __m512 weights[TILE_STRIPS];
        UNROLLED for (int s = 0; s < strips; s++) {
            weights[s] = load_float_weights(type, o->quants[s] + line);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            __m512 value = _mm512_set1_ps(values[(size_t)t * x->value_stride + (size_t)k]);
            UNROLLED for (int s = 0; s < strips; s++) {
                y[s][t] = _mm512_fmadd_ps(weights[s], value, y[s][t]);
            }
        }
    }
    UNROLLED for (int s = 0; s < strips; s++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            _mm512_store_ps(tile_result(o, s, t), y[s][t]);
        }
    }
}

#include "driver.h"

INLINE uint32_t largest_magnitude(const float *x, int count) {
    __m512i largest = _mm512_setzero_si512();
    for (int k = 0; k < count; k += 16) {
        __m512i bits = _mm512_loadu_si512(x + k);
        bits = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
        largest = _mm512_max_epu32(largest, bits);
    }
    return _mm512_reduce_max_epu32(largest);
}

static void quantize(const float *x, int row, torii_activations *out) {
    int8_t *quants = out->quants + (size_t)row * out->quant_stride;
    float *scales = out->scales + (size_t)row * out->scale_stride;
    int32_t *sums = out->sums + (size_t)row * out->sum_stride;
    float *float_sums = out->float_sums + (size_t)row * out->sum_stride;
    int32_t *half_sums = out->half_sums + (size_t)row * out->sum_stride * 2;
    for (int start = 0; start < out->columns; start += TORII_ACTIVATION_GROUP) {
        int rest = out->columns - start;
        int count = rest < TORII_ACTIVATION_GROUP ? rest : TORII_ACTIVATION_GROUP;
        activation_scale scale = activation_scale_for(largest_magnitude(x + start, count));
        scales[start / TORII_ACTIVATION_GROUP] = scale.scale;
        __m512 inverse = _mm512_set1_ps(scale.inverse);
        __mmask16 mask = scale.is_zero ? 0 : 0xffff;
        for (int k = start; k < start + count; k += 16) {
            __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + k), inverse);
            __m512i rounded = _mm512_maskz_cvtps_epi32(mask, scaled);
            __m128i bytes = _mm512_cvtsepi32_epi8(rounded);
            _mm_storeu_si128((__m128i *)(void *)(quants + k), bytes);
        }
    }
    for (int k = 0; k < out->columns; k += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(quants + k));
        __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), bytes);
        fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0xb1));
        fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0x4e));
        int32_t low = -_mm256_extract_epi32(fours, 0), high = -_mm256_extract_epi32(fours, 4);
        half_sums[k / 16] = low;
        half_sums[k / 16 + 1] = high;
        sums[k / 32] = low + high;
        float_sums[k / 32] = (float)(low + high);
    }
}

const torii_matmul_kernels torii_matmul_avx512 = {.quantize = quantize, .multiply = multiply};

#pragma clang attribute pop

#endif
