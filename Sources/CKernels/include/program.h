#pragma once
// The forward pass of a model as a flat program: an array of steps, built once, that all threads of
// a pool interpret together for one batch after another. Nothing is allocated and no lock is taken
// during a run.
//
// Letters: T rows (tokens) of the batch, S selected rows (those whose logits are wanted),
// E embedding length, H query heads, K key/value heads, D head dimension, F feed-forward length,
// V vocabulary.

#include "matmul.h"
#include "ops.h"
#include "thread_pool.h"
#include <stdbool.h>
#include <stdint.h>

/// Matrices that one step multiplies with the same activations.
#define TORII_STEP_MATRICES 3

/// Up to this many rows every thread prepares the activations for itself: cheaper than waiting.
#define TORII_PRIVATE_ROWS 4

typedef enum {
    TORII_NORM_NONE,
    TORII_NORM_RMS,
    TORII_NORM_LAYER,
} torii_norm_kind;

/// How rows are normalised; all zeros: not at all.
typedef struct torii_norm {
    torii_norm_kind kind;
    const float *weight;  ///< [columns]
    const float *bias;    ///< [columns] or NULL; of a layer norm
} torii_norm;

/// What a position does to queries and keys.
typedef struct torii_rotary {
    int32_t rotated_dimensions;  ///< even, at most D
    const float *cosines;        ///< [positions, rotated / 2]
    const float *sines;
    const float *query_factors;  ///< [positions]: multiply the queries; or NULL
} torii_rotary;

/// What layers of attention differ in.
typedef struct torii_attention {
    int32_t cache_layer;
    const torii_rotary *rotary;  ///< NULL: queries and keys do not know their positions
    float query_scale;
    torii_norm query_norm;  ///< of each head, [D], before the rotation
    torii_norm key_norm;
    /// A row sees this many positions before and after its own, none outside its sequence. After is
    /// 0 in a decoder. Otherwise a batch must hold the sequence as one entry.
    int32_t visible_before;
    int32_t visible_after;
    float soft_cap;       ///< of the scores; 0: none
    const float *sinks;   ///< [H]: see torii_query_rows; or NULL
    const float *slopes;  ///< [H]: what a unit of distance costs; or NULL
} torii_attention;

typedef enum {
    /// residual: [T, E] = norm(scale * row of matrix 0 that the token names + row of matrix 1 that
    /// the position names + bias 0); matrix 1 and bias 0 may be missing.
    TORII_STEP_EMBED,
    /// output 0: [rows, columns] = norm(input).
    TORII_STEP_NORMALIZE,
    /// output i: [rows, out_stride] = norm(input) x matrix i + bias i, or added to output i; then
    /// scaled and capped.
    TORII_STEP_PROJECT,
    /// output 0: [rows, F] = activation(norm(input) x matrix 0), times norm(input) x matrix 1 if
    /// there is one; output 1 is scratch.
    TORII_STEP_ACTIVATED_PROJECT,
    /// Normalises heads, rotates queries and keys of output 0 = [T, (H + 2K) D] in place; stores
    /// keys and values.
    TORII_STEP_ROTATE,
    /// output 0: [rows, H D] = attention of the queries in input = [T, (H + 2K) D]. With
    /// selected_rows also copies the selected rows of residual into selected_residual.
    TORII_STEP_ATTEND,
    /// output 0: [rows, columns] = result_norm(output 0 + scale * norm(input)).
    TORII_STEP_JOIN,
} torii_step_kind;

typedef struct torii_step {
    torii_step_kind kind;
    bool selected_rows;  ///< the rows are the batch's selected rows, packed, instead of all
    bool accumulate;     ///< PROJECT: add to the outputs
    bool needs_quants;   ///< some matrix is quantised
    bool needs_values;   ///< some matrix is F32, F16 or BF16
    int32_t columns;     ///< of input
    const float *input;
    size_t input_stride;    ///< floats from row to row
    torii_norm norm;        ///< of the input
    torii_norm result_norm; ///< JOIN
    float scale;            ///< 1: none. EMBED, PROJECT, JOIN
    float cap;              ///< 0: none. PROJECT
    torii_activation activation;
    torii_attention attention;  ///< ROTATE, ATTEND
    int32_t matrix_count;
    const torii_matrix *matrices[TORII_STEP_MATRICES];
    const float *biases[TORII_STEP_MATRICES];  ///< [rows of the matrix], or NULL
    float *outputs[TORII_STEP_MATRICES];
    size_t output_stride;  ///< floats from row to row, of every output
} torii_step;

/// A model's program with its scratch memory. The memory belongs to whoever built it.
typedef struct torii_program {
    const torii_step *steps;
    int32_t step_count;
    const torii_vector_kernels *vector;
    const torii_matmul_kernels *matmul;
    int32_t embedding_length;      ///< E
    int32_t head_count;            ///< H
    int32_t key_value_head_count;  ///< K
    int32_t head_dimension;        ///< D
    float norm_epsilon;
    float *residual;               ///< [T, E]
    float *selected_residual;      ///< [S, E]
    uint8_t *shared_activations;   ///< torii_activations_bytes(T, widest input)
    float *shared_values;          ///< [T, widest input]; NULL without float weights
    uint8_t *private_activations;  ///< one piece of private_stride bytes for each thread: quantised
                                   ///< activations of TORII_PRIVATE_ROWS rows, then their values
    size_t private_stride;
    size_t private_values_offset;
} torii_program;

/// Consecutive rows of one sequence.
typedef struct torii_batch_entry {
    int32_t first_row;
    int32_t row_count;
    int32_t first_selected;  ///< index of its first selected row among the batch's
    int32_t selected_count;
    const int32_t *block_table;
} torii_batch_entry;

typedef struct torii_batch {
    int32_t row_count;             ///< T
    const int32_t *tokens;         ///< [T]
    const int32_t *positions;      ///< [T]
    int32_t selected_count;        ///< S
    const int32_t *selected_rows;  ///< [S], ascending
    int32_t entry_count;
    const torii_batch_entry *entries;
    uint8_t *cache;       ///< KV blocks: [layer][K] x torii_cache_head_bytes
    size_t block_stride;  ///< bytes of a KV block
    torii_cache_type cache_type;
} torii_batch;

/// Runs every step on all threads of the pool; returns when the last is done. The results do not
/// depend on the pool's size, nor a row's on the other rows.
void torii_program_run(const torii_program *program, const torii_batch *batch, torii_pool *pool);
