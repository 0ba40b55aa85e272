// How a strip's bytes lie ("R16"): 16 rows in lanes, 4 consecutive k of a row in one 32-bit lane,
// which is what one step of an 8-bit dot product takes. Private to the matmul kernels.
//
// Quants of 32 k (a sub-block), in 64-byte lines; "byte 4*lane + t" of a line holds row `lane`:
//
//   2 bits  2 lines: bits 2g, 2g+1 of line h belong to k = 16h + 4g + t
//   3 bits  the same, then 1 line of third bits: bit g belongs to k = 4g + t
//   4 bits  4 lines: line q holds k = 8q + t in the low nibble, 8q + 4 + t in the high nibble
//   5 bits  the same, then 1 line of fifth bits: bit g belongs to k = 4g + t
//   6 bits  the same 4 lines, then 2 lines of upper bits as those of 2 bits
//   8 bits  8 lines: line g holds k = 4g + t, signed weights with the top bit flipped (0 ... 255)
//   F16, BF16, F32: for each k the 16 rows' values as in the file
//
// The four bits of IQ4_NL, IQ4_XS and MXFP4 number the weights of a table.
//
// Scales of a strip: per sub-block 16 f16 (then 16 f16 minimums for Q4_1, Q5_1), or 16 exponents
// (MXFP4). Types of 256 k a block: 16 f16 d, (Q2_K, Q4_K, Q5_K: 16 f16 dmin), then
//
//   Q4_K, Q5_K  per sub-block 16 u8 scales and 16 u8 minimums, where the file has fields of 6 bits
//   Q2_K        per 16 k 16 bytes: scale in the low nibble, minimum in the high one
//   Q3_K, Q6_K  per 16 k 16 i8 scales (Q3_K: 6 bits in the file)
//   IQ4_XS      per sub-block 16 i8 scales (6 bits in the file)
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

// Blocks of 256 elements, whose sub-blocks have scales of few bits.
static inline __attribute__((always_inline)) bool type_is_k(int type) {
    return type == TORII_TYPE_Q2_K || type == TORII_TYPE_Q3_K || type == TORII_TYPE_Q4_K
        || type == TORII_TYPE_Q5_K || type == TORII_TYPE_Q6_K || type == TORII_TYPE_IQ4_XS;
}

// Elements that share a scale: a half or the whole of a sub-block.
static inline __attribute__((always_inline)) int type_scale_length(int type) {
    return type == TORII_TYPE_Q2_K || type == TORII_TYPE_Q3_K || type == TORII_TYPE_Q6_K ? 16 : 32;
}

// The weights that the quants number, or NULL: quants are weights. Plus a zero point, so that they
// are unsigned: IQ4's values (llama.cpp: kvalues_iq4nl) + 128, twice the values of the FP4 of the
// OCP's Microscaling Formats (E2M1) + 16.
static inline __attribute__((always_inline)) const uint8_t *type_table(int type) {
    static const uint8_t iq4[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                    129, 141, 153, 166, 181, 197, 217, 241};
    static const uint8_t fp4[16] = {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4};
    switch (type) {
    case TORII_TYPE_IQ4_NL:
    case TORII_TYPE_IQ4_XS:
        return iq4;
    case TORII_TYPE_MXFP4:
        return fp4;
    default:
        return NULL;
    }
}

static inline __attribute__((always_inline)) int type_bits(int type) {
    switch (type) {
    case TORII_TYPE_Q2_K:
        return 2;
    case TORII_TYPE_Q3_K:
        return 3;
    case TORII_TYPE_Q4_0:
    case TORII_TYPE_Q4_1:
    case TORII_TYPE_Q4_K:
    case TORII_TYPE_IQ4_NL:
    case TORII_TYPE_IQ4_XS:
    case TORII_TYPE_MXFP4:
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
    case TORII_TYPE_Q3_K:
        return 2;
    case TORII_TYPE_Q4_0:
        return 3;
    case TORII_TYPE_Q5_0:
    case TORII_TYPE_MXFP4:
        return 4;
    case TORII_TYPE_Q6_K:
        return 5;
    case TORII_TYPE_Q8_0:
    case TORII_TYPE_IQ4_NL:
    case TORII_TYPE_IQ4_XS:
        return 7;
    default:
        return -1;
    }
}

