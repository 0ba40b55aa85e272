// Packed weight matrices, quantised activations and their product.
//
// Letters: T tokens, K columns of the weight matrix (inputs), R its rows (outputs).
// A *strip* is 16 consecutive rows, one row to a SIMD lane. A *sub-block* is 32 consecutive k that
// share a weight scale (16 k for Q2_K, Q3_K and Q6_K). An *activation group* is
// TORII_ACTIVATION_GROUP consecutive k that share an activation scale; the last group of a row is
// shorter when K is no multiple of it.
//
// The arithmetic contract. For each output (row r, token t), whatever the instruction set, the
// number of tokens and the part of the matrix that a call is asked for:
//
//     y = 0
//     for each activation group g, in order:
//         f = 0
//         for each sub-block s of the group, in order:
//             i = sum over k of (u[r,k] - zero point) * a[t,k]           exact, int32
//             f = fma(ws[r,s], (float)i, f)
//             types with minimums: f = fma(wm[r,s], (float)-(sum of a[t,k]), f)
//         y = fma(as[t,g], f, y)
//
// ws = d or d*sc and wm = -m or dmin*min are exact in f32. F32, F16 and BF16 weights take the
// activations as f32 instead: y = fma((float)w[r,k], x[t,k], y) for each k in order.
// Afterwards: y = y + bias[r] (when there is a bias), then y = out + y (when accumulating).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa.h"

// Elements per activation scale: 32, 64, 128 or 256. Small models have outliers among their
// activations: with SmolLM2-135M the error of the log-probabilities grows fourfold from 32 to 256.
#ifndef TORII_ACTIVATION_GROUP
#define TORII_ACTIVATION_GROUP 32
#endif

enum { TORII_STRIP_ROWS = 16, TORII_SUB_BLOCK = 32 };

// GGUF's type numbers of the weight types with kernels.
enum {
    TORII_TYPE_F32 = 0,
    TORII_TYPE_F16 = 1,
    TORII_TYPE_Q4_0 = 2,
    TORII_TYPE_Q4_1 = 3,
    TORII_TYPE_Q5_0 = 6,
    TORII_TYPE_Q5_1 = 7,
    TORII_TYPE_Q8_0 = 8,
    TORII_TYPE_Q2_K = 10,
    TORII_TYPE_Q3_K = 11,
    TORII_TYPE_Q4_K = 12,
    TORII_TYPE_Q5_K = 13,
    TORII_TYPE_Q6_K = 14,
    TORII_TYPE_IQ4_NL = 20,
    TORII_TYPE_IQ4_XS = 23,
    TORII_TYPE_BF16 = 30,
    TORII_TYPE_MXFP4 = 39,
};

// A packed matrix: a view of storage that somebody else owns. Strip s has its scales at
// scales + s * scale_stride and its quants at quants + s * quant_stride, both 64-byte aligned.
typedef struct torii_matrix {
    int32_t type;     // GGUF type number of the source rows
    int32_t rows;     // R
    int32_t columns;  // K
    int32_t strips;   // R / 16, rounded up; missing rows of the last strip are zero weights
    const uint8_t *quants;
    const uint8_t *scales;
    size_t quant_stride;  // bytes from strip to strip
    size_t scale_stride;
} torii_matrix;

// Whether there are kernels for a matrix of this type and shape: a known type, 1 <= rows,
// 1 <= columns, whole quantised blocks in a row (32 elements, 256 for IQ4_XS and the K types).
bool torii_matrix_supported(int type, int rows, int columns);

// Bytes of all strips' quants, and of all strips' scales; 0 for an unsupported matrix. The storage
// of a matrix is the sum of both.
size_t torii_matrix_quant_bytes(int type, int rows, int columns);
size_t torii_matrix_scale_bytes(int type, int rows, int columns);

// Lays the matrix out in `storage` (64-byte aligned, quant bytes + scale bytes long), which must
// outlive it. Nothing is read or written yet. False, `m` untouched: unsupported.
bool torii_matrix_init(torii_matrix *m, int type, int rows, int columns, void *storage);

// Bytes of one source row in ggml's layout; 0 for an unsupported matrix.
size_t torii_matrix_source_row_bytes(int type, int columns);

// Packs rows first_row ..< first_row + row_count from ggml's layout, rows contiguous.
// first_row is a multiple of 16, and row_count too unless the rows reach the end of the matrix.
// Touches only the strips of these rows: calls for different strips may run at the same time.
void torii_matrix_pack(
    torii_matrix *m, const void *source_rows, int first_row, int row_count);

// Whether no scale, minimum or float weight in strips first_strip ..< first_strip + strip_count is
// NaN or infinite. To be asked of every file's tensors: such weights poison every result.
bool torii_matrix_is_finite(const torii_matrix *m, int first_strip, int strip_count);

// out: [K]. One row, dequantised to f32 exactly as the file's own layout says (embedding lookup).
void torii_matrix_gather_row(const torii_matrix *m, int row, float *out);

// Activations of T tokens as the kernels read them; a view of storage that somebody else owns.
// Quantised weights read the first five arrays (filled by `quantize`), float weights `values`.
typedef struct torii_activations {
    int8_t *quants;      // [T, quant_stride]: -127 ... 127; rows 4-byte aligned (64 is faster)
    float *scales;       // [T, scale_stride]: one per activation group
    int32_t *sums;       // [T, sum_stride]: minus the sum of each 32 quants
    float *float_sums;   // [T, sum_stride]: the same as f32
    int32_t *half_sums;  // [T, 2 * sum_stride]: minus the sum of each 16 quants
    const float *values;  // [T, value_stride]: f32, only for F32, F16 and BF16 weights
    int32_t columns;      // K
    size_t quant_stride;  // elements from token to token: at least K
    size_t scale_stride;  // at least torii_activation_groups(K)
    size_t sum_stride;    // at least K / 32
    size_t value_stride;  // at least K
} torii_activations;

// Activation groups in a row of K columns.
static inline int torii_activation_groups(int columns) {
    return (columns + TORII_ACTIVATION_GROUP - 1) / TORII_ACTIVATION_GROUP;
}

// Bytes that the five quantised arrays take for T tokens of K columns (K a multiple of 32).
size_t torii_activations_bytes(int tokens, int columns);

// Lays the five arrays out in `storage` (64-byte aligned, torii_activations_bytes long).
// `values` is left NULL.
void torii_activations_init(torii_activations *a, int tokens, int columns, void *storage);

typedef struct torii_matmul_kernels {
    // x: [K] f32, K = out->columns, a multiple of 32. Quantises one token's activations into row
    // `row` of `out`: per group scale = amax / 127, quants = x * (127 / amax) rounded to nearest
    // even. A group whose amax is below 2^-100 becomes zeros; one with a NaN or infinity gets the
    // scale NaN, so that the failure shows in the result.
    void (*quantize)(const float *x, int row, torii_activations *out);

    // out: [T, out_stride]  x: [T, K]  w: [R, K]  bias: [R] or NULL.
    // Writes out[t * out_stride + r] for tokens first_token ..< first_token + token_count and the
    // rows of strips first_strip ..< first_strip + strip_count (never rows beyond R).
    // Calls for different tokens or strips may run at the same time.
    void (*multiply)(
        const torii_matrix *w, const torii_activations *x, int first_token, int token_count,
        int first_strip, int strip_count, float *out, size_t out_stride, const float *bias,
        bool accumulate);
} torii_matmul_kernels;

// The kernels of an instruction set; the scalar ones where this build has no such set.
const torii_matmul_kernels *torii_matmul_for(torii_isa isa);
