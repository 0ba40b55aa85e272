// Body of torii_vector_kernels.attend (ops.h). Included once by each ops_<isa>.c, which defines
// TORII_TILE_VECTORS: how many vectors of 16 positions (or dimensions) one pass keeps in
// registers beside up to six rows. It changes the loop order between independent lanes only.

#define TILE_TOKENS 64
#define TILE_BLOCKS (TILE_TOKENS / TORII_BLOCK_TOKENS)
#define TILE_LANES (TILE_TOKENS / TORII_KEY_LANES)
#define GROUPS_MAX (TORII_HEAD_DIMENSION_MAX / TORII_CACHE_GROUP)

typedef struct {
    float maximum[TORII_ATTENTION_ROWS];
    float sum[TORII_ATTENTION_ROWS];
    float rescale[TORII_ATTENTION_ROWS];
    _Alignas(64) float weights[TORII_ATTENTION_ROWS][TILE_TOKENS];
    // The weights times the values' scales, for each group of dimensions.
    _Alignas(64) float scaled[GROUPS_MAX][TORII_ATTENTION_ROWS][TILE_TOKENS];
    _Alignas(64) float output[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
} attention_state;

// Where a tile's keys and values lie.
typedef struct {
    head_block block[TILE_BLOCKS];
} tile_places;

// Fetches what lies where something was just read, but in the tile that comes next. Into the second
// level only: a tile is half of the first.
INLINE void fetch(const uint8_t *next) {
    __builtin_prefetch(next, 0, 2);
}

// Adds the products of dimensions first ..< end to scores, a chain of fused multiply-adds over d;
// for quantised keys the group's chain starts at 0 and is added times its scale.
// queries: rows × [D]  keys: `vectors` × [D][16]  scores: [rows][64].
INLINE void score_group(const torii_cache_type type, int rows, int vectors,
                        const torii_query_rows *q, const tile_places *tile,
                        const tile_places *next, size_t d, int first, int end, int first_vector,
                        attention_state *state) {
    f32x16 accumulator[TORII_ATTENTION_ROWS][TORII_TILE_VECTORS];
    const uint8_t *keys[TORII_TILE_VECTORS], *ahead[TORII_TILE_VECTORS];
    const bool are_bytes = torii_cache_has_key_bytes(type);
    const size_t bytes = 16 * (are_bytes ? 1 : sizeof(uint16_t));
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        int index = first_vector + v;
        keys[v] = tile->block[index / 2].keys + (size_t)(index % 2) * d * bytes;
        ahead[v] = next->block[index / 2].keys + (size_t)(index % 2) * d * bytes;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) accumulator[r][v] = splat(0.0f);
    }
    for (int i = first; i < end; i++) {
        f32x16 key[TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            key[v] = load_numbers(are_bytes, keys[v] + (size_t)i * bytes);
            if ((size_t)i * bytes % 64 == 0) fetch(ahead[v] + (size_t)i * bytes);
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
    size_t group = (size_t)first / TORII_CACHE_GROUP, groups = torii_cache_groups((int)d);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        int index = first_vector + v;
        f32x16 scale = splat(1.0f);
        if (are_bytes) {
            scale = load_half((const uint16_t *)(const void *)tile->block[index / 2].key_scales
                              + ((size_t)(index % 2) * groups + group) * 16);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            float *scores = &state->weights[r][index * 16];
            f32x16 sum = accumulator[r][v];
            if (are_bytes) {
                sum = fma16(sum, scale, first == 0 ? splat(0.0f) : load(scores));
            }
            store(scores, sum);
        }
    }
}

INLINE void score_vectors(const torii_cache_type type, int rows, int vectors,
                          const torii_query_rows *q, const tile_places *tile,
                          const tile_places *next, int d, int first_vector,
                          attention_state *state) {
    int length = torii_cache_has_key_bytes(type) ? TORII_CACHE_GROUP : d;
    for (int first = 0; first < d; first += length) {
        int end = first + length < d ? first + length : d;
        score_group(type, rows, vectors, q, tile, next, (size_t)d, first, end, first_vector,
                    state);
    }
}

