// Products with many tokens: included by avx2_body.h once, behind the driver.
//
// A tile of few tokens unpacks its weights for itself, which costs about as much as multiplying
// them with one or two tokens. With many a piece of a strip is unpacked once, into the first level
// of the caches, and multiplied with all of them from there: 1.2 to 1.45 times as fast on Zen 3.

enum { BATCH_TOKENS = 128 };     // the most that have their sums at hand
enum { CHUNK_SUB_BLOCKS = 32 };  // 1024 columns: 16 KiB
enum { RESULTS_AHEAD = 16 };     // tokens between the store of a result and its line's fetching

// From so many tokens on this is faster than tile by tile. Bits in planes cost more to unpack.
INLINE int many_tokens(int type) { return type_bits(type) > 4 ? 6 : 8; }

// A piece of a strip, as its products want it.
typedef struct {
    __m256i quants[CHUNK_SUB_BLOCKS][8][HALVES];
    __m256 scales[CHUNK_SUB_BLOCKS][2][HALVES];  // of both halves of a sub-block, if they have any
    __m256 minimums[CHUNK_SUB_BLOCKS][2][HALVES];
    int first, count;  // sub-blocks
    // The strip that is to be fetched meanwhile, or NULL, and how many tiles share that.
    const uint8_t *next_quants, *next_scales;
    int tiles;
} unpacked_chunk;

INLINE void unpack(
    const int type, const uint8_t *quants, const uint8_t *scales, unpacked_chunk *chunk) {
    const int parts = type_scale_length(type) == 16 ? 2 : 1;
    for (int i = 0; i < chunk->count; i++) {
        const int sub_block = chunk->first + i;
        const uint8_t *block = quants + (size_t)sub_block * (size_t)type_quant_block_bytes(type);
        UNROLLED for (int h = 0; h < HALVES; h++) {
            UNROLLED for (int g = 0; g < 8; g++) {
                chunk->quants[i][g][h] = load_weights(type, block, g, h);
            }
            UNROLLED for (int part = 0; part < parts; part++) {
                load_scales(
                    type, scales, sub_block, part, h, &chunk->scales[i][part][h],
                    &chunk->minimums[i][part][h]);
            }
        }
    }
}

// Keeps the compiler from spreading a tile's products so wide that its registers do not hold them.
#define IN_ORDER(A, B) __asm__ volatile("" : "+x"(A), "+x"(B))

// dot: [half strips][tokens]. Adds the products of groups first ..< last of a sub-block.
INLINE void multiply_groups(
    const int type, const int tokens, const int first, const int last,
    const __m256i quants[8][HALVES], const int8_t *a, size_t stride, tile_sums dot) {
    const int run = run_length(type, last - first);
    tile_sums pairs;
    UNROLLED for (int g = first; g < last; g++) {
        __m256i weights[HALVES] = {quants[g][0], quants[g][1]};
        IN_ORDER(weights[0], weights[1]);
        UNROLLED for (int t = 0; t < tokens; t++) {
            __m256i activations = load_group(a + (size_t)t * stride, g);
            UNROLLED for (int h = 0; h < HALVES; h++) {
                add_product(
                    type, run, g - first, weights[h], activations, &pairs[h][t], &dot[h][t]);
            }
            if (HAS_DOT || (g - first) % run == run - 1) {
                IN_ORDER(dot[0][t], dot[1][t]);
            } else {
                IN_ORDER(pairs[0][t], pairs[1][t]);
            }
        }
    }
}

