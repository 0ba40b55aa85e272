// How a strip's bytes lie ("R16"): 16 rows in lanes, 4 consecutive k of a row in one 32-bit lane,
// which is what one step of an 8-bit dot product takes. Private to the matmul kernels.
//
// Quants of 32 k (a sub-block), in 64-byte lines; "byte 4*lane + t" of a line holds row `lane`:
//
//   4 bits  4 lines: line q holds k = 8q + t in the low nibble, 8q + 4 + t in the high nibble
//   5 bits  the same, then 1 line of fifth bits: bit g belongs to k = 4g + t
//   6 bits  the same 4 lines, then 2 lines of upper bits: bits 2g, 2g+1 of line h belong to
//           k = 16h + 4g + t
//   8 bits  8 lines: line g holds k = 4g + t, signed weights with the top bit flipped (0 ... 255)
//   F16, BF16, F32: for each k the 16 rows' values as in the file
//
// Scales of a strip: per sub-block 16 f16 (then 16 f16 minimums for Q4_1, Q5_1). K types, per 256
// k: 16 f16 d, (Q4_K, Q5_K: 16 f16 dmin), then per sub-block 16 u8 scales and 16 u8 minimums (Q4_K,
// Q5_K: 2.8 % and 2.3 % more bytes than the file's 6-bit fields), or per 16 k 16 i8 scales (Q6_K).
#pragma once

#include <stdint.h>
#include <string.h>

#include "matmul.h"

// K types: elements per superblock. An activation group never straddles two superblocks.
enum { SUPERBLOCK = 256 };
_Static_assert(
    TORII_ACTIVATION_GROUP % TORII_SUB_BLOCK == 0 && SUPERBLOCK % TORII_ACTIVATION_GROUP == 0,
    "an activation group is 32, 64, 128 or 256 elements");

// Everything but the bits of one weight type. Constant-folds when `type` is a constant.
static inline __attribute__((always_inline)) bool type_is_float(int type) {
    return type == TORII_TYPE_F32 || type == TORII_TYPE_F16 || type == TORII_TYPE_BF16;
}

static inline __attribute__((always_inline)) bool type_is_k(int type) {
    return type == TORII_TYPE_Q4_K || type == TORII_TYPE_Q5_K || type == TORII_TYPE_Q6_K;
}

static inline __attribute__((always_inline)) int type_bits(int type) {
    switch (type) {
    case TORII_TYPE_Q4_0:
    case TORII_TYPE_Q4_1:
    case TORII_TYPE_Q4_K:
        return 4;
    case TORII_TYPE_Q5_0:
    case TORII_TYPE_Q5_1:
    case TORII_TYPE_Q5_K:
        return 5;
    case TORII_TYPE_Q6_K:
        return 6;
    case TORII_TYPE_Q8_0:
        return 8;
    default:
        return 0;
    }
}

// log2 of the zero point, or -1: none.
static inline __attribute__((always_inline)) int type_zero_point_shift(int type) {
    switch (type) {
    case TORII_TYPE_Q4_0:
        return 3;
    case TORII_TYPE_Q5_0:
        return 4;
    case TORII_TYPE_Q6_K:
        return 5;
    case TORII_TYPE_Q8_0:
        return 7;
    default:
        return -1;
    }
}

static inline __attribute__((always_inline)) bool type_has_minimums(int type) {
    return type == TORII_TYPE_Q4_1 || type == TORII_TYPE_Q5_1 || type == TORII_TYPE_Q4_K
        || type == TORII_TYPE_Q5_K;
}

// Bytes of the quants of 32 k x 16 rows; for float types of 1 k x 16 rows.
static inline __attribute__((always_inline)) int type_quant_block_bytes(int type) {
    switch (type) {
    case TORII_TYPE_F32:
        return 64;
    case TORII_TYPE_F16:
    case TORII_TYPE_BF16:
        return 32;
    default:
        return type_bits(type) * 64;
    }
}

// Bytes of the scales of 32 k x 16 rows, or of 256 k for the K types.
static inline __attribute__((always_inline)) int type_scale_block_bytes(int type) {
    switch (type) {
    case TORII_TYPE_Q4_0:
    case TORII_TYPE_Q5_0:
    case TORII_TYPE_Q8_0:
        return 32;
    case TORII_TYPE_Q4_1:
    case TORII_TYPE_Q5_1:
        return 64;
    case TORII_TYPE_Q4_K:
    case TORII_TYPE_Q5_K:
        return 64 + 8 * 32;
    case TORII_TYPE_Q6_K:
        return 32 + 16 * 16;
    default:
        return 0;
    }
}

static inline float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31;
    uint32_t fraction = half & 0x3ff, bits;
    float value;
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24 is exact
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float load_half(const uint8_t *address) {
    uint16_t half;
    memcpy(&half, address, sizeof half);
    return half_to_float(half);
}

// The element `lane` of 16 packed float weights.
static inline float load_float_weight(int type, const uint8_t *values, int lane) {
    uint32_t bits = 0;
    float value;
    switch (type) {
    case TORII_TYPE_F16:
        return load_half(values + 2 * lane);
    case TORII_TYPE_BF16: {
        uint16_t upper;
        memcpy(&upper, values + 2 * lane, sizeof upper);
        bits = (uint32_t)upper << 16;
        break;
    }
    default:
        memcpy(&bits, values + 4 * lane, sizeof bits);
        break;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The packed quant (unsigned, zero point not taken off) of row `lane`, element k of a sub-block.
static inline int load_quant(int bits, const uint8_t *block, int k, int lane) {
    int byte = 4 * lane + (k & 3), g = k >> 2;
    if (bits == 8) {
        return block[64 * g + byte];
    }
    int q = (block[64 * (k >> 3) + byte] >> (4 * (g & 1))) & 15;
    if (bits == 5) {
        q |= ((block[256 + byte] >> g) & 1) << 4;
    } else if (bits == 6) {
        q |= ((block[256 + 64 * (k >> 4) + byte] >> (2 * (g & 3))) & 3) << 4;
    }
    return q;
}

// Scale and minimum (the m of value = d*q + m for Q4_1 and Q5_1, dmin*min of value = d*sc*q -
// dmin*min for the K types) of row `lane`, elements k ..< k + 16, from the scales of a strip.
typedef struct {
    float scale, minimum;
} row_scale;

static inline row_scale load_row_scale(int type, const uint8_t *scales, int k, int lane) {
    row_scale result = {0, 0};
    if (!type_is_k(type)) {
        const uint8_t *block = scales + (size_t)(k / 32) * type_scale_block_bytes(type);
        result.scale = load_half(block + 2 * lane);
        if (type_has_minimums(type)) {
            result.minimum = load_half(block + 32 + 2 * lane);
        }
        return result;
    }
    const uint8_t *block = scales + (size_t)(k / SUPERBLOCK) * type_scale_block_bytes(type);
    float d = load_half(block + 2 * lane);
    if (type == TORII_TYPE_Q6_K) {
        result.scale = d * (float)(int8_t)block[32 + 16 * (k % SUPERBLOCK / 16) + lane];
        return result;
    }
    const uint8_t *sub_scales = block + 64 + 32 * (k % SUPERBLOCK / 32);
    result.scale = d * (float)sub_scales[lane];
    result.minimum = load_half(block + 32 + 2 * lane) * (float)sub_scales[16 + lane];
    return result;
}
