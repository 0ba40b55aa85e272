// Tiles of 8-row registers, two to a strip: included once by avx2.c and by avxvnni.c, inside their
// target attributes, with HAS_DOT (avx2_sums.h) as 0 or 1.

#include "avx2_sums.h"
#include "tile.h"

#pragma STDC FP_CONTRACT OFF

enum { HALVES = 2 };  // registers to a strip

// Values of a tile: [half strips][tokens].
typedef __m256 tile_values[TILE_STRIPS * HALVES][TILE_TOKENS];
typedef __m256i tile_sums[TILE_STRIPS * HALVES][TILE_TOKENS];

enum { STRIPS = 1 };

// What is summed in 16 bits first has sums of both widths in registers.
INLINE int most_tokens(int type) { return HAS_DOT || type_is_float(type) ? 6 : 3; }

#include "avx2_load.h"

// Activations 4g ... 4g + 3 of a sub-block of one token, to all rows.
INLINE __m256i load_group(const int8_t *sub_block, int g) {
    int32_t four;
    memcpy(&four, sub_block + 4 * g, sizeof four);
    return _mm256_set1_epi32(four);
}

// What a token's sub-block number `at` of all, or its half `part` where halves have scales, adds
// to each sum of products for weights that are stored as what they exceed a zero point by. The sign
// trick works on signed weights, which have none.
INLINE __m256i zero_point_sum(
    const int type, const torii_activations *x, size_t at, const int part) {
    const int shift = is_signed(type) ? -1 : type_zero_point_shift(type);
    if (shift < 0) {
        return _mm256_setzero_si256();
    }
    int32_t sum =
        type_scale_length(type) == 16 ? x->half_sums[2 * at + (size_t)part] : x->sums[at];
    __m256i sums = _mm256_set1_epi32(sum);
    __asm__("" : "+x"(sums));  // or the compiler shifts elsewhere, and moves that over
    return _mm256_slli_epi32(sums, shift);
}

// What minimums are multiplied with, likewise.
INLINE __m256 minimum_sum(
    const int type, const torii_activations *x, size_t at, const int part) {
    if (!type_has_minimums(type)) {
        return _mm256_setzero_ps();
    }
    return _mm256_set1_ps(
        type_scale_length(type) == 16 ? (float)x->half_sums[2 * at + (size_t)part]
                                      : x->float_sums[at]);
}

INLINE __m256 add_minimum(const int type, __m256 minimum, __m256 sum, __m256 f) {
    if (!type_has_minimums(type)) {
        return f;
    }
    return type_is_k(type) ? _mm256_fmadd_ps(minimum, sum, f) : _mm256_fnmadd_ps(minimum, sum, f);
}

// dot: [half strips][tokens]. Adds the products of groups first ..< last of one sub-block.
INLINE void add_products(
    const int type, const int halves, const int tokens, const int first, const int last,
    const tile_operands *o, size_t block, const int8_t *a, tile_sums dot) {
    const int run = run_length(type, last - first);
    tile_sums pairs;
    UNROLLED for (int g = first; g < last; g++) {
        __m256i weights[TILE_STRIPS * HALVES];
        UNROLLED for (int h = 0; h < halves; h++) {
            weights[h] = load_weights(type, o->quants[h / HALVES] + block, g, h % HALVES);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            __m256i activations = load_group(a + (size_t)t * o->x->quant_stride, g);
            UNROLLED for (int h = 0; h < halves; h++) {
                add_product(
                    type, run, g - first, weights[h], activations, &pairs[h][t], &dot[h][t]);
            }
        }
    }
}

// f: [half strips][tokens]. Adds one sub-block, or its half `part` where halves have scales.
INLINE void add_sub_block(
    const int type, const int strips, const int tokens, const tile_operands *o, int sub_block,
    const int part, tile_values f) {
    const torii_activations *x = o->x;
    const int halves = strips * HALVES;
    const bool is_half = type_scale_length(type) == 16;
    const int first = is_half ? 4 * part : 0, last = is_half ? first + 4 : 8;
    const size_t block = (size_t)sub_block * (size_t)type_quant_block_bytes(type);
    const int8_t *a = x->quants + o->first_token * x->quant_stride + 32 * (size_t)sub_block;
    tile_sums dot;
    UNROLLED for (int t = 0; t < tokens; t++) {
        size_t at = (o->first_token + (size_t)t) * x->sum_stride + (size_t)sub_block;
        __m256i start = zero_point_sum(type, x, at, part);
        UNROLLED for (int h = 0; h < halves; h++) {
            dot[h][t] = start;
        }
    }
    add_products(type, halves, tokens, first, last, o, block, a, dot);
    UNROLLED for (int h = 0; h < halves; h++) {
        __m256 scale, minimum;
        const uint8_t *scales = o->scales[h / HALVES];
        load_scales(type, scales, sub_block, part, h % HALVES, &scale, &minimum);
        UNROLLED for (int t = 0; t < tokens; t++) {
            f[h][t] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dot[h][t]), f[h][t]);
            size_t at = (o->first_token + (size_t)t) * x->sum_stride + (size_t)sub_block;
            f[h][t] = add_minimum(type, minimum, minimum_sum(type, x, at, part), f[h][t]);
        }
    }
}

INLINE void clear(const int halves, const int tokens, tile_values values) {
    UNROLLED for (int h = 0; h < halves; h++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            values[h][t] = _mm256_setzero_ps();
        }
    }
}

INLINE void store(const int halves, const int tokens, const tile_operands *o, tile_values values) {
    UNROLLED for (int h = 0; h < halves; h++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            float *result = tile_result(o, h / HALVES, t);
            _mm256_store_ps(result + 8 * (h % HALVES), values[h][t]);
        }
    }
}

