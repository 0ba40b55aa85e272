// Holds kernels against the scalar ones, bit for bit: every weight type, odd shapes, few tokens and
// many, and attention over every type of cache. Built by check-arm for Arm, and by check-avxvnni.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matmul.h"
#include "ops.h"

#if defined(__aarch64__)
#define COMPARED TORII_ISA_NEON
#define NEEDED TORII_ISA_NEON
#else
#define COMPARED TORII_ISA_AVXVNNI
#define NEEDED TORII_ISA_AVX2  // what it lacks of the other is emulated
#endif

static uint32_t state = 1;

static uint32_t random_bits(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static float random_float(void) { return (float)random_bits() / 0x1p23f - 1.0f; }

static int failures = 0, compared = 0;

// NaNs may differ in their payloads: they come from random scales that no file's matrix may have.
static bool same(const float *one, const float *other, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(one[i]) && isnan(other[i])) continue;
        compared++;
        if (memcmp(&one[i], &other[i], sizeof(float)) != 0) return false;
    }
    return true;
}

static void check(bool holds, const char *what, int type, int rows, int columns, int tokens) {
    if (holds) return;
    printf("FAIL %s: type %d, [%d, %d], %d tokens\n", what, type, rows, columns, tokens);
    failures++;
}

static void *aligned(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == NULL) exit(2);
    return memory;
}

static void compare_products(int type, int rows, int columns, int tokens) {
    const torii_matmul_kernels *scalar = torii_matmul_for(TORII_ISA_SCALAR);
    const torii_matmul_kernels *compared_kernels = torii_matmul_for(COMPARED);
    size_t source_bytes = torii_matrix_source_row_bytes(type, columns) * (size_t)rows;
    uint8_t *source = aligned(source_bytes);
    for (size_t i = 0; i < source_bytes; i++) source[i] = (uint8_t)random_bits();
    size_t quant_bytes = torii_matrix_quant_bytes(type, rows, columns);
    void *storage = aligned(quant_bytes + torii_matrix_scale_bytes(type, rows, columns));
    torii_matrix matrix;
    torii_matrix_init(&matrix, type, rows, columns, storage);
    torii_matrix_pack(&matrix, source, 0, rows);

    size_t value_count = (size_t)tokens * (size_t)columns;
    size_t out_count = (size_t)tokens * (size_t)rows;
    float *values = aligned(value_count * sizeof(float));
    for (size_t i = 0; i < value_count; i++) values[i] = random_float();
    size_t bytes = torii_activations_bytes(tokens, columns);
    void *one = aligned(bytes), *other = aligned(bytes);
    memset(one, 0, bytes);
    memset(other, 0, bytes);
    torii_activations x, y;
    torii_activations_init(&x, tokens, columns, one);
    torii_activations_init(&y, tokens, columns, other);
    for (int t = 0; columns % TORII_SUB_BLOCK == 0 && t < tokens; t++) {
        scalar->quantize(values + (size_t)t * (size_t)columns, t, &x);
        compared_kernels->quantize(values + (size_t)t * (size_t)columns, t, &y);
    }
    check(memcmp(one, other, bytes) == 0, "quantize", type, rows, columns, tokens);
    x.values = values;
    x.value_stride = (size_t)columns;

    float *expected = aligned(out_count * sizeof(float));
    float *actual = aligned(out_count * sizeof(float));
    for (size_t i = 0; i < out_count; i++) expected[i] = actual[i] = random_float();
    for (int round = 0; round < 2; round++) {
        const bool accumulate = round == 1;
        scalar->multiply(
            &matrix, &x, 0, tokens, 0, matrix.strips, expected, (size_t)rows, values, accumulate);
        compared_kernels->multiply(
            &matrix, &x, 0, tokens, 0, matrix.strips, actual, (size_t)rows, values, accumulate);
        check(same(expected, actual, out_count), "multiply", type, rows, columns, tokens);
    }
    free(source), free(storage), free(values), free(one), free(other), free(expected), free(actual);
}

// More than a piece of attention.
enum {
    POSITIONS = TORII_ATTENTION_PIECE + 54,
    BLOCKS = (POSITIONS + TORII_BLOCK_TOKENS - 1) / TORII_BLOCK_TOKENS
};

// Attends the rows of q piece by piece: what attend says of them all at once.
static void attend_pieces(const torii_vector_kernels *kernels, const torii_head_cache *cache,
                          const torii_query_rows *q,
                          float outputs[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX]) {
    int d = cache->head_dimension;
    size_t width = (size_t)d + TORII_PIECE_TAIL;
    float *pieces = aligned(TORII_ATTENTION_ROWS * 2 * width * sizeof(float));
    for (int p = 0; p < 2; p++) {
        torii_query_rows part = *q;
        for (int r = 0; r < q->row_count; r++) {
            part.is_piece[r] = true;
            part.output[r] = pieces + (size_t)(2 * r + p) * width;
            if (p == 0) part.last[r] = TORII_ATTENTION_PIECE - 1;
            if (p == 1) part.first[r] = TORII_ATTENTION_PIECE;
        }
        kernels->attend(cache, &part);
    }
    for (int r = 0; r < q->row_count; r++) {
        kernels->merge_pieces(pieces + (size_t)(2 * r) * width, 2, d,
                              q->has_sinks ? &q->sink[r] : NULL, outputs[r]);
    }
    free(pieces);
}

