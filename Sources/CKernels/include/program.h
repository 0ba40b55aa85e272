#pragma once
// The forward pass of a model as a flat program: an array of steps, built once, that all threads of
// a pool interpret together for one batch after another. Nothing is allocated and no lock is taken
// during a run.
//
// Letters: T rows (tokens) of the batch, S selected rows (those whose logits are wanted),
// E embedding length, H query heads, K key/value heads, D head dimension, F feed-forward length,
// V vocabulary; X experts of a layer, A of which are active for a row; R rank of an adapter's
// factors.

#include "matmul.h"
#include "ops.h"
#include "thread_pool.h"
#include <stdbool.h>
#include <stdint.h>

/// Matrices that one step multiplies with the same activations.
#define TORII_STEP_MATRICES 3

/// Up to this many rows every thread prepares the activations for itself: cheaper than waiting.
#define TORII_PRIVATE_ROWS 4

/// From so many rows on threads take parts of attention as they get to them, so that one which
/// loses time to others of the machine doesn't keep the rest waiting. With fewer each has its part,
/// so that query heads which share keys and values mostly stay together.
#define TORII_SHARED_ROWS 64

/// The largest rank of an adapter's factors.
#define TORII_RANK_MAX 256

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
    /// A row sees this many positions before and after its own, none outside its sequence. After
    /// is 0 in a decoder.
    int32_t visible_before;
    int32_t visible_after;
    float soft_cap;       ///< of the scores; 0: none
    const float *sinks;   ///< [H]: see torii_query_rows; or NULL
    const float *slopes;  ///< [H]: what a unit of distance costs; or NULL
} torii_attention;

/// How a layer's rows find their experts. A row's choices are in descending order of their logits,
/// the lower expert first where they are equal. Slots are the choices of all rows ordered by
/// expert, then row: an expert's are neighbours.
typedef struct torii_routing {
    int32_t expert_count;  ///< X
    int32_t active_count;  ///< A
    bool normalizes;       ///< a row's weights sum to 1; else they are shares of all experts
    float weight_scale;    ///< what all weights are multiplied with
    int32_t *experts;      ///< [rows, A]: the chosen experts
    float *weights;        ///< [rows, A]
    int32_t *slots;        ///< [rows, A]: where the choice is among the slots
    int32_t *slot_rows;    ///< [rows * A]: whose choice a slot is
    int32_t *first_slots;  ///< [X + 1]: of each expert, and the number of slots
} torii_routing;

/// What an adapter adds to a product with a matrix [out, in]: scale * up (down x).
typedef struct torii_low_rank {
    const torii_matrix *down;  ///< [R, in], of floats; NULL: nothing is added
    const torii_matrix *up;    ///< [out, R], of floats
    float scale;
} torii_low_rank;

typedef enum {
    /// residual: [T, E] = norm(scale * row of matrix 0 that the token names + row of matrix 1 that
    /// the position names + bias 0); matrix 1 and bias 0 may be missing.
    TORII_STEP_EMBED,
    /// output 0: [rows, columns] = norm(input).
    TORII_STEP_NORMALIZE,
    /// output i: [rows, out_stride] = norm(input) x matrix i + bias i, or added to output i, and
    /// what the row's adapter adds; then scaled and capped.
    TORII_STEP_PROJECT,
    /// output 0: [rows, F] = activation(norm(input) x matrix 0), times norm(input) x matrix 1 if
    /// there is one, both with what the row's adapter adds; output 1 is scratch.
    TORII_STEP_ACTIVATED_PROJECT,
    /// Normalises heads, rotates queries and keys of output 0 = [T, (H + 2K) D] in place; stores
    /// keys and values.
    TORII_STEP_ROTATE,
    /// output 0: [rows, H D] = attention of the queries in input = [T, (H + 2K) D]. With
    /// selected_rows also copies the selected rows of residual into selected_residual.
    TORII_STEP_ATTEND,
    /// output 0: [rows, columns] = result_norm(output 0 + scale * norm(input)); with row_gates g
    /// the scale of a row is multiplied with 1 / (1 + exp(-g)).
    TORII_STEP_JOIN,
    /// Chooses the experts of each row by the logits in input = [rows, X]; fills in the routing.
    TORII_STEP_ROUTE,
    /// output 0: [slots, F] = activation(norm(input row) x its expert's part of matrix 0) times
    /// norm(input row) x its part of matrix 1; output 1 is scratch. An expert's parts are rows of
    /// the matrices and elements of the biases, as many for each.
    TORII_STEP_EXPERTS_ACTIVATED_PROJECT,
    /// output 0: [slots, E] = input [slots, F] x the expert's part of matrix 0.
    TORII_STEP_EXPERTS_PROJECT,
    /// output 0: [rows, E] += the sum of the row's slots of input = [slots, E] by their weights, or
    /// becomes it unless accumulate.
    TORII_STEP_EXPERTS_SUM,
} torii_step_kind;

