// How work is split among threads: by index, contiguous, nearly even, or piece by piece.
#pragma once

#include "matmul.h"
#include <stdint.h>

typedef struct {
    int first;
    int end;
} row_range;

typedef struct {
    int first;
    int count;
} strip_range;

static inline row_range part_of_rows(int count, int thread, int thread_count) {
    return (row_range){
        (int)((int64_t)count * thread / thread_count),
        (int)((int64_t)count * (thread + 1) / thread_count),
    };
}

// Matrix products work on pairs of strips best, so pairs are not cut.
#define STRIP_PAIR 2

static inline int64_t pair_bytes(const torii_matrix *m) {
    return (int64_t)(m->quant_stride + m->scale_stride) * STRIP_PAIR;
}

static inline int pair_count(const torii_matrix *m) {
    return (m->strips + STRIP_PAIR - 1) / STRIP_PAIR;
}

// The pairs of strips of all `count` matrices.
static inline int pairs_of_all(const torii_matrix *const *matrices, int count) {
    int pairs = 0;
    for (int m = 0; m < count; m++) pairs += pair_count(matrices[m]);
    return pairs;
}

// The strips of matrices[index] among so many pairs, counted through all matrices.
static inline strip_range strips_in(const torii_matrix *const *matrices, int index,
                                    row_range pairs) {
    const torii_matrix *m = matrices[index];
    int before = pairs_of_all(matrices, index);
    int first = (pairs.first - before) * STRIP_PAIR, end = (pairs.end - before) * STRIP_PAIR;
    if (first < 0) first = 0;
    if (end > m->strips) end = m->strips;
    return (strip_range){first, end > first ? end - first : 0};
}

// Pairs of a matrix that begin before byte `limit` of the matrix.
static inline int pairs_before(const torii_matrix *m, int64_t limit) {
    if (limit <= 0) return 0;
    int64_t pairs = (limit + pair_bytes(m) - 1) / pair_bytes(m);
    return pairs < pair_count(m) ? (int)pairs : pair_count(m);
}

// The strips of matrices[index] that belong to a thread when the bytes of all `count` matrices,
// one behind the other, are cut into even parts.
static inline strip_range part_of_matrices(const torii_matrix *const *matrices, int count,
                                           int index, int thread, int thread_count) {
    int64_t total = 0, start = 0;
    for (int m = 0; m < count; m++) {
        if (m == index) start = total;
        total += pair_bytes(matrices[m]) * pair_count(matrices[m]);
    }
    const torii_matrix *m = matrices[index];
    int first = pairs_before(m, total * thread / thread_count - start) * STRIP_PAIR;
    int end = pairs_before(m, total * (thread + 1) / thread_count - start) * STRIP_PAIR;
    if (first > m->strips) first = m->strips;
    if (end > m->strips) end = m->strips;
    return (strip_range){first, end - first};
}
