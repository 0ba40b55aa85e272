// From ggml's row layouts (reference: ggml's block structures, GGUF type numbers) to strips.
#include "layout.h"

#pragma STDC FP_CONTRACT OFF

// Bytes and elements of one quantised block of the source layout.
static int source_block_bytes(int type) {
    switch (type) {
    case TORII_TYPE_F32:
        return 4;
    case TORII_TYPE_F16:
    case TORII_TYPE_BF16:
        return 2;
    case TORII_TYPE_Q4_0:
        return 18;
    case TORII_TYPE_Q4_1:
        return 20;
    case TORII_TYPE_Q5_0:
        return 22;
    case TORII_TYPE_Q5_1:
        return 24;
    case TORII_TYPE_Q8_0:
        return 34;
    case TORII_TYPE_MXFP4:
        return 17;
    case TORII_TYPE_IQ4_NL:
        return 18;
    case TORII_TYPE_Q2_K:
        return 84;
    case TORII_TYPE_Q3_K:
        return 110;
    case TORII_TYPE_IQ4_XS:
        return 136;
    case TORII_TYPE_Q4_K:
        return 144;
    case TORII_TYPE_Q5_K:
        return 176;
    default:  // Q6_K
        return 210;
    }
}

size_t torii_matrix_source_row_bytes(int type, int columns) {
    if (!torii_matrix_supported(type, 1, columns)) {
        return 0;
    }
    int elements = type_is_float(type) ? 1 : type_is_k(type) ? SUPERBLOCK : TORII_SUB_BLOCK;
    return (size_t)(columns / elements) * (size_t)source_block_bytes(type);
}

// 32 quants whose low nibbles are elements 0 ... 15 and high nibbles elements 16 ... 31.
static void unpack_split_nibbles(const uint8_t *source, uint8_t *q) {
    for (int j = 0; j < 16; j++) {
        q[j] = source[j] & 15;
        q[j + 16] = source[j] >> 4;
    }
}

static void add_fifth_bits(const uint8_t *source, uint8_t *q) {
    uint32_t bits;
    memcpy(&bits, source, sizeof bits);
    for (int j = 0; j < 32; j++) {
        q[j] |= (uint8_t)(((bits >> j) & 1) << 4);
    }
}

// Bits 2n and 2n + 1 of 32 bytes for each 128 elements: n counts the 32s in them.
static void unpack_bit_pairs(const uint8_t *source, int sub_block, uint8_t *q) {
    const uint8_t *pairs = source + 32 * (sub_block >> 2);
    int shift = 2 * (sub_block & 3);
    for (int j = 0; j < 32; j++) {
        q[j] = (pairs[j] >> shift) & 3;
    }
}

static void unpack_q6_k(const uint8_t *block, int sub_block, uint8_t *q) {
    int part = sub_block & 3;
    const uint8_t *low = block + 64 * (sub_block >> 2) + 32 * (part & 1);
    const uint8_t *high = block + 128 + 32 * (sub_block >> 2);
    int low_shift = 4 * (part >> 1), high_shift = 2 * part;
    for (int j = 0; j < 32; j++) {
        q[j] = (uint8_t)(((low[j] >> low_shift) & 15) | ((high[j] >> high_shift) & 3) << 4);
    }
}

