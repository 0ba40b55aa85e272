// How work is split among threads: by index, contiguous, nearly even, or pair by pair of strips.
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

// Pair number `index` of all `count` matrices, one behind the other: sets the matrix's index and
// returns its strips; none behind the last.
static inline strip_range pair_of_matrices(const torii_matrix *const *matrices, int count,
                                           int index, int *matrix) {
    for (int m = 0; m < count; m++) {
        int pairs = pair_count(matrices[m]);
        if (index < pairs) {
            int first = index * STRIP_PAIR, rest = matrices[m]->strips - first;
            *matrix = m;
            return (strip_range){first, rest < STRIP_PAIR ? rest : STRIP_PAIR};
        }
        index -= pairs;
    }
    return (strip_range){0, 0};
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
