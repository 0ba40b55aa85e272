// Body of torii_vector_kernels.attend (ops.h). Included once by each ops_<isa>.c, which defines
// TORII_TILE_VECTORS: how many vectors of 16 positions (or dimensions) one pass keeps in
// registers beside up to six rows. It changes the loop order between independent lanes only.

#define TILE_TOKENS 64
#define TILE_BLOCKS (TILE_TOKENS / TORII_BLOCK_TOKENS)
#define TILE_LANES (TILE_TOKENS / TORII_KEY_LANES)

typedef struct {
    float maximum[TORII_ATTENTION_ROWS];
    float sum[TORII_ATTENTION_ROWS];
    float rescale[TORII_ATTENTION_ROWS];
    _Alignas(64) float weights[TORII_ATTENTION_ROWS][TILE_TOKENS];
    _Alignas(64) float output[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
} attention_state;

// Where a tile's keys and values lie.
typedef struct {
    const uint8_t *keys[TILE_LANES];
    const uint8_t *values[TILE_BLOCKS];
} tile_places;

// Fetches what lies where a vector was just read, but in the tile that comes next. Into the second
// level only: a tile is half of the first.
INLINE void fetch(const uint8_t *next) {
    __builtin_prefetch(next, 0, 2);
}

// queries: rows × [D]  keys: `vectors` × [D][16]  scores: [rows][64].
// A score is one chain of fused multiply-adds over d.
INLINE void score_vectors(int rows, int vectors, const torii_query_rows *q,
                          const tile_places *tile, const tile_places *next, int d,
                          int first_vector, attention_state *state) {
    f32x16 accumulator[TORII_ATTENTION_ROWS][TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) accumulator[r][v] = splat(0.0f);
    }
    for (int i = 0; i < d; i++) {
        f32x16 key[TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            key[v] = load_half((const uint16_t *)tile->keys[first_vector + v] + (size_t)i * 16);
            if (i % 2 == 0) fetch(next->keys[first_vector + v] + (size_t)i * 32);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            f32x16 query = splat(q->query[r][i]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                accumulator[r][v] = fma16(query, key[v], accumulator[r][v]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            store(&state->weights[r][(first_vector + v) * 16], accumulator[r][v]);
        }
    }
}

// Turns a row's scores of one tile into weights and updates its running maximum and sum.
INLINE void weigh(attention_state *state, int r, int tile, int position) {
    float *weights = state->weights[r];
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int visible = position - tile * TILE_TOKENS;
    f32x16 score[TILE_LANES];
    f32x16 best = splat(-__builtin_inff());
    for (int v = 0; v < TILE_LANES; v++) {
        i32x16 index = lane + v * 16;
        i32x16 limit = {visible, visible, visible, visible, visible, visible, visible, visible,
                        visible, visible, visible, visible, visible, visible, visible, visible};
        score[v] = select16(index > limit, splat(-__builtin_inff()), load(weights + v * 16));
        best = max16(best, score[v]);
    }
    float maximum = max_lanes(best);
    maximum = maximum > state->maximum[r] ? maximum : state->maximum[r];
    f32x16 shrink = exp16(splat(state->maximum[r] - maximum));
    for (int v = 0; v < TILE_LANES; v++) {
        score[v] = exp16(score[v] - splat(maximum));
        store(weights + v * 16, score[v]);
    }
    float sum = sum_lanes((score[0] + score[1]) + (score[2] + score[3]));
    state->rescale[r] = shrink[0];
    state->sum[r] = state->sum[r] * shrink[0] + sum;
    state->maximum[r] = maximum;
}

// weights: [rows][64]  values: [count][D], 32 tokens to a block  output: [rows][D].
// Each output lane is one chain of fused multiply-adds over the tile's tokens.
INLINE void gather_vectors(int rows, int vectors, const tile_places *tile, const tile_places *next,
                           int d, int column, int count, attention_state *state) {
    f32x16 accumulator[TORII_ATTENTION_ROWS][TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            accumulator[r][v] =
                load(&state->output[r][column + v * 16]) * splat(state->rescale[r]);
        }
    }
    for (int t = 0; t < count; t++) {
        size_t offset = (size_t)(t % TORII_BLOCK_TOKENS) * (size_t)d + (size_t)column;
        const uint16_t *token = (const uint16_t *)tile->values[t / TORII_BLOCK_TOKENS] + offset;
        const uint8_t *ahead = next->values[t / TORII_BLOCK_TOKENS] + offset * 2;
        f32x16 value[TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            value[v] = load_half(token + v * 16);
            if (v % 2 == 0) fetch(ahead + v * 32);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            f32x16 weight = splat(state->weights[r][t]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                accumulator[r][v] = fma16(weight, value[v], accumulator[r][v]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            store(&state->output[r][column + v * 16], accumulator[r][v]);
        }
    }
}

// The places of tile number `tile`, of which the last position that is needed is `last`.
INLINE tile_places places(const torii_head_cache *cache, int tile, int last) {
    size_t key_bytes = (size_t)cache->head_dimension * TORII_KEY_LANES * sizeof(uint16_t);
    tile_places result;
    for (int b = 0; b < TILE_BLOCKS; b++) {
        // A tile's second block may not exist yet: its lanes are masked, any address will do.
        int index = tile * TILE_BLOCKS + b;
        index = index < last / TORII_BLOCK_TOKENS ? index : last / TORII_BLOCK_TOKENS;
        const uint8_t *block =
            cache->base + (size_t)cache->block_table[index] * cache->block_stride;
        result.keys[b * 2] = block;
        result.keys[b * 2 + 1] = block + key_bytes;
        result.values[b] = block + 2 * key_bytes;
    }
    return result;
}

INLINE void attend_tile(int rows, const torii_head_cache *cache, const torii_query_rows *q,
                        int tile, int last, attention_state *state) {
    int d = cache->head_dimension;
    int count = last + 1 - tile * TILE_TOKENS;
    if (count > TILE_TOKENS) count = TILE_TOKENS;
    tile_places here = places(cache, tile, last);
    bool is_last = (tile + 1) * TILE_TOKENS > last && q->next != NULL;
    tile_places next =
        is_last ? places(q->next, 0, q->next_last) : places(cache, tile + 1, last);
    for (int v = 0; v < TILE_LANES; v += TORII_TILE_VECTORS) {
        score_vectors(rows, TORII_TILE_VECTORS, q, &here, &next, d, v, state);
    }
    for (int r = 0; r < rows; r++) {
        if (q->position[r] >= tile * TILE_TOKENS) {
            weigh(state, r, tile, q->position[r]);
        } else {
            // Nothing of this tile is visible to the row: the tile changes nothing.
            state->rescale[r] = 1.0f;
            memset(state->weights[r], 0, sizeof state->weights[r]);
        }
    }
    int column = 0;
    for (; column + 16 * TORII_TILE_VECTORS <= d; column += 16 * TORII_TILE_VECTORS) {
        gather_vectors(rows, TORII_TILE_VECTORS, &here, &next, d, column, count, state);
    }
    for (; column < d; column += 16) {
        gather_vectors(rows, 1, &here, &next, d, column, count, state);
    }
}

INLINE void attend_rows(int rows, const torii_head_cache *cache, const torii_query_rows *q) {
    attention_state state;
    int d = cache->head_dimension;
    int last = 0;
    for (int r = 0; r < rows; r++) {
        state.maximum[r] = -__builtin_inff();
        state.sum[r] = 0.0f;
        memset(state.output[r], 0, (size_t)d * sizeof(float));
        if (q->position[r] > last) last = q->position[r];
    }
    for (int tile = 0; tile * TILE_TOKENS <= last; tile++) {
        attend_tile(rows, cache, q, tile, last, &state);
    }
    for (int r = 0; r < rows; r++) {
        float factor = 1.0f / state.sum[r];
        for (int i = 0; i < d; i += 16) {
            // + 0 makes a negative zero positive: its sign may depend on the other rows.
            store(q->output[r] + i, load(&state.output[r][i]) * splat(factor) + splat(0.0f));
        }
    }
}

static void attend(const torii_head_cache *cache, const torii_query_rows *q) {
    switch (q->row_count) {
    case 1: attend_rows(1, cache, q); break;
    case 2: attend_rows(2, cache, q); break;
    case 3: attend_rows(3, cache, q); break;
    case 4: attend_rows(4, cache, q); break;
    case 5: attend_rows(5, cache, q); break;
    default: attend_rows(6, cache, q); break;
    }
}

#define TORII_VECTOR_KERNELS_INITIALIZER \
    { \
        .rms_norm = rms_norm, .swiglu = swiglu, .rotate = rotate, \
        .store_key_value = store_key_value, .attend = attend, .exponential = exponential, \
    }