static void compare_attention(torii_cache_type type, int d, int rows, bool bends) {
    const torii_vector_kernels *kernels[2] = {
        torii_vector_kernels_for(TORII_ISA_SCALAR), torii_vector_kernels_for(COMPARED)};
    int32_t table[BLOCKS];
    for (int b = 0; b < BLOCKS; b++) table[b] = BLOCKS - 1 - b;
    size_t head_bytes = torii_cache_head_bytes(type, d);
    float queries[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
    float keys[POSITIONS][TORII_HEAD_DIMENSION_MAX], values[POSITIONS][TORII_HEAD_DIMENSION_MAX];
    for (int i = 0; i < d; i++) {
        for (int r = 0; r < rows; r++) queries[r][i] = random_float();
        for (int p = 0; p < POSITIONS; p++) keys[p][i] = random_float();
        for (int p = 0; p < POSITIONS; p++) values[p][i] = random_float();
    }
    uint8_t *stored[2];
    float outputs[2][TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
    float in_pieces[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
    for (int side = 0; side < 2; side++) {
        stored[side] = aligned(head_bytes * BLOCKS);
        memset(stored[side], 0, head_bytes * BLOCKS);
        torii_head_cache cache = {
            .base = stored[side], .block_stride = head_bytes, .block_table = table,
            .head_dimension = d, .type = type};
        for (int p = 0; p < POSITIONS; p++) {
            kernels[side]->store_key_value(&cache, p, keys[p], values[p]);
        }
        torii_query_rows q = {.row_count = rows};
        for (int r = 0; r < rows; r++) {
            q.query[r] = queries[r];
            q.output[r] = outputs[side][r];
            q.first[r] = bends ? 20 : 0;
            q.last[r] = POSITIONS - rows + r;
            q.position[r] = q.last[r];
            q.slope[r] = 0.01f;
            q.sink[r] = 0.5f;
        }
        q.soft_cap = bends ? 5 : 0;
        q.has_distances = q.has_sinks = bends;
        kernels[side]->attend(&cache, &q);
        if (side == 1) attend_pieces(kernels[side], &cache, &q, in_pieces);
    }
    check(memcmp(stored[0], stored[1], head_bytes * BLOCKS) == 0, "store", (int)type, rows, d, 0);
    for (int r = 0; r < rows; r++) {
        check(same(outputs[0][r], outputs[1][r], (size_t)d), "attend", (int)type, rows, d, 0);
        check(same(outputs[0][r], in_pieces[r], (size_t)d), "merge", (int)type, rows, d, 0);
    }
    free(stored[0]), free(stored[1]);
}

static void compare_vectors(int n) {
    const torii_vector_kernels *kernels[2] = {
        torii_vector_kernels_for(TORII_ISA_SCALAR), torii_vector_kernels_for(COMPARED)};
    float x[512], weight[512], outputs[2][4][512];
    for (int i = 0; i < n; i++) x[i] = 20 * random_float(), weight[i] = random_float();
    for (int side = 0; side < 2; side++) {
        const torii_vector_kernels *k = kernels[side];
        k->rms_norm(x, weight, 1e-5f, n, outputs[side][0]);
        k->layer_norm(x, weight, NULL, 1e-5f, n, outputs[side][1]);
        k->exponential(x, n, outputs[side][2]);
        memcpy(outputs[side][3], x, sizeof x);
        for (int a = TORII_ACTIVATION_SILU; a <= TORII_ACTIVATION_CLAMPED; a++) {
            k->activate((torii_activation)a, outputs[side][3], weight, n);
        }
    }
    for (int i = 0; i < 4; i++) {
        check(same(outputs[0][i], outputs[1][i], (size_t)n), "vector", i, 1, n, 0);
    }
}

int main(void) {
    if (!torii_isa_supported(NEEDED)) {
        printf("this processor cannot run these kernels\n");
        return 1;
    }
    static const int types[] = {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 30, 39};
    static const int rows[] = {1, 16, 72}, columns[] = {32, 256, 544, 768};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 4; c++) {
                if (!torii_matrix_supported(types[t], rows[r], columns[c])) continue;
                for (int tokens = 1; tokens <= 9; tokens++) {
                    compare_products(types[t], rows[r], columns[c], tokens);
                }
            }
        }
        // More than any kernel takes at once.
        compare_products(types[t], 20, 1280, 131);
    }
    static const int dimensions[] = {16, 64, 80, 128, 256};
    for (int type = TORII_CACHE_WORDS; type <= TORII_CACHE_BYTE_VALUES; type++) {
        for (int d = 0; d < 5; d++) {
            for (int count = 1; count <= TORII_ATTENTION_ROWS; count++) {
                compare_attention((torii_cache_type)type, dimensions[d], count, false);
                compare_attention((torii_cache_type)type, dimensions[d], count, true);
            }
        }
    }
    for (int n = 1; n <= 512; n += 37) compare_vectors(n);
    printf("%d numbers compared, %d failures\n", compared, failures);
    return failures == 0 && compared > 100000 ? 0 : 1;
}