// A row's scores of one tile as they are after capping and with what distance costs.
INLINE void bend_scores(attention_state *state, int r, int tile, const torii_query_rows *q) {
    const f32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int v = 0; v < TILE_LANES; v++) {
        float *scores = &state->weights[r][v * 16];
        f32x16 score = load(scores);
        if (q->soft_cap > 0.0f) {
            score = tanh16(score * splat(1.0f / q->soft_cap)) * splat(q->soft_cap);
        }
        if (q->has_distances) {
            f32x16 distance = lane + splat((float)(tile * TILE_TOKENS + v * 16 - q->position[r]));
            distance = select16(distance < splat(0.0f), -distance, distance);
            score = fma16(distance, splat(-q->slope[r]), score);
        }
        store(scores, score);
    }
}

// Turns a row's scores of one tile into weights and updates its running maximum and sum.
INLINE void weigh(attention_state *state, int r, int tile, int first, int last) {
    float *weights = state->weights[r];
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int visible = last - tile * TILE_TOKENS;
    int hidden = first - tile * TILE_TOKENS;
    f32x16 score[TILE_LANES];
    f32x16 best = splat(-__builtin_inff());
    for (int v = 0; v < TILE_LANES; v++) {
        i32x16 index = lane + v * 16;
        i32x16 limit = {visible, visible, visible, visible, visible, visible, visible, visible,
                        visible, visible, visible, visible, visible, visible, visible, visible};
        score[v] = select16(index > limit, splat(-__builtin_inff()), load(weights + v * 16));
        if (hidden > 0) score[v] = select16(index < hidden, splat(-__builtin_inff()), score[v]);
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

// The weights times the scales of a tile's values.
INLINE void scale_weights(const torii_cache_type type, int rows, const tile_places *tile,
                          const tile_places *next, int d, attention_state *state) {
    for (size_t g = 0; g < torii_cache_groups(d); g++) {
        for (int v = 0; v < TILE_LANES; v++) {
            size_t offset = g * TORII_BLOCK_TOKENS + (size_t)(v % 2) * 16;
            const head_block *block = &tile->block[v / 2];
            f32x16 scale = load_half((const uint16_t *)(const void *)block->value_scales + offset);
            for (int r = 0; r < rows; r++) {
                store(&state->scaled[g][r][v * 16], load(&state->weights[r][v * 16]) * scale);
            }
        }
        for (int b = 0; b < TILE_BLOCKS; b++) {
            if (torii_cache_has_key_bytes(type)) fetch(next->block[b].key_scales + g * 64);
            fetch(next->block[b].value_scales + g * 64);
        }
    }
}

// weights: [rows][64]  values: [count][D], 32 tokens to a block  output: [rows][D].
// Each output lane is one chain of fused multiply-adds over the tile's tokens.
INLINE void gather_vectors(const torii_cache_type type, int rows, int vectors,
                           const tile_places *tile, const tile_places *next, int d, int column,
                           int count, attention_state *state) {
    const bool are_bytes = torii_cache_has_value_bytes(type);
    const size_t bytes = are_bytes ? 1 : sizeof(uint16_t);
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
        size_t offset =
            ((size_t)(t % TORII_BLOCK_TOKENS) * (size_t)d + (size_t)column) * bytes;
        const uint8_t *token = tile->block[t / TORII_BLOCK_TOKENS].values + offset;
        const uint8_t *ahead = next->block[t / TORII_BLOCK_TOKENS].values + offset;
        f32x16 value[TORII_TILE_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            size_t place = (size_t)v * 16 * bytes;
            value[v] = load_numbers(are_bytes, token + place);
            if (place % 64 == 0) fetch(ahead + place);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                const float *weights = are_bytes
                    ? state->scaled[(column + v * 16) / TORII_CACHE_GROUP][r]
                    : state->weights[r];
                accumulator[r][v] = fma16(splat(weights[t]), value[v], accumulator[r][v]);
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
INLINE tile_places places(const torii_head_cache *cache, const torii_cache_type type, int tile,
                          int last) {
    tile_places result;
    for (int b = 0; b < TILE_BLOCKS; b++) {
        // A tile's second block may not exist yet: its lanes are masked, any address will do.
        int index = tile * TILE_BLOCKS + b;
        int end = last / TORII_BLOCK_TOKENS;
        result.block[b] = block_of(cache, type, index < end ? index : end);
    }
    return result;
}

INLINE void attend_tile(const torii_cache_type type, int rows, const torii_head_cache *cache,
                        const torii_query_rows *q, int tile, int last, attention_state *state) {
    int d = cache->head_dimension;
    int count = last + 1 - tile * TILE_TOKENS;
    if (count > TILE_TOKENS) count = TILE_TOKENS;
    tile_places here = places(cache, type, tile, last);
    bool is_last = (tile + 1) * TILE_TOKENS > last && q->next != NULL;
    tile_places next =
        is_last ? places(q->next, type, q->next_first / TILE_TOKENS, q->next_last)
                : places(cache, type, tile + 1, last);
    for (int v = 0; v < TILE_LANES; v += TORII_TILE_VECTORS) {
        score_vectors(type, rows, TORII_TILE_VECTORS, q, &here, &next, d, v, state);
    }
    for (int r = 0; r < rows; r++) {
        if (q->last[r] >= tile * TILE_TOKENS && q->first[r] < (tile + 1) * TILE_TOKENS) {
            if (q->soft_cap > 0.0f || q->has_distances) bend_scores(state, r, tile, q);
            weigh(state, r, tile, q->first[r], q->last[r]);
        } else {
            // Nothing of this tile is visible to the row: the tile changes nothing.
            state->rescale[r] = 1.0f;
            memset(state->weights[r], 0, sizeof state->weights[r]);
        }
    }
    if (torii_cache_has_value_bytes(type)) {
        scale_weights(type, rows, &here, &next, d, state);
    }
    int column = 0;
    for (; column + 16 * TORII_TILE_VECTORS <= d; column += 16 * TORII_TILE_VECTORS) {
        gather_vectors(type, rows, TORII_TILE_VECTORS, &here, &next, d, column, count, state);
    }
    for (; column < d; column += 16) {
        gather_vectors(type, rows, 1, &here, &next, d, column, count, state);
    }
}

// What a row's sums are multiplied with in the end.
INLINE float final_factor(const attention_state *state, int r, const torii_query_rows *q) {
    if (!q->has_sinks) return 1.0f / state->sum[r];
    float maximum = state->maximum[r] > q->sink[r] ? state->maximum[r] : q->sink[r];
    f32x16 shrink = exp16(splat(state->maximum[r] - maximum));
    f32x16 sink = exp16(splat(q->sink[r] - maximum));
    return shrink[0] / (state->sum[r] * shrink[0] + sink[0]);
}

INLINE void attend_rows(const torii_cache_type type, int rows, const torii_head_cache *cache,
                        const torii_query_rows *q) {
    attention_state state;
    int d = cache->head_dimension;
    int first = q->first[0], last = 0;
    for (int r = 0; r < rows; r++) {
        state.maximum[r] = -__builtin_inff();
        state.sum[r] = 0.0f;
        memset(state.output[r], 0, (size_t)d * sizeof(float));
        if (q->first[r] < first) first = q->first[r];
        if (q->last[r] > last) last = q->last[r];
    }
    for (int tile = first / TILE_TOKENS; tile * TILE_TOKENS <= last; tile++) {
        attend_tile(type, rows, cache, q, tile, last, &state);
    }
    for (int r = 0; r < rows; r++) {
        float factor = final_factor(&state, r, q);
        for (int i = 0; i < d; i += 16) {
            // + 0 makes a negative zero positive: its sign may depend on the other rows.
            store(q->output[r] + i, load(&state.output[r][i]) * splat(factor) + splat(0.0f));
        }
    }
}

INLINE void attend_as(const torii_cache_type type, const torii_head_cache *cache,
                      const torii_query_rows *q) {
    switch (q->row_count) {
    case 1: attend_rows(type, 1, cache, q); break;
    case 2: attend_rows(type, 2, cache, q); break;
    case 3: attend_rows(type, 3, cache, q); break;
    case 4: attend_rows(type, 4, cache, q); break;
    case 5: attend_rows(type, 5, cache, q); break;
    default: attend_rows(type, 6, cache, q); break;
    }
}

static void attend(const torii_head_cache *cache, const torii_query_rows *q) {
    switch (cache->type) {
    case TORII_CACHE_F16: attend_as(TORII_CACHE_F16, cache, q); break;
    case TORII_CACHE_Q8: attend_as(TORII_CACHE_Q8, cache, q); break;
    case TORII_CACHE_Q8_VALUES: attend_as(TORII_CACHE_Q8_VALUES, cache, q); break;
    }
}

#define TORII_VECTOR_KERNELS_INITIALIZER \
    { \
        .rms_norm = rms_norm, .layer_norm = layer_norm, .activate = activate, .add = add, \
        .scale_and_cap = scale_and_cap, .rotate = rotate, .store_key_value = store_key_value, \
        .attend = attend, .exponential = exponential, \
    }
