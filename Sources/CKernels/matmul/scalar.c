// The portable kernels: what every other instruction set must agree with, bit for bit.
#include <math.h>

#include "layout.h"
#include "tables.h"

#pragma STDC FP_CONTRACT OFF

enum { TOKEN_TILE = 8 };

static void quantize(const float *x, int row, torii_activations *out) {
    int8_t *quants = out->quants + (size_t)row * out->quant_stride;
    float *scales = out->scales + (size_t)row * out->scale_stride;
    int32_t *sums = out->sums + (size_t)row * out->sum_stride;
    float *float_sums = out->float_sums + (size_t)row * out->sum_stride;
    int32_t *half_sums = out->half_sums + (size_t)row * out->sum_stride * 2;
    for (int start = 0; start < out->columns; start += TORII_ACTIVATION_GROUP) {
        int rest = out->columns - start;
        int count = rest < TORII_ACTIVATION_GROUP ? rest : TORII_ACTIVATION_GROUP;
        uint32_t largest = 0;  // magnitudes compare like their bits; a NaN is above all
        for (int k = 0; k < count; k++) {
            uint32_t bits;
            memcpy(&bits, x + start + k, sizeof bits);
            bits &= 0x7fffffff;
            largest = bits > largest ? bits : largest;
        }
        activation_scale scale = activation_scale_for(largest);
        scales[start / TORII_ACTIVATION_GROUP] = scale.scale;
        for (int k = 0; k < count; k++) {
            float scaled = scale.is_zero ? 0 : x[start + k] * scale.inverse;
            quants[start + k] = (int8_t)rintf(scaled);
        }
    }
    for (int half = 0; half < out->columns / 16; half++) {
        int32_t sum = 0;
        for (int k = 0; k < 16; k++) {
            sum -= quants[16 * half + k];
        }
        half_sums[half] = sum;
    }
    for (int block = 0; block < out->columns / TORII_SUB_BLOCK; block++) {
        sums[block] = half_sums[2 * block] + half_sums[2 * block + 1];
        float_sums[block] = (float)sums[block];
    }
}

// One strip's place in memory and the tokens that it meets.
typedef struct {
    const torii_matrix *w;
    const torii_activations *x;
    const uint8_t *quants, *scales;
    int first_token, tokens;  // tokens <= TOKEN_TILE
} strip_tile;

// Adds elements k ..< k + length (one sub-block) to f. q: [length][16] by k.
static void add_sub_block(
    const strip_tile *tile, const uint8_t q[32][16], int k, int length,
    float f[TOKEN_TILE][16]) {
    const torii_activations *x = tile->x;
    int type = tile->w->type, shift = type_zero_point_shift(type);
    row_scale scales[16];
    for (int lane = 0; lane < 16; lane++) {
        scales[lane] = load_row_scale(type, tile->scales, k, lane);
        if (!type_is_k(type)) {
            scales[lane].minimum = -scales[lane].minimum;
        }
    }
    for (int t = 0; t < tile->tokens; t++) {
        size_t token = (size_t)(tile->first_token + t);
        const int8_t *a = x->quants + token * x->quant_stride + k;
        int32_t negative_sum = 0, dot[16];
        for (int j = 0; j < length; j++) {
            negative_sum -= a[j];
        }
        for (int lane = 0; lane < 16; lane++) {
            dot[lane] = shift >= 0 ? negative_sum * (1 << shift) : 0;
        }
        for (int j = 0; j < length; j++) {
            for (int lane = 0; lane < 16; lane++) {
                dot[lane] += q[j][lane] * a[j];
            }
        }
        for (int lane = 0; lane < 16; lane++) {
            f[t][lane] = fmaf(scales[lane].scale, (float)dot[lane], f[t][lane]);
            if (type_has_minimums(type)) {
                f[t][lane] = fmaf(scales[lane].minimum, (float)negative_sum, f[t][lane]);
            }
        }
    }
}

static void multiply_quantised(const strip_tile *tile, float y[TOKEN_TILE][16]) {
    int type = tile->w->type, columns = tile->w->columns, length = type_scale_length(type);
    for (int start = 0; start < columns; start += TORII_ACTIVATION_GROUP) {
        int end = start + TORII_ACTIVATION_GROUP;
        end = end < columns ? end : columns;
        float f[TOKEN_TILE][16] = {{0}};
        for (int k = start; k < end; k += length) {
            size_t block = (size_t)(k / TORII_SUB_BLOCK);
            const uint8_t *lines = tile->quants + block * (size_t)type_quant_block_bytes(type);
            uint8_t q[32][16];
            for (int j = 0; j < length; j++) {
                for (int lane = 0; lane < 16; lane++) {
                    q[j][lane] = (uint8_t)load_quant(type, lines, k % TORII_SUB_BLOCK + j, lane);
                }
            }
            add_sub_block(tile, q, k, length, f);
        }
        for (int t = 0; t < tile->tokens; t++) {
            size_t token = (size_t)(tile->first_token + t);
            float scale = tile->x->scales[token * tile->x->scale_stride
                                          + (size_t)(start / TORII_ACTIVATION_GROUP)];
            for (int lane = 0; lane < 16; lane++) {
                y[t][lane] = fmaf(scale, f[t][lane], y[t][lane]);
            }
        }
    }
}

static void multiply_float(const strip_tile *tile, float y[TOKEN_TILE][16]) {
    int type = tile->w->type;
    for (int k = 0; k < tile->w->columns; k++) {
        const uint8_t *line = tile->quants + (size_t)k * (size_t)type_quant_block_bytes(type);
        float weights[16];
        for (int lane = 0; lane < 16; lane++) {
            weights[lane] = load_float_weight(type, line, lane);
        }
        for (int t = 0; t < tile->tokens; t++) {
            size_t token = (size_t)(tile->first_token + t);
            float value = tile->x->values[token * tile->x->value_stride + (size_t)k];
            for (int lane = 0; lane < 16; lane++) {
                y[t][lane] = fmaf(weights[lane], value, y[t][lane]);
            }
        }
    }
}

static void multiply(
    const torii_matrix *w, const torii_activations *x, int first_token, int token_count,
    int first_strip, int strip_count, float *out, size_t out_stride, const float *bias,
    bool accumulate) {
    for (int strip = first_strip; strip < first_strip + strip_count; strip++) {
        int first_row = strip * TORII_STRIP_ROWS;
        int rows = w->rows - first_row < TORII_STRIP_ROWS ? w->rows - first_row : TORII_STRIP_ROWS;
        for (int done = 0; done < token_count; done += TOKEN_TILE) {
            int rest = token_count - done;
            strip_tile tile = {
                .w = w,
                .x = x,
                .quants = w->quants + (size_t)strip * w->quant_stride,
                .scales = w->scales + (size_t)strip * w->scale_stride,
                .first_token = first_token + done,
                .tokens = rest < TOKEN_TILE ? rest : TOKEN_TILE,
            };
            float y[TOKEN_TILE][16] = {{0}};
            if (type_is_float(w->type)) {
                multiply_float(&tile, y);
            } else {
                multiply_quantised(&tile, y);
            }
            for (int t = 0; t < tile.tokens; t++) {
                float *row = out + (size_t)(tile.first_token + t) * out_stride + first_row;
                for (int lane = 0; lane < rows; lane++) {
                    float value = y[t][lane];
                    value = bias != NULL ? value + bias[first_row + lane] : value;
                    row[lane] = accumulate ? row[lane] + value : value;
                }
            }
        }
    }
}

const torii_matmul_kernels torii_matmul_scalar = {.quantize = quantize, .multiply = multiply};