typedef struct torii_step {
    torii_step_kind kind;
    bool selected_rows;  ///< the rows are the batch's selected rows, packed, instead of all
    bool accumulate;     ///< PROJECT, EXPERTS_SUM: add to the outputs
    bool needs_quants;   ///< some matrix is quantised
    bool needs_values;   ///< some matrix is F32, F16 or BF16, or the step refines
    bool refines;        ///< PROJECT, ACTIVATED_PROJECT: Q8_0 matrices are also multiplied with
                         ///< what the quantised rows have lost
    int32_t columns;     ///< of input
    const float *input;
    size_t input_stride;    ///< floats from row to row
    torii_norm norm;        ///< of the input
    const int32_t *order;   ///< [columns]: which column of the (normalised) input each column of a
                            ///< quantised matrix is for; NULL: its own. PROJECT, ACTIVATED_PROJECT
    torii_norm result_norm; ///< JOIN
    float scale;            ///< 1: none. EMBED, PROJECT, JOIN
    float cap;              ///< 0: none. PROJECT
    torii_activation activation;
    torii_attention attention;     ///< ROTATE, ATTEND
    const torii_routing *routing;  ///< ROUTE, EXPERTS_...
    const float *row_gates;        ///< JOIN: [rows, row_gate_stride], of which the first, or NULL
    size_t row_gate_stride;
    int32_t matrix_count;
    const torii_matrix *matrices[TORII_STEP_MATRICES];
    const float *biases[TORII_STEP_MATRICES];  ///< [rows of the matrix], or NULL
    /// PROJECT, ACTIVATED_PROJECT: where adapters have what they add; -1: nowhere
    int32_t places[TORII_STEP_MATRICES];
    float *outputs[TORII_STEP_MATRICES];
    size_t output_stride;  ///< floats from row to row, of every output
} torii_step;

/// What a thread of a run spends its time on.
typedef enum {
    TORII_TIME_PRODUCTS,   ///< with matrices, those of adapters too
    TORII_TIME_ATTENTION,  ///< over keys and values
    TORII_TIME_REST,       ///< norms, rounding of rows, rotations, activations, sums
    TORII_TIME_COUNT,
} torii_time;

/// A thread's time, added up over runs. What is missing of a run's it waited.
typedef struct torii_thread_times {
    int64_t nanoseconds[TORII_TIME_COUNT];
} torii_thread_times;

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
    uint8_t *shared_activations;   ///< torii_activations_bytes(T or slots, widest input)
    float *shared_values;          ///< [T or slots, widest input]
    uint8_t *shared_remainders;    ///< as shared_activations, if a step refines
    uint8_t *private_activations;  ///< one piece of private_stride bytes for each thread: quantised
                                   ///< activations of TORII_PRIVATE_ROWS rows, their values, their
                                   ///< remainders, if a step refines, and one row more
    size_t private_stride;
    size_t private_values_offset;
    size_t private_remainders_offset;
    size_t private_row_offset;
    /// Scratch of attention steps, for the pieces of rows that threads share out if there is room
    /// for all of them. Other steps may use it too.
    float *attention_pieces;
    size_t attention_piece_floats;
    float *low_ranks;  ///< [T, TORII_STEP_MATRICES, TORII_RANK_MAX]: rows between an adapter's
                       ///< factors
    torii_thread_times *times;  ///< [threads of the pool]; NULL: nobody asks
} torii_program;

/// Consecutive rows of one sequence.
typedef struct torii_batch_entry {
    int32_t first_row;
    int32_t row_count;
    int32_t first_selected;  ///< index of its first selected row among the batch's
    int32_t selected_count;
    /// Positions of the sequence that have keys and values once these rows have theirs: what rows
    /// see. At least up to the last row's.
    int32_t position_count;
    const int32_t *block_table;
    const torii_low_rank *adapter;  ///< by place; NULL: none
} torii_batch_entry;

typedef struct torii_batch {
    int32_t row_count;             ///< T
    const int32_t *tokens;         ///< [T]
    const int32_t *positions;      ///< [T]
    int32_t selected_count;        ///< S
    const int32_t *selected_rows;  ///< [S], ascending
    int32_t entry_count;
    const torii_batch_entry *entries;
    bool has_adapters;    ///< some entry has one
    uint8_t *cache;       ///< KV blocks: [layer][K] x torii_cache_head_bytes
    size_t block_stride;  ///< bytes of a KV block
    torii_cache_type cache_type;
} torii_batch;

/// Runs every step on threads 0 ..< thread_count of the pool; returns when the last is done. The
/// results do not depend on the number of threads, nor a row's on the other rows.
torii_pool_times torii_program_run(const torii_program *program, const torii_batch *batch,
                                   torii_pool *pool, int thread_count);