INLINE void quantised_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    const int halves = strips * HALVES;
    const int sub_blocks = o->columns / TORII_SUB_BLOCK;
    const int group_sub_blocks = TORII_ACTIVATION_GROUP / TORII_SUB_BLOCK;
    tile_values y;
    clear(halves, tokens, y);
    int pause = o->tile;
    for (int start = 0; start < sub_blocks; start += group_sub_blocks) {
        int end = start + group_sub_blocks < sub_blocks ? start + group_sub_blocks : sub_blocks;
        tile_values f;
        clear(halves, tokens, f);
        for (int sub_block = start; sub_block < end; sub_block++) {
            const bool fetches = is_fetching(o, &pause);
            UNROLLED for (int s = 0; s < strips && fetches; s++) {
                fetch_ahead(type, o, s, sub_block);
            }
            add_sub_block(type, strips, tokens, o, sub_block, 0, f);
            if (type_scale_length(type) == 16) {
                add_sub_block(type, strips, tokens, o, sub_block, 1, f);
            }
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            size_t index = (o->first_token + (size_t)t) * x->scale_stride
                           + (size_t)(start / group_sub_blocks);
            __m256 scale = _mm256_set1_ps(x->scales[index]);
            UNROLLED for (int h = 0; h < halves; h++) {
                y[h][t] = _mm256_fmadd_ps(scale, f[h][t], y[h][t]);
            }
        }
    }
    store(halves, tokens, o, y);
}

INLINE __m256 load_float_weights(const int type, const uint8_t *line, const int half) {
    if (type == TORII_TYPE_F32) {
        return _mm256_load_ps((const float *)(const void *)(line + 32 * half));
    }
    if (type == TORII_TYPE_F16) {
        return load_halves(line, half);
    }
    const uint8_t *place = line + 16 * half;
    __m128i upper = _mm_load_si128((const __m128i *)(const void *)place);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16));
}

INLINE void float_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    const float *values = x->values + o->first_token * x->value_stride;
    const int halves = strips * HALVES;
    tile_values y;
    clear(halves, tokens, y);
    int pause = o->tile;
    for (int k = 0; k < o->columns; k++) {
        const bool fetches = is_fetching(o, &pause);
        UNROLLED for (int s = 0; s < strips && fetches; s++) {
            fetch_ahead(type, o, s, k);
        }
        const size_t line = (size_t)k * (size_t)type_quant_block_bytes(type);
        __m256 weights[TILE_STRIPS * HALVES];
        UNROLLED for (int h = 0; h < halves; h++) {
            weights[h] = load_float_weights(type, o->quants[h / HALVES] + line, h % HALVES);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            __m256 value = _mm256_set1_ps(values[(size_t)t * x->value_stride + (size_t)k]);
            UNROLLED for (int h = 0; h < halves; h++) {
                y[h][t] = _mm256_fmadd_ps(weights[h], value, y[h][t]);
            }
        }
    }
    store(halves, tokens, o, y);
}

#include "driver.h"

// What both of these rely on.
_Static_assert(TORII_ACTIVATION_GROUP == TORII_SUB_BLOCK, "a sub-block's sums have one scale");

#include "avx2_many.h"
#include "avx2_streams.h"

// One or two tokens, few or many: each in the way that is fastest for so many, with the same
// results.
static void multiply_any(
    const torii_matrix *w, const torii_activations *x, int first_token, int token_count,
    int first_strip, int strip_count, float *out, size_t out_stride, const float *bias,
    bool accumulate) {
    if (token_count > 0 && token_count <= STREAM_TOKENS) {
        multiply_streams(
            w, x, first_token, token_count, first_strip, strip_count, out, out_stride, bias,
            accumulate);
    } else if (are_many(w->type, token_count)) {
        multiply_many(
            w, x, first_token, token_count, first_strip, strip_count, out, out_stride, bias,
            accumulate);
    } else {
        multiply(
            w, x, first_token, token_count, first_strip, strip_count, out, out_stride, bias,
            accumulate);
    }
}

INLINE uint32_t largest_magnitude(const float *x, int count) {
    __m256i largest = _mm256_setzero_si256();
    for (int k = 0; k < count; k += 8) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)(x + k));
        bits = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
        largest = _mm256_max_epu32(largest, bits);
    }
    __m128i four = _mm_max_epu32(
        _mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

// 32 floats times `inverse`, rounded to nearest even, as 32 bytes.
INLINE __m256i round_to_bytes(const float *x, __m256 inverse) {
    __m256i parts[4];
    UNROLLED for (int i = 0; i < 4; i++) {
        parts[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), inverse));
    }
    __m256i low = _mm256_packs_epi32(parts[0], parts[1]);
    __m256i high = _mm256_packs_epi32(parts[2], parts[3]);
    // The packs worked within 128-bit halves: dwords 0 4 1 5 2 6 3 7 put the bytes in order.
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
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
        for (int k = start; k < start + count; k += TORII_SUB_BLOCK) {
            __m256i bytes = _mm256_setzero_si256();
            if (!scale.is_zero) {
                bytes = round_to_bytes(x + k, _mm256_set1_ps(scale.inverse));
            }
            _mm256_storeu_si256((__m256i *)(void *)(quants + k), bytes);
            // Pairs, then fours, then the 16 quants of each half in every dword of that half.
            __m256i fours = _mm256_madd_epi16(
                _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
            fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0xb1));
            fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0x4e));
            int32_t low = -_mm256_extract_epi32(fours, 0), high = -_mm256_extract_epi32(fours, 4);
            half_sums[k / 16] = low;
            half_sums[k / 16 + 1] = high;
            sums[k / TORII_SUB_BLOCK] = low + high;
            float_sums[k / TORII_SUB_BLOCK] = (float)(low + high);
        }
    }
}
