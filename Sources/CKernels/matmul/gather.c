// Reading a packed matrix back: one row as f32, and the check for weights that aren't numbers.
#include <math.h>

#include "layout.h"

#pragma STDC FP_CONTRACT OFF

void torii_matrix_gather_row(const torii_matrix *m, int row, float *out) {
    size_t strip = (size_t)row / TORII_STRIP_ROWS;
    int lane = row % TORII_STRIP_ROWS;
    const uint8_t *quants = m->quants + strip * m->quant_stride;
    const uint8_t *scales = m->scales + strip * m->scale_stride;
    int type = m->type, block_bytes = type_quant_block_bytes(type);
    if (type_is_float(type)) {
        for (int k = 0; k < m->columns; k++) {
            out[k] = load_float_weight(type, quants + (size_t)k * (size_t)block_bytes, lane);
        }
        return;
    }
    int zero_point = type_zero_point_shift(type) >= 0 ? 1 << type_zero_point_shift(type) : 0;
    for (int k = 0; k < m->columns; k += 16) {
        // Both products are exact in f32, so value = scale * q - minimum rounds once, as ggml's.
        row_scale s = load_row_scale(type, scales, k, lane);
        float minimum = type_is_k(type) ? -s.minimum : s.minimum;
        const uint8_t *block = quants + (size_t)(k / TORII_SUB_BLOCK) * (size_t)block_bytes;
        for (int j = 0; j < 16; j++) {
            int q = load_quant(type, block, k % TORII_SUB_BLOCK + j, lane) - zero_point;
            float value = s.scale * (float)q;
            out[k + j] = type_has_minimums(type) ? value + minimum : value;
        }
    }
}

static bool halves_are_finite(const uint8_t *halves, int count) {
    uint32_t bad = 0;
    for (int i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, halves + 2 * i, sizeof half);
        bad |= (half & 0x7c00) == 0x7c00;
    }
    return bad == 0;
}

static bool floats_are_finite(int type, const uint8_t *values, size_t count) {
    bool finite = true;
    for (size_t line = 0; line < count; line++) {
        for (int lane = 0; lane < 16; lane++) {
            const uint8_t *address = values + line * (size_t)type_quant_block_bytes(type);
            finite &= isfinite(load_float_weight(type, address, lane)) != 0;
        }
    }
    return finite;
}

static bool exponents_are_finite(const uint8_t *exponents) {
    bool finite = true;
    for (int lane = 0; lane < 16; lane++) {
        finite &= exponents[lane] != 255;
    }
    return finite;
}

bool torii_matrix_is_finite(const torii_matrix *m, int first_strip, int strip_count) {
    int type = m->type;
    int block_columns = type_is_k(type) ? SUPERBLOCK : TORII_SUB_BLOCK;
    size_t block_bytes = (size_t)type_scale_block_bytes(type);
    int halves = type_has_minimums(type) ? 32 : 16;
    for (int strip = first_strip; strip < first_strip + strip_count; strip++) {
        const uint8_t *scales = m->scales + (size_t)strip * m->scale_stride;
        const uint8_t *quants = m->quants + (size_t)strip * m->quant_stride;
        if (type_is_float(type)) {
            if (!floats_are_finite(type, quants, (size_t)m->columns)) {
                return false;
            }
            continue;
        }
        for (int block = 0; block < m->columns / block_columns; block++) {
            const uint8_t *place = scales + (size_t)block * block_bytes;
            if (type == TORII_TYPE_MXFP4 ? !exponents_are_finite(place)
                                         : !halves_are_finite(place, halves)) {
                return false;
            }
        }
    }
    return true;
}
