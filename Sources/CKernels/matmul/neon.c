// Arm kernels with the dot product of Armv8.2 (FEAT_DotProd): a strip is four registers of 4 rows.
//
// vdotq_s32 adds four products of signed bytes to each 32-bit lane, exactly. Unsigned weights of
// six bits and fewer are signed bytes as they are; 8-bit weights, and IQ4's, have their top bit
// flipped back, so that they carry their sign and have no zero point.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "tile.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

enum { QUARTERS = 4 };  // registers to a strip

// Values of a tile: [quarter strips][tokens].
typedef float32x4_t tile_values[TILE_STRIPS * QUARTERS][TILE_TOKENS];
typedef int32x4_t tile_sums[TILE_STRIPS * QUARTERS][TILE_TOKENS];

enum { STRIPS = 1 };

INLINE int most_tokens(int type) { (void)type; return 3; }

INLINE uint8x16_t load_line(const uint8_t *line, int quarter) {
    return vld1q_u8(line + 16 * quarter);
}

INLINE float32x4_t load_halves(const uint8_t *address, int quarter) {
    uint16x4_t halves = vreinterpret_u16_u8(vld1_u8(address + 8 * quarter));
    return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

INLINE uint32x4_t load_bytes(const uint8_t *address, int quarter) {
    uint32_t four;
    memcpy(&four, address + 4 * quarter, sizeof four);
    return vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four))));
}

INLINE float32x4_t load_bytes_as_floats(const uint8_t *address, int quarter, bool is_signed) {
    uint32x4_t bytes = load_bytes(address, quarter);
    if (!is_signed) return vcvtq_f32_u32(bytes);
    // The byte's sign moves to the top and comes back down.
    return vcvtq_f32_s32(vshrq_n_s32(vreinterpretq_s32_u32(vshlq_n_u32(bytes, 24)), 24));
}

// Whether weights are loaded with their signs, because their magnitudes do not fit seven bits.
INLINE bool is_signed(const int type) { return type_zero_point_shift(type) == 7; }

// Bits `from` and on, at `to`; of a register of bytes.
INLINE uint8x16_t move_bits(uint8x16_t bytes, int from, int to) {
    return vshlq_u8(bytes, vdupq_n_s8((int8_t)(to - from)));
}

INLINE uint8x16_t masked(uint8x16_t bytes, int mask) {
    return vandq_u8(bytes, vdupq_n_u8((uint8_t)mask));
}

// Weights 4g ... 4g + 3 of a sub-block for 4 rows.
INLINE int8x16_t load_weights(
    const int type, const uint8_t *block, const int g, const int quarter) {
    const int bits = type_bits(type);
    const uint8x16_t top = vdupq_n_u8(0x80);
    if (bits == 8) {
        return vreinterpretq_s8_u8(veorq_u8(load_line(block + 64 * g, quarter), top));
    }
    uint8x16_t weights;
    if (bits < 4) {
        uint8x16_t pairs = load_line(block + 64 * (g >> 2), quarter);
        weights = masked(move_bits(pairs, 2 * (g & 3), 0), 3);
        if (bits == 3) {
            uint8x16_t plane = move_bits(load_line(block + 128, quarter), g, 2);
            weights = vorrq_u8(weights, masked(plane, 4));
        }
        return vreinterpretq_s8_u8(weights);
    }
    uint8x16_t line = load_line(block + 64 * (g >> 1), quarter);
    weights = g & 1 ? vshrq_n_u8(line, 4) : masked(line, 15);
    if (type_table(type) != NULL) {
        weights = vqtbl1q_u8(vld1q_u8(type_table(type)), weights);
        return vreinterpretq_s8_u8(is_signed(type) ? veorq_u8(weights, top) : weights);
    }
    if (bits == 5) {
        uint8x16_t plane = move_bits(load_line(block + 256, quarter), g, 4);
        weights = vorrq_u8(weights, masked(plane, 0x10));
    } else if (bits == 6) {
        uint8x16_t plane = load_line(block + 256 + 64 * (g >> 2), quarter);
        weights = vorrq_u8(weights, masked(move_bits(plane, 2 * (g & 3), 4), 0x30));
    }
    return vreinterpretq_s8_u8(weights);
}

// dot: [quarter strips][tokens]. Adds the products of groups first ..< last of one sub-block.
INLINE void add_products(
    const int type, const int quarters, const int tokens, const int first, const int last,
    const tile_operands *o, size_t block, const int8_t *a, tile_sums dot) {
    UNROLLED for (int g = first; g < last; g++) {
        int8x16_t weights[TILE_STRIPS * QUARTERS];
        UNROLLED for (int q = 0; q < quarters; q++) {
            weights[q] = load_weights(type, o->quants[q / QUARTERS] + block, g, q % QUARTERS);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            int32_t four;
            memcpy(&four, a + (size_t)t * o->x->quant_stride + 4 * g, sizeof four);
            int8x16_t activations = vreinterpretq_s8_s32(vdupq_n_s32(four));
            UNROLLED for (int q = 0; q < quarters; q++) {
                dot[q][t] = vdotq_s32(dot[q][t], weights[q], activations);
            }
        }
    }
}