// q: [32]. The quants of one sub-block of a source row as the packed layout stores them (unsigned).
static inline __attribute__((always_inline)) void unpack_sub_block(
    int type, const uint8_t *row, int sub_block, uint8_t *q) {
    int index = type_is_k(type) ? sub_block / 8 : sub_block;
    const uint8_t *block = row + (size_t)index * (size_t)source_block_bytes(type);
    int j = sub_block % 8;
    switch (type) {
    case TORII_TYPE_Q4_0:
    case TORII_TYPE_IQ4_NL:
        unpack_split_nibbles(block + 2, q);
        break;
    case TORII_TYPE_IQ4_XS:
        unpack_split_nibbles(block + 8 + 16 * j, q);
        break;
    case TORII_TYPE_MXFP4:
        unpack_split_nibbles(block + 1, q);
        break;
    case TORII_TYPE_Q4_1:
        unpack_split_nibbles(block + 4, q);
        break;
    case TORII_TYPE_Q5_0:
        unpack_split_nibbles(block + 6, q);
        add_fifth_bits(block + 2, q);
        break;
    case TORII_TYPE_Q5_1:
        unpack_split_nibbles(block + 8, q);
        add_fifth_bits(block + 4, q);
        break;
    case TORII_TYPE_Q8_0:
        for (int k = 0; k < 32; k++) {
            q[k] = block[2 + k] ^ 0x80;
        }
        break;
    case TORII_TYPE_Q2_K:
        unpack_bit_pairs(block + 16, j, q);
        break;
    case TORII_TYPE_Q3_K:
        unpack_bit_pairs(block + 32, j, q);
        for (int k = 0; k < 32; k++) {
            q[k] |= (uint8_t)(((block[k] >> j) & 1) << 2);
        }
        break;
    case TORII_TYPE_Q4_K:
    case TORII_TYPE_Q5_K: {
        const uint8_t *nibbles = block + (type == TORII_TYPE_Q4_K ? 16 : 48) + 32 * (j / 2);
        for (int k = 0; k < 32; k++) {
            q[k] = (nibbles[k] >> (4 * (j & 1))) & 15;
        }
        if (type == TORII_TYPE_Q5_K) {
            for (int k = 0; k < 32; k++) {
                q[k] |= (uint8_t)(((block[16 + k] >> j) & 1) << 4);
            }
        }
        break;
    }
    default:
        unpack_q6_k(block, j, q);
        break;
    }
}

// Four quants of one row in a 32-bit lane.
static inline uint32_t load_four(const uint8_t *q) {
    uint32_t four;
    memcpy(&four, q, sizeof four);
    return four;
}

static inline void store_lane(uint8_t *line, int lane, uint32_t value) {
    memcpy(line + 4 * lane, &value, sizeof value);
}

// Bits `shift` and the next of the quants of 16 k, four to a byte: a lane of a line of bit pairs.
static inline uint32_t gather_bit_pairs(const uint8_t *q, int shift) {
    uint32_t pairs = 0;
    for (int g = 0; g < 4; g++) {
        pairs |= ((load_four(q + 4 * g) >> shift) & 0x03030303) << (2 * g);
    }
    return pairs;
}

// Bit `shift` of the quants of a sub-block, eight to a byte: a lane of a line of single bits.
static inline uint32_t gather_bits(const uint8_t *q, int shift) {
    uint32_t bits = 0;
    for (int g = 0; g < 8; g++) {
        bits |= ((load_four(q + 4 * g) >> shift) & 0x01010101) << g;
    }
    return bits;
}

// q: [16][32] by row. Writes the lines of one sub-block (layout.h).
static inline __attribute__((always_inline)) void interleave(
    int bits, const uint8_t q[16][32], uint8_t *block) {
    const uint32_t nibbles = 0x0f0f0f0f;
    for (int lane = 0; lane < 16; lane++) {
        if (bits == 8) {
            for (int g = 0; g < 8; g++) {
                store_lane(block + 64 * g, lane, load_four(q[lane] + 4 * g));
            }
            continue;
        }
        if (bits < 4) {
            for (int half = 0; half < 2; half++) {
                store_lane(block + 64 * half, lane, gather_bit_pairs(q[lane] + 16 * half, 0));
            }
            if (bits == 3) store_lane(block + 128, lane, gather_bits(q[lane], 2));
            continue;
        }
        for (int line = 0; line < 4; line++) {
            uint32_t low = load_four(q[lane] + 8 * line) & nibbles;
            uint32_t high = load_four(q[lane] + 8 * line + 4) & nibbles;
            store_lane(block + 64 * line, lane, low | high << 4);
        }
        if (bits == 5) {
            store_lane(block + 256, lane, gather_bits(q[lane], 4));
        } else if (bits == 6) {
            for (int half = 0; half < 2; half++) {
                uint32_t pairs = gather_bit_pairs(q[lane] + 16 * half, 4);
                store_lane(block + 256 + 64 * half, lane, pairs);
            }
        }
    }
}

