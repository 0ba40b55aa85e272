// What the tile functions of the x86 instruction sets share. Private.
//
// A tile is a few strips x a few tokens whose results stay in registers over the whole of K.
#pragma once

#include "layout.h"
#include "tables.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { TILE_STRIPS = 4, TILE_TOKENS = 4 };  // the most of any instruction set

typedef struct {
    const torii_activations *x;
    const uint8_t *quants[TILE_STRIPS], *scales[TILE_STRIPS];
    size_t first_token;  // of the tile
    int columns;
    ptrdiff_t ahead;  // bytes from a strip to the one to be fetched meanwhile; 0: none
    float *results;   // [TILE_STRIPS, TILE_TOKENS, 16], 64-byte aligned
} tile_operands;

typedef void (*tile_function)(const tile_operands *);

// Where the results of strip s and token t of a tile go.
INLINE float *tile_result(const tile_operands *o, int s, int t) {
    return o->results + (s * TILE_TOKENS + t) * TORII_STRIP_ROWS;
}

// While sub-block `sub_block` of strip s is being multiplied, fetches the same one of the strip
// `ahead`. For one token only: with more the processor's own prefetching has time enough.
INLINE void fetch_ahead(const int type, const tile_operands *o, int s, int sub_block) {
    const int block_bytes = type_quant_block_bytes(type);
    const uint8_t *next = o->quants[s] + o->ahead + (size_t)sub_block * (size_t)block_bytes;
    if (o->ahead != 0) {
        UNROLLED for (int line = 0; line < block_bytes; line += 64) {
            __builtin_prefetch(next + line, 0, 3);
        }
    }
}