static inline __attribute__((always_inline)) bool type_has_minimums(int type) {
    return type == TORII_TYPE_Q4_1 || type == TORII_TYPE_Q5_1 || type == TORII_TYPE_Q2_K
        || type == TORII_TYPE_Q4_K || type == TORII_TYPE_Q5_K;
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
    case TORII_TYPE_MXFP4:
        return 16;
    case TORII_TYPE_Q4_0:
    case TORII_TYPE_Q5_0:
    case TORII_TYPE_Q8_0:
    case TORII_TYPE_IQ4_NL:
        return 32;
    case TORII_TYPE_Q4_1:
    case TORII_TYPE_Q5_1:
        return 64;
    case TORII_TYPE_Q4_K:
    case TORII_TYPE_Q5_K:
        return 64 + 8 * 32;
    case TORII_TYPE_Q2_K:
        return 64 + 16 * 16;
    case TORII_TYPE_Q3_K:
    case TORII_TYPE_Q6_K:
        return 32 + 16 * 16;
    case TORII_TYPE_IQ4_XS:
        return 32 + 8 * 16;
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

// 2^(exponent - 128): MXFP4's scale of twice the weight (OCP: E8M0; 255 is NaN, which no loaded
// matrix has). The two least are subnormal.
static inline float load_exponent(uint8_t exponent) {
    uint32_t bits = exponent < 2 ? 0x00200000u << exponent : (uint32_t)(exponent - 1) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
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

// The weight (unsigned, zero point not taken off) of row `lane`, element k of a sub-block.
static inline int load_quant(int type, const uint8_t *block, int k, int lane) {
    int bits = type_bits(type), byte = 4 * lane + (k & 3), g = k >> 2;
    if (bits == 8) {
        return block[64 * g + byte];
    }
    if (bits < 4) {
        int low = (block[64 * (k >> 4) + byte] >> (2 * (g & 3))) & 3;
        return bits == 2 ? low : low | ((block[128 + byte] >> g) & 1) << 2;
    }
    int q = (block[64 * (k >> 3) + byte] >> (4 * (g & 1))) & 15;
    if (bits == 5) {
        q |= ((block[256 + byte] >> g) & 1) << 4;
    } else if (bits == 6) {
        q |= ((block[256 + 64 * (k >> 4) + byte] >> (2 * (g & 3))) & 3) << 4;
    }
    return type_table(type) == NULL ? q : type_table(type)[q];
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
        if (type == TORII_TYPE_MXFP4) {
            result.scale = load_exponent(block[lane]);
            return result;
        }
        result.scale = load_half(block + 2 * lane);
        if (type_has_minimums(type)) {
            result.minimum = load_half(block + 32 + 2 * lane);
        }
        return result;
    }
    const uint8_t *block = scales + (size_t)(k / SUPERBLOCK) * type_scale_block_bytes(type);
    float d = load_half(block + 2 * lane);
    int part = k % SUPERBLOCK / type_scale_length(type);
    if (!type_has_minimums(type)) {
        result.scale = d * (float)(int8_t)block[32 + 16 * part + lane];
        return result;
    }
    if (type == TORII_TYPE_Q2_K) {
        uint8_t pair = block[64 + 16 * part + lane];
        result.scale = d * (float)(pair & 15);
        result.minimum = load_half(block + 32 + 2 * lane) * (float)(pair >> 4);
        return result;
    }
    const uint8_t *sub_scales = block + 64 + 32 * part;
    result.scale = d * (float)sub_scales[lane];
    result.minimum = load_half(block + 32 + 2 * lane) * (float)sub_scales[16 + lane];
    return result;
}