// The (scale, minimum) pair of sub-block j in Q4_K's and Q5_K's 12 bytes of 6-bit fields.
static void unpack_six_bit_pair(const uint8_t *s, int j, uint8_t *scale, uint8_t *minimum) {
    if (j < 4) {
        *scale = s[j] & 63;
        *minimum = s[j + 4] & 63;
    } else {
        *scale = (uint8_t)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *minimum = (uint8_t)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
    }
}

// Scale j of Q3_K's sixteen in 12 bytes: low nibbles of 0 ... 7 and 8 ... 15 in the nibbles of the
// first eight bytes, upper bits in pairs in the last four.
static int8_t unpack_q3_scale(const uint8_t *s, int j) {
    int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
    int high = (s[8 + (j & 3)] >> (2 * (j >> 2))) & 3;
    return (int8_t)((low | high << 4) - 32);
}

// Scale j of IQ4_XS's eight: two bits of a u16, then a nibble.
static int8_t unpack_iq4_scale(const uint8_t *block, int j) {
    int high = ((block[2] | block[3] << 8) >> (2 * j)) & 3;
    int low = (block[4 + j / 2] >> (4 * (j & 1))) & 15;
    return (int8_t)((low | high << 4) - 32);
}

// The scales of one source block of row `lane`, into the packed scale block (layout.h).
static inline void pack_scales(int type, const uint8_t *block, int lane, uint8_t *scales) {
    switch (type) {
    case TORII_TYPE_Q4_K:
    case TORII_TYPE_Q5_K:
        memcpy(scales + 2 * lane, block, 2);
        memcpy(scales + 32 + 2 * lane, block + 2, 2);
        for (int j = 0; j < 8; j++) {
            uint8_t *pair = scales + 64 + 32 * j + lane;
            unpack_six_bit_pair(block + 4, j, pair, pair + 16);
        }
        break;
    case TORII_TYPE_Q2_K:
        memcpy(scales + 2 * lane, block + 80, 2);
        memcpy(scales + 32 + 2 * lane, block + 82, 2);
        for (int j = 0; j < 16; j++) {
            scales[64 + 16 * j + lane] = block[j];
        }
        break;
    case TORII_TYPE_Q3_K:
        memcpy(scales + 2 * lane, block + 108, 2);
        for (int j = 0; j < 16; j++) {
            scales[32 + 16 * j + lane] = (uint8_t)unpack_q3_scale(block + 96, j);
        }
        break;
    case TORII_TYPE_IQ4_XS:
        memcpy(scales + 2 * lane, block, 2);
        for (int j = 0; j < 8; j++) {
            scales[32 + 16 * j + lane] = (uint8_t)unpack_iq4_scale(block, j);
        }
        break;
    case TORII_TYPE_MXFP4:
        scales[lane] = block[0];
        break;
    case TORII_TYPE_Q6_K:
        memcpy(scales + 2 * lane, block + 208, 2);
        for (int j = 0; j < 16; j++) {
            scales[32 + 16 * j + lane] = block[192 + j];
        }
        break;
    default:
        memcpy(scales + 2 * lane, block, 2);
        if (type_has_minimums(type)) {
            memcpy(scales + 32 + 2 * lane, block + 2, 2);
        }
        break;
    }
}