// load_exponent of 4 rows.
INLINE float32x4_t load_exponents(const uint8_t *address, int quarter) {
    uint32x4_t exponents = load_bytes(address, quarter);
    int32x4_t less_one = vsubq_s32(vreinterpretq_s32_u32(exponents), vdupq_n_s32(1));
    uint32x4_t normal = vshlq_n_u32(vreinterpretq_u32_s32(less_one), 23);
    uint32x4_t subnormal = vshlq_u32(
        vdupq_n_u32(0x00200000), vreinterpretq_s32_u32(exponents));
    uint32x4_t is_normal = vcgtq_s32(less_one, vdupq_n_s32(0));
    return vreinterpretq_f32_u32(vbslq_u32(is_normal, normal, subnormal));
}

// Scale and minimum of one sub-block for 4 rows.
INLINE void load_scales(
    const int type, const uint8_t *scales, int sub_block, const int part, const int quarter,
    float32x4_t *scale, float32x4_t *minimum) {
    *minimum = vdupq_n_f32(0);
    if (!type_is_k(type)) {
        const uint8_t *block = scales + (size_t)sub_block * (size_t)type_scale_block_bytes(type);
        *scale = type == TORII_TYPE_MXFP4 ? load_exponents(block, quarter)
                                          : load_halves(block, quarter);
        if (type_has_minimums(type)) *minimum = load_halves(block + 32, quarter);
        return;
    }
    const uint8_t *block = scales + (size_t)(sub_block / 8) * (size_t)type_scale_block_bytes(type);
    float32x4_t d = load_halves(block, quarter);
    const int index = type_scale_length(type) == 16 ? 2 * (sub_block % 8) + part : sub_block % 8;
    if (!type_has_minimums(type)) {
        *scale = vmulq_f32(d, load_bytes_as_floats(block + 32 + 16 * index, quarter, true));
        return;
    }
    float32x4_t dmin = load_halves(block + 32, quarter);
    if (type == TORII_TYPE_Q2_K) {
        uint32x4_t pairs = load_bytes(block + 64 + 16 * index, quarter);
        *scale = vmulq_f32(d, vcvtq_f32_u32(vandq_u32(pairs, vdupq_n_u32(15))));
        *minimum = vmulq_f32(dmin, vcvtq_f32_u32(vshrq_n_u32(pairs, 4)));
        return;
    }
    const uint8_t *bytes = block + 64 + 32 * index;
    *scale = vmulq_f32(d, load_bytes_as_floats(bytes, quarter, false));
    *minimum = vmulq_f32(dmin, load_bytes_as_floats(bytes + 16, quarter, false));
}

// f: [quarter strips][tokens]. Adds one sub-block, or its half `part` where halves have scales.
INLINE void add_sub_block(
    const int type, const int strips, const int tokens, const tile_operands *o, int sub_block,
    const int part, tile_values f) {
    const torii_activations *x = o->x;
    const int quarters = strips * QUARTERS;
    // Signed weights have no zero point.
    const int shift = is_signed(type) ? -1 : type_zero_point_shift(type);
    const bool is_half = type_scale_length(type) == 16;
    const int first = is_half ? 4 * part : 0, last = is_half ? first + 4 : 8;
    const size_t block = (size_t)sub_block * (size_t)type_quant_block_bytes(type);
    const int8_t *a = x->quants + o->first_token * x->quant_stride + 32 * (size_t)sub_block;
    tile_sums dot;
    UNROLLED for (int t = 0; t < tokens; t++) {
        size_t sum_index = (o->first_token + (size_t)t) * x->sum_stride + (size_t)sub_block;
        int32_t start = 0;
        if (shift >= 0) {
            int32_t sum =
                is_half ? x->half_sums[2 * sum_index + (size_t)part] : x->sums[sum_index];
            start = sum * (1 << shift);
        }
        UNROLLED for (int q = 0; q < quarters; q++) dot[q][t] = vdupq_n_s32(start);
    }
    add_products(type, quarters, tokens, first, last, o, block, a, dot);
    UNROLLED for (int q = 0; q < quarters; q++) {
        float32x4_t scale, minimum;
        const uint8_t *scales = o->scales[q / QUARTERS];
        load_scales(type, scales, sub_block, part, q % QUARTERS, &scale, &minimum);
        UNROLLED for (int t = 0; t < tokens; t++) {
            f[q][t] = vfmaq_f32(f[q][t], scale, vcvtq_f32_s32(dot[q][t]));
            if (type_has_minimums(type)) {
                size_t index = (o->first_token + (size_t)t) * x->sum_stride + (size_t)sub_block;
                float own = is_half ? (float)x->half_sums[2 * index + (size_t)part]
                                    : x->float_sums[index];
                float32x4_t sum = vdupq_n_f32(own);
                f[q][t] = type_is_k(type) ? vfmaq_f32(f[q][t], minimum, sum)
                                          : vfmsq_f32(f[q][t], minimum, sum);
            }
        }
    }
}