// y: [tokens, 16]. Adds a chunk's products with some tokens, as one of the tiles that meet it.
INLINE void many_tile(
    const int type, const int tokens, const unpacked_chunk *chunk, int tile,
    const torii_activations *x, size_t token, float *y) {
    const bool is_half = type_scale_length(type) == 16;
    // A copy that no store can change.
    const torii_activations rows = *x;
    const size_t first_block = (size_t)chunk->first;
    const int8_t *a = rows.quants + token * rows.quant_stride + 32 * first_block;
    const float *scales = rows.scales + token * rows.scale_stride + first_block;
    size_t at = token * rows.sum_stride + first_block;
    const int count = chunk->count;
    int pause = tile;  // a block to each tile in turn, so that memory is asked evenly
    for (int i = 0; i < count; i++, a += 32, scales++, at++) {
        if (chunk->next_quants != NULL && pause-- == 0) {
            fetch_block(type, chunk->next_quants, chunk->next_scales, chunk->first + i);
            pause = chunk->tiles - 1;
        }
        tile_values f;
        UNROLLED for (int part = 0; part < (is_half ? 2 : 1); part++) {
            const int first = is_half ? 4 * part : 0, last = is_half ? first + 4 : 8;
            tile_sums dot;
            UNROLLED for (int t = 0; t < tokens; t++) {
                const size_t place = at + (size_t)t * rows.sum_stride;
                dot[0][t] = dot[1][t] = zero_point_sum(type, &rows, place, part);
            }
            multiply_groups(
                type, tokens, first, last, chunk->quants[i], a, rows.quant_stride, dot);
            UNROLLED for (int t = 0; t < tokens; t++) {
                const size_t place = at + (size_t)t * rows.sum_stride;
                const __m256 sum = minimum_sum(type, &rows, place, part);
                UNROLLED for (int h = 0; h < HALVES; h++) {
                    __m256 value = _mm256_cvtepi32_ps(dot[h][t]);
                    __m256 scale = chunk->scales[i][part][h];
                    f[h][t] = part == 0 ? _mm256_mul_ps(scale, value)
                                        : _mm256_fmadd_ps(scale, value, f[h][t]);
                    f[h][t] = add_minimum(type, chunk->minimums[i][part][h], sum, f[h][t]);
                }
            }
        }
        UNROLLED for (int t = 0; t < tokens; t++) {
            const __m256 scale = _mm256_set1_ps(scales[(size_t)t * rows.scale_stride]);
            UNROLLED for (int h = 0; h < HALVES; h++) {
                float *place = y + t * TORII_STRIP_ROWS + 8 * h;
                _mm256_store_ps(place, _mm256_fmadd_ps(scale, f[h][t], _mm256_load_ps(place)));
            }
        }
    }
}

typedef void (*unpack_function)(const uint8_t *, const uint8_t *, unpacked_chunk *);
typedef void (*many_function)(
    const unpacked_chunk *, int tile, const torii_activations *, size_t token, float *y);

// A type's functions; tiles by token count, which is never less than three.
typedef struct {
    unpack_function unpack;
    int tokens;  // of the largest tile
    many_function tiles[TILE_TOKENS + 1];
} many_functions;

#define MANY_TILE(NAME, TYPE, COUNT)                                                              \
    static void NAME##_many_##COUNT(                                                              \
        const unpacked_chunk *chunk, int tile, const torii_activations *x, size_t token,          \
        float *y) {                                                                               \
        many_tile(TYPE, COUNT, chunk, tile, x, token, y);                                         \
    }
#define MANY(NAME, TYPE)                                                                          \
    static void unpack_##NAME(                                                                    \
        const uint8_t *quants, const uint8_t *scales, unpacked_chunk *chunk) {                    \
        unpack(TYPE, quants, scales, chunk);                                                      \
    }                                                                                             \
    MANY_TILE(NAME, TYPE, 3)                                                                      \
    MANY_TILE(NAME, TYPE, 4)                                                                      \
    MANY_TILE(NAME, TYPE, 5)                                                                      \
    MANY_TILE(NAME, TYPE, 6)

MANY(q4_0, TORII_TYPE_Q4_0)
MANY(q4_1, TORII_TYPE_Q4_1)
MANY(q5_0, TORII_TYPE_Q5_0)
MANY(q5_1, TORII_TYPE_Q5_1)
MANY(q2_k, TORII_TYPE_Q2_K)
MANY(q3_k, TORII_TYPE_Q3_K)
MANY(q4_k, TORII_TYPE_Q4_K)
MANY(q5_k, TORII_TYPE_Q5_K)
MANY(q6_k, TORII_TYPE_Q6_K)
MANY(iq4_nl, TORII_TYPE_IQ4_NL)
MANY(iq4_xs, TORII_TYPE_IQ4_XS)
MANY(mxfp4, TORII_TYPE_MXFP4)

