// What the tile functions of the instruction sets share. Private.
//
// A tile is a few strips x a few tokens whose results stay in registers over the whole of K.
#pragma once

#include "layout.h"
#include "tables.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { TILE_STRIPS = 2, TILE_TOKENS = 6 };  // the most of any instruction set

// How far ahead of the multiplication a tile that is alone fetches weights, to each strip, into the
// second level of the caches. Into the first they would arrive much more slowly (Zen 4: 12 GB/s to
// a core instead of 20), because it can wait for fewer lines at a time, and they would push out the
// activations.
enum { FETCH_BYTES = 4096 };

typedef struct {
    const torii_activations *x;
    const uint8_t *quants[TILE_STRIPS], *scales[TILE_STRIPS];
    size_t first_token;  // of the tile
    int columns;
    // Bytes from a strip's quants and scales to those of the one to be fetched after it; 0: nothing
    // is to be fetched.
    ptrdiff_t quants_ahead, scales_ahead;
    int tile, tiles;  // which of the tiles that meet these strips this is
    float *results;   // [TILE_STRIPS, TILE_TOKENS, 16], 64-byte aligned
} tile_operands;

typedef void (*tile_function)(const tile_operands *);

// Where the results of strip s and token t of a tile go.
INLINE float *tile_result(const tile_operands *o, int s, int t) {
    return o->results + (s * TILE_TOKENS + t) * TORII_STRIP_ROWS;
}

// Whether a tile is to fetch something while it multiplies the next block. One that is alone
// fetches all the time; several share what comes next among them, a block to each in turn, so that
// memory is asked evenly. `pause`: the blocks that the tile lets pass first, at the start its
// number.
INLINE bool is_fetching(const tile_operands *o, int *pause) {
    if (o->quants_ahead == 0 || (*pause)-- > 0) {
        return false;
    }
    *pause = o->tiles - 1;
    return true;
}

// Fetches a block (a sub-block; of float types one k) of a strip.
INLINE void fetch_block(const int type, const uint8_t *quants, const uint8_t *scales, int block) {
    const int block_bytes = type_quant_block_bytes(type);
    const int scale_bytes = type_scale_block_bytes(type) / (type_is_k(type) ? 8 : 1);
    quants += (size_t)block * (size_t)block_bytes;
    UNROLLED for (int line = 0; line < block_bytes; line += 64) {
        __builtin_prefetch(quants + line, 0, 2);
    }
    if (scale_bytes != 0) {
        __builtin_prefetch(scales + (size_t)block * (size_t)scale_bytes, 0, 2);
    }
}

// While block `block` of strip s is multiplied, fetches one that is needed later: a strip is too
// short a stream for the processor's own prefetching. A tile that is alone fetches a few kilobytes
// on, in the next strip once this one ends; several fetch the next strip, for they found this one
// fetched.
INLINE void fetch_ahead(const int type, const tile_operands *o, int s, int block) {
    const int blocks = type_is_float(type) ? o->columns : o->columns / TORII_SUB_BLOCK;
    int target = o->tiles > 1 ? block : block + FETCH_BYTES / type_quant_block_bytes(type);
    ptrdiff_t next = o->tiles > 1 ? 1 : 0;  // strip
    if (target >= blocks) {
        target -= blocks;
        next = 1;
    }
    fetch_block(
        type, o->quants[s] + next * o->quants_ahead, o->scales[s] + next * o->scales_ahead,
        target);
}
