#pragma once
// Vector operations of a forward pass: norms, rotary embedding, activations, attention over KV
// blocks.
//
// Each instruction set has one table of these functions, compiled from one body
// (`ops_body.h`, `activation_body.h`, `attention_body.h` …) in vectors of 16 lanes with explicit
// fused multiply-adds and a fixed order of every sum. So the tables agree bit for bit, and a row's
// result does not depend on the rows computed beside it.

#include "isa.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Positions in a KV block.
#define TORII_BLOCK_TOKENS 32
/// Tokens that share one vector of keys.
#define TORII_KEY_LANES 16
/// Most query rows that one call of attend takes: they share the loads of keys and values.
#define TORII_ATTENTION_ROWS 6
/// Largest head dimension; head dimensions are multiples of 16.
#define TORII_HEAD_DIMENSION_MAX 256
/// Positions in a piece, which begins at a multiple of that. Attention adds up what a row sees of
/// each piece as if there were no other, then the pieces in order: so several threads can work on
/// one row, with the same result.
#define TORII_ATTENTION_PIECE 512
/// Floats behind the D sums of a piece: its largest score, the sum of its weights, and room to keep
/// the next piece aligned.
#define TORII_PIECE_TAIL 16

/// Dimensions of a key or value in bytes that share a scale.
#define TORII_CACHE_GROUP 32

/// How a block holds the keys and values of one head, as integers: bytes, or words of 16 bits. Keys
/// [2][D / 2][16][2], a token to a lane; values [16][D][2], a pair of tokens side by side: what one
/// dot product of pairs takes. Then the scales of the keys [2][G][16] and of the values [G][32] as
/// f16: a number is its integer times the scale of its token and group. A group is a head's whole
/// key or value in words, TORII_CACHE_GROUP dimensions in bytes.
typedef enum {
    TORII_CACHE_WORDS,        ///< keys and values i16
    TORII_CACHE_BYTES,        ///< keys and values i8
    TORII_CACHE_BYTE_VALUES,  ///< keys i16, values i8
} torii_cache_type;

/// Largest magnitudes of a stored byte and of the words. Keys have all bits, for a model whose keys
/// have biases needs them (Qwen2: a few dimensions are a hundred times larger than the others);
/// more products of values than of keys fit into 32 bits in return.
#define TORII_BYTE_LIMIT 127
#define TORII_KEY_LIMIT 32767
#define TORII_VALUE_LIMIT 8191

static inline bool torii_cache_has_key_bytes(torii_cache_type type) {
    return type == TORII_CACHE_BYTES;
}

static inline bool torii_cache_has_value_bytes(torii_cache_type type) {
    return type != TORII_CACHE_WORDS;
}

/// Dimensions that share a scale, of d.
static inline size_t torii_cache_group_length(bool are_bytes, int d) {
    return are_bytes && d > TORII_CACHE_GROUP ? TORII_CACHE_GROUP : (size_t)d;
}

/// Groups of a head's dimensions, the last of which may be a part of one.
static inline size_t torii_cache_groups(bool are_bytes, int d) {
    size_t length = torii_cache_group_length(are_bytes, d);
    return ((size_t)d + length - 1) / length;
}

/// Bytes of one head's keys, or of its values, in one block.
static inline size_t torii_cache_part_bytes(bool are_bytes, int d) {
    size_t number = are_bytes ? sizeof(int8_t) : sizeof(int16_t);
    return TORII_BLOCK_TOKENS
        * ((size_t)d * number + torii_cache_groups(are_bytes, d) * sizeof(uint16_t));
}

/// Bytes of one head's keys and values in one block.
static inline size_t torii_cache_head_bytes(torii_cache_type type, int d) {
    return torii_cache_part_bytes(torii_cache_has_key_bytes(type), d)
        + torii_cache_part_bytes(torii_cache_has_value_bytes(type), d);
}

/// Where the keys and values of one sequence, one layer and one key/value head lie.
typedef struct torii_head_cache {
    uint8_t *base;               ///< block 0's part of this layer and head
    size_t block_stride;         ///< bytes from one block to the next
    const int32_t *block_table;  ///< block of positions 0..<32, 32..<64, ...
    int head_dimension;          ///< D, a multiple of 16
    torii_cache_type type;
} torii_head_cache;