INLINE void clear(const int quarters, const int tokens, tile_values values) {
    UNROLLED for (int q = 0; q < quarters; q++) {
        UNROLLED for (int t = 0; t < tokens; t++) values[q][t] = vdupq_n_f32(0);
    }
}

INLINE void store(
    const int quarters, const int tokens, const tile_operands *o, tile_values values) {
    UNROLLED for (int q = 0; q < quarters; q++) {
        UNROLLED for (int t = 0; t < tokens; t++) {
            vst1q_f32(tile_result(o, q / QUARTERS, t) + 4 * (q % QUARTERS), values[q][t]);
        }
    }
}

INLINE void quantised_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    const int quarters = strips * QUARTERS;
    const int sub_blocks = o->columns / TORII_SUB_BLOCK;
    const int group_sub_blocks = TORII_ACTIVATION_GROUP / TORII_SUB_BLOCK;
    tile_values y;
    clear(quarters, tokens, y);
    int pause = o->tile;
    for (int start = 0; start < sub_blocks; start += group_sub_blocks) {
        int end = start + group_sub_blocks < sub_blocks ? start + group_sub_blocks : sub_blocks;
        tile_values f;
        clear(quarters, tokens, f);
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
            float32x4_t scale = vdupq_n_f32(x->scales[index]);
            UNROLLED for (int q = 0; q < quarters; q++) {
                y[q][t] = vfmaq_f32(y[q][t], scale, f[q][t]);
            }
        }
    }
    store(quarters, tokens, o, y);
}

INLINE float32x4_t load_float_weights(const int type, const uint8_t *line, const int quarter) {
    if (type == TORII_TYPE_F32) return vld1q_f32((const float *)(const void *)line + 4 * quarter);
    if (type == TORII_TYPE_F16) return load_halves(line, quarter);
    uint16x4_t upper = vreinterpret_u16_u8(vld1_u8(line + 8 * quarter));
    return vreinterpretq_f32_u32(vshll_n_u16(upper, 16));
}

INLINE void float_tile(
    const int type, const int strips, const int tokens, const tile_operands *o) {
    const torii_activations *x = o->x;
    const float *values = x->values + o->first_token * x->value_stride;
    const int quarters = strips * QUARTERS;
    tile_values y;
    clear(quarters, tokens, y);
    int pause = o->tile;
    for (int k = 0; k < o->columns; k++) {
        const bool fetches = is_fetching(o, &pause);
        UNROLLED for (int s = 0; s < strips && fetches; s++) fetch_ahead(type, o, s, k);
        const size_t line = (size_t)k * (size_t)type_quant_block_bytes(type);
        float32x4_t weights[TILE_STRIPS * QUARTERS];
        UNROLLED for (int q = 0; q < quarters; q++) {
            weights[q] = load_float_weights(type, o->quants[q / QUARTERS] + line, q % QUARTERS);
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            float32x4_t value = vdupq_n_f32(values[(size_t)t * x->value_stride + (size_t)k]);
            UNROLLED for (int q = 0; q < quarters; q++) {
                y[q][t] = vfmaq_f32(y[q][t], weights[q], value);
            }
        }
    }
    store(quarters, tokens, o, y);
}

#include "driver.h"

INLINE uint32_t largest_magnitude(const float *x, int count) {
    uint32x4_t largest = vdupq_n_u32(0);
    for (int k = 0; k < count; k += 4) {
        uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(x + k));
        largest = vmaxq_u32(largest, vandq_u32(bits, vdupq_n_u32(0x7fffffff)));
    }
    return vmaxvq_u32(largest);
}

// 16 floats times `inverse`, rounded to nearest even.
INLINE int8x16_t round_to_bytes(const float *x, float inverse) {
    int16x4_t parts[4];
    UNROLLED for (int i = 0; i < 4; i++) {
        parts[i] = vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), inverse)));
    }
    return vcombine_s8(
        vmovn_s16(vcombine_s16(parts[0], parts[1])), vmovn_s16(vcombine_s16(parts[2], parts[3])));
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
        for (int k = start; k < start + count; k += 16) {
            int8x16_t bytes =
                scale.is_zero ? vdupq_n_s8(0) : round_to_bytes(x + k, scale.inverse);
            vst1q_s8(quants + k, bytes);
            half_sums[k / 16] = -(int32_t)vaddlvq_s8(bytes);
        }
        for (int k = start; k < start + count; k += TORII_SUB_BLOCK) {
            int32_t sum = half_sums[k / 16] + half_sums[k / 16 + 1];
            sums[k / TORII_SUB_BLOCK] = sum;
            float_sums[k / TORII_SUB_BLOCK] = (float)sum;
        }
    }
}

const torii_matmul_kernels torii_matmul_neon = {.quantize = quantize, .multiply = multiply};

#pragma clang attribute pop

#endif