// rows: [count][row_bytes] of one strip, count <= 16. Missing rows become zero weights.
static inline __attribute__((always_inline)) void pack_strip(
    int type, const uint8_t *rows, size_t row_bytes, int count, int columns, uint8_t *quants,
    uint8_t *scales) {
    uint8_t q[16][32] = {{0}};
    int block_bytes = source_block_bytes(type), scale_bytes = type_scale_block_bytes(type);
    int blocks = (int)(row_bytes / (size_t)block_bytes);
    memset(scales, 0, (size_t)blocks * (size_t)scale_bytes);
    for (int lane = 0; lane < count; lane++) {
        const uint8_t *row = rows + (size_t)lane * row_bytes;
        for (int b = 0; b < blocks; b++) {
            pack_scales(
                type, row + (size_t)b * (size_t)block_bytes, lane,
                scales + (size_t)b * (size_t)scale_bytes);
        }
    }
    for (int b = 0; b < columns / TORII_SUB_BLOCK; b++) {
        for (int lane = 0; lane < count; lane++) {
            unpack_sub_block(type, rows + (size_t)lane * row_bytes, b, q[lane]);
        }
        interleave(type_bits(type), q, quants + (size_t)b * (size_t)type_quant_block_bytes(type));
    }
}

static inline __attribute__((always_inline)) void pack_float_strip(
    size_t element_bytes, const uint8_t *rows, int count, int columns, uint8_t *quants) {
    for (int k = 0; k < columns; k++) {
        uint8_t *line = quants + (size_t)k * 16 * element_bytes;
        const uint8_t *source = rows + (size_t)k * element_bytes;
        memset(line, 0, 16 * element_bytes);
        for (int lane = 0; lane < count; lane++) {
            size_t offset = (size_t)lane * (size_t)columns * element_bytes;
            memcpy(line + (size_t)lane * element_bytes, source + offset, element_bytes);
        }
    }
}

// One copy of the packing loop for each type, so that every branch on the type folds away.
#define PACK_CASE(TYPE)                                                        \
    case TYPE:                                                                 \
        pack_strip(TYPE, rows, row_bytes, count, m->columns, quants, scales);  \
        break;

void torii_matrix_pack(
    torii_matrix *m, const void *source_rows, int first_row, int row_count) {
    size_t row_bytes = torii_matrix_source_row_bytes(m->type, m->columns);
    for (int done = 0; done < row_count; done += TORII_STRIP_ROWS) {
        size_t strip = (size_t)(first_row + done) / TORII_STRIP_ROWS;
        const uint8_t *rows = (const uint8_t *)source_rows + (size_t)done * row_bytes;
        int count = row_count - done < TORII_STRIP_ROWS ? row_count - done : TORII_STRIP_ROWS;
        // The view is read-only for the kernels; the storage behind it is the caller's to fill.
        uint8_t *quants = (uint8_t *)(uintptr_t)(m->quants + strip * m->quant_stride);
        uint8_t *scales = (uint8_t *)(uintptr_t)(m->scales + strip * m->scale_stride);
        switch (m->type) {
            PACK_CASE(TORII_TYPE_Q4_0)
            PACK_CASE(TORII_TYPE_Q4_1)
            PACK_CASE(TORII_TYPE_Q5_0)
            PACK_CASE(TORII_TYPE_Q5_1)
            PACK_CASE(TORII_TYPE_Q8_0)
            PACK_CASE(TORII_TYPE_Q2_K)
            PACK_CASE(TORII_TYPE_Q3_K)
            PACK_CASE(TORII_TYPE_Q4_K)
            PACK_CASE(TORII_TYPE_Q5_K)
            PACK_CASE(TORII_TYPE_Q6_K)
            PACK_CASE(TORII_TYPE_IQ4_NL)
            PACK_CASE(TORII_TYPE_IQ4_XS)
            PACK_CASE(TORII_TYPE_MXFP4)
        case TORII_TYPE_F32:
            pack_float_strip(4, rows, count, m->columns, quants);
            break;
        default:
            pack_float_strip(2, rows, count, m->columns, quants);
            break;
        }
    }
}
