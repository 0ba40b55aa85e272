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
    /// residual: [T, E] = rows of matrix 0 that the tokens name.
    TORII_STEP_EMBED,
    /// output i: [rows, out_stride] = (normalised) input × matrix i + bias i, or added to output i.
    TORII_STEP_PROJECT,
    /// output 0: [rows, F] = silu(input × matrix 0) * (input × matrix 1); output 1 is scratch.
    TORII_STEP_GATED_PROJECT,
    /// Rotates queries and keys of output 0 = [T, (H + 2K) D] in place; stores keys and values.
    TORII_STEP_ROTATE,
    /// output 0: [rows, H D] = attention of the queries in input = [T, (H + 2K) D]. With
    /// selected_rows also copies the selected rows of residual into selected_residual.
    TORII_STEP_ATTEND,
} torii_step_kind;

typedef struct torii_step {
    torii_step_kind kind;
    int32_t layer;       ///< of the KV cache: ROTATE, ATTEND
    bool selected_rows;  ///< the rows are the batch's selected rows, packed, instead of all
    bool accumulate;     ///< PROJECT: add to the outputs
    bool needs_quants;   ///< some matrix is quantised
    bool needs_values;   ///< some matrix is F32, F16 or BF16
    int32_t columns;     ///< of input, as PROJECT reads it
    const float *input;
    size_t input_stride;       ///< floats from row to row
    const float *norm_weight;  ///< [columns], or NULL: no norm
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
    int32_t rotated_dimensions;    ///< even, at most D
    float query_scale;             ///< 1/sqrt(D)
    float rms_epsilon;
    const float *cosines;  ///< [positions, rotated / 2]
    const float *sines;
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