/// Query rows of one key/value head, each with the positions it may see.
typedef struct torii_query_rows {
    /// What this thread attends next, so that its first keys and values are on their way; or NULL.
    const torii_head_cache *next;
    int32_t next_first, next_last;             ///< the positions that are needed of it
    int row_count;                             ///< 1 ... TORII_ATTENTION_ROWS
    const float *query[TORII_ATTENTION_ROWS];  ///< [D], rotated, scaled by 1/sqrt(D) or the like
    float *output[TORII_ATTENTION_ROWS];       ///< [D], of a piece [D + TORII_PIECE_TAIL]
    int32_t first[TORII_ATTENTION_ROWS];       ///< sees positions first ... last, at least one
    int32_t last[TORII_ATTENTION_ROWS];
    /// The row gets what a piece adds up to, for merge_pieces; it sees positions of one piece only.
    bool is_piece[TORII_ATTENTION_ROWS];
    float soft_cap;      ///< scores s become soft_cap * tanh(s / soft_cap); 0: they stay
    bool has_distances;  ///< scores lose slope * |position - key's position|
    bool has_sinks;      ///< the sum of a row's weights gets exp(sink): a key without a value
    int32_t position[TORII_ATTENTION_ROWS];  ///< the row's own, with distances
    float slope[TORII_ATTENTION_ROWS];       ///< with distances
    float sink[TORII_ATTENTION_ROWS];        ///< with sinks
} torii_query_rows;

/// What stands between the products of a feed-forward layer.
typedef enum {
    TORII_ACTIVATION_SILU,      ///< x / (1 + exp(-x))
    TORII_ACTIVATION_GELU,      ///< x Phi(x), Phi by the error function
    TORII_ACTIVATION_GELU_TANH, ///< x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2
    /// min(x, 7) / (1 + exp(-1.702 min(x, 7))), times 1 + the other operand within -7 ... 7
    TORII_ACTIVATION_CLAMPED,
} torii_activation;

typedef struct torii_vector_kernels {
    /// out: [n]  x: [n]  weight: [n].  out = x / sqrt(mean(x^2) + epsilon) * weight. out may be x.
    void (*rms_norm)(const float *x, const float *weight, float epsilon, int n, float *out);

    /// out: [n]  x: [n]  weight: [n]  bias: [n] or NULL.  With the mean m and the mean square v of
    /// x - m: out = (x - m) / sqrt(v + epsilon) * weight + bias. out may be x.
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float epsilon,
                       int n, float *out);

    /// gate: [n]  up: [n] or NULL.  gate = activation(gate), times up if there is one.
    void (*activate)(torii_activation activation, float *gate, const float *up, int n);

    /// out: [n]  x: [n].  out += scale * x, fused.
    void (*add)(float *out, const float *x, float scale, int n);

    /// x: [n].  x = scale * x, then cap * tanh(x / cap) unless cap is 0.
    void (*scale_and_cap)(float *x, float scale, float cap, int n);

    /// head: [D]  cosines, sines: [rotated / 2].  Rotates dimensions (i, i + rotated/2) and
    /// multiplies all D dimensions by scale.
    void (*rotate)(float *head, const float *cosines, const float *sines, int rotated, int d,
                   float scale);

    /// key: [D], rotated  value: [D].  Writes them at `position`: a group's scale is its largest
    /// magnitude / the limit of its integers as f16, or the next f16 if that would be too small;
    /// the integers are the numbers divided by that, rounded to nearest even. Beyond the range of
    /// f16 numbers saturate, NaN becomes 0. So whatever one sequence computes, a block that another
    /// gets later holds no poison.
    void (*store_key_value)(const torii_head_cache *cache, int position, const float *key,
                            const float *value);

    /// Softmax attention over the stored keys and values, in tiles of 64 absolute positions.
    /// A query is rounded to multiples of 1/8191 of its largest number, a tile's weights times the
    /// scales of its values to multiples of 1/16383 of their largest; so sums of products are exact
    /// in 32 bits, and what is added up in f32 has a fixed order. Of a query NaN counts as 0. Tiles
    /// that no row sees are not read. A row whose `is_piece` is set gets the piece alone.
    void (*attend)(const torii_head_cache *cache, const torii_query_rows *rows);

    /// pieces: [count][D + TORII_PIECE_TAIL], a row's from attend, in order, at least one
    /// sink: the row's, or NULL  out: [D].  Puts them together: what attend says of all at once.
    void (*merge_pieces)(const float *pieces, int count, int d, const float *sink, float *out);

    /// out: [n]  x: [n].  out = exp(x); below -87 it is 0, above 88 it is exp(88).
    void (*exponential)(const float *x, int n, float *out);
} torii_vector_kernels;

/// The table for an instruction set that this machine supports.
const torii_vector_kernels *torii_vector_kernels_for(torii_isa isa);