#define MANY_ENTRY(NAME, TYPE, TOKEN_COUNT)                                                       \
    [TYPE] = {                                                                                    \
        unpack_##NAME, TOKEN_COUNT,                                                               \
        {[3] = NAME##_many_3, [4] = NAME##_many_4, [5] = NAME##_many_5, [6] = NAME##_many_6}}
static const many_functions many[] = {
    MANY_ENTRY(q4_0, TORII_TYPE_Q4_0, 6),     MANY_ENTRY(q4_1, TORII_TYPE_Q4_1, 6),
    MANY_ENTRY(q5_0, TORII_TYPE_Q5_0, 6),     MANY_ENTRY(q5_1, TORII_TYPE_Q5_1, 6),
    MANY_ENTRY(q2_k, TORII_TYPE_Q2_K, 6),     MANY_ENTRY(q3_k, TORII_TYPE_Q3_K, 6),
    MANY_ENTRY(q4_k, TORII_TYPE_Q4_K, 6),     MANY_ENTRY(q5_k, TORII_TYPE_Q5_K, 6),
    MANY_ENTRY(mxfp4, TORII_TYPE_MXFP4, 6),
    // What is widened often has sums of both widths in registers.
    MANY_ENTRY(q6_k, TORII_TYPE_Q6_K, HAS_DOT ? 6 : 4),
    MANY_ENTRY(iq4_nl, TORII_TYPE_IQ4_NL, HAS_DOT ? 6 : 4),
    MANY_ENTRY(iq4_xs, TORII_TYPE_IQ4_XS, HAS_DOT ? 6 : 4),
};

// Whether products with so many tokens are made here. Q8_0 has nothing to unpack, and a type
// without functions is none of ours.
INLINE bool are_many(int type, int token_count) {
    return token_count >= many_tokens(type) && type < (int)(sizeof many / sizeof *many)
           && many[type].unpack != NULL;
}

// y: [tokens, 16]. The products of one strip with some tokens; meanwhile fetches the strip behind
// it, if it is to.
static void multiply_strip(
    const torii_matrix *w, int strip, const torii_activations *x, int first_token, int token_count,
    bool fetches, float *y) {
    const many_functions *functions = &many[w->type];
    const uint8_t *quants = w->quants + (size_t)strip * w->quant_stride;
    const uint8_t *scales = w->scales + (size_t)strip * w->scale_stride;
    const int sub_blocks = w->columns / TORII_SUB_BLOCK;
    unpacked_chunk chunk;
    chunk.next_quants = fetches ? quants + w->quant_stride : NULL;
    chunk.next_scales = fetches ? scales + w->scale_stride : NULL;
    chunk.tiles = (token_count + functions->tokens - 1) / functions->tokens;
    memset(y, 0, (size_t)token_count * TORII_STRIP_ROWS * sizeof *y);
    for (int first = 0; first < sub_blocks; first += CHUNK_SUB_BLOCKS) {
        int rest = sub_blocks - first;
        chunk.first = first;
        chunk.count = rest < CHUNK_SUB_BLOCKS ? rest : CHUNK_SUB_BLOCKS;
        functions->unpack(quants, scales, &chunk);
        int tile = 0;
        for (int done = 0, tokens; done < token_count; done += tokens, tile++) {
            tokens = even_part(token_count - done, functions->tokens);
            functions->tiles[tokens](
                &chunk, tile, x, (size_t)(first_token + done), y + done * TORII_STRIP_ROWS);
        }
    }
}

static void multiply_many(
    const torii_matrix *w, const torii_activations *x, int first_token, int token_count,
    int first_strip, int strip_count, float *out, size_t out_stride, const float *bias,
    bool accumulate) {
    _Alignas(64) float y[BATCH_TOKENS * TORII_STRIP_ROWS];
    for (int strip = first_strip; strip < first_strip + strip_count; strip++) {
        const int row = strip * TORII_STRIP_ROWS;
        // A thread mostly goes on behind the call's strips.
        const bool is_last = strip + 1 == w->strips;
        for (int done = 0, tokens; done < token_count; done += tokens) {
            tokens = even_part(token_count - done, BATCH_TOKENS);
            const int token = first_token + done;
            const bool fetches = !is_last && done + tokens == token_count;
            multiply_strip(w, strip, x, token, tokens, fetches, y);
            for (int t = 0; t < tokens; t++) {
                float *place = out + (size_t)(token + t) * out_stride + row;
                // The rows of the output lie so far apart that each store would wait.
                if (t + RESULTS_AHEAD < tokens) {
                    __builtin_prefetch(place + RESULTS_AHEAD * out_stride, 1, 3);
                }
                store_rows(
                    place, w->rows - row, y + t * TORII_STRIP_ROWS,
                    bias == NULL ? NULL : bias + row, accumulate);
            }
        }
    }
}
