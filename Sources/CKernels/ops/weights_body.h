// From scores to weights: the part of attention (attention_body.h) between its two products.
// Included once by each ops_<isa>.c.

#define TILE_TOKENS 64
#define TILE_BLOCKS (TILE_TOKENS / TORII_BLOCK_TOKENS)
#define TILE_LANES (TILE_TOKENS / TORII_KEY_LANES)
#define GROUPS_MAX (TORII_HEAD_DIMENSION_MAX / TORII_CACHE_GROUP)

// Largest magnitude of the integers that stored keys and values are multiplied with.
enum { QUERY_LIMIT = 8191, WEIGHT_LIMIT = 16383 };

typedef struct {
    // The query as integers, and what one of them is worth.
    _Alignas(64) int16_t query[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];
    float query_scale[TORII_ATTENTION_ROWS];

    // Of the tiles of this piece so far; a sum of 0: none of them is seen.
    float maximum[TORII_ATTENTION_ROWS];
    float sum[TORII_ATTENTION_ROWS];
    _Alignas(64) float output[TORII_ATTENTION_ROWS][TORII_HEAD_DIMENSION_MAX];

    // Of this tile: its scores, in units of score_scale, then its weights, of which the largest is
    // 1; the same times the values' scales, as integers, to each group of dimensions.
    _Alignas(64) float weights[TORII_ATTENTION_ROWS][TILE_TOKENS];
    float score_scale[TORII_ATTENTION_ROWS];
    _Alignas(64) int16_t scaled[GROUPS_MAX][TORII_ATTENTION_ROWS][TILE_TOKENS];
    // What the integers are worth, and what the output so far is worth now.
    float scaled_unit[GROUPS_MAX][TORII_ATTENTION_ROWS];
    float rescale[TORII_ATTENTION_ROWS];
} attention_state;

// Where a tile's keys and values lie.
typedef struct {
    head_block block[TILE_BLOCKS];
} tile_places;

// Fetches what lies where something was just read, but in the tile that comes next. Into the second
// level only: a tile is half of the first.
INLINE void fetch(const void *next) {
    __builtin_prefetch(next, 0, 2);
}

INLINE i32x16 splat_int(int32_t x) {
    return (i32x16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// The positions first ... last of a tile's, as numbers within the tile: true in lanes of vector v
// that are not among them.
INLINE i32x16 are_hidden(int v, int tile, int first, int last) {
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    i32x16 position = lane + splat_int(tile * TILE_TOKENS + v * 16);
    return (position > splat_int(last)) | (position < splat_int(first));
}

// x: [count] vectors of magnitudes of at most `largest`. Writes them as multiples, within +-limit,
// of the unit that is returned; 0 when all are nothing.
INLINE float round_factors(const f32x16 *x, int count, float largest, float limit,
                           int16_t *integers) {
    // What is so small has no inverse, and adds nothing to anything.
    const bool is_nothing = !(largest > 0x1p-100f);
    f32x16 inverse = splat(is_nothing ? 0.0f : limit / largest);
    for (int v = 0; v < count; v++) {
        i16x16 narrow = nearest(x[v] * inverse);
        memcpy(integers + v * 16, &narrow, sizeof narrow);
    }
    return is_nothing ? 0.0f : largest * (1.0f / limit);
}

INLINE void round_query(attention_state *state, int r, const float *query, int d) {
    f32x16 finite[TORII_HEAD_DIMENSION_MAX / 16];
    f32x16 largest = splat(0.0f);
    for (int i = 0; i < d; i += 16) {
        f32x16 x = load(query + i);
        x = select16(x > splat(0x1p100f), splat(0x1p100f), x);
        x = select16(x < splat(-0x1p100f), splat(-0x1p100f), x);
        x = select16(x == x, x, splat(0.0f));
        finite[i / 16] = x;
        largest = max16(largest, max16(x, -x));
    }
    float unit = round_factors(finite, d / 16, max_lanes(largest), QUERY_LIMIT, state->query[r]);
    // All integers are 0 then; but hidden scores are infinite, and times 0 they were none.
    state->query_scale[r] = unit > 0.0f ? unit : 1.0f;
}

// A row's scores of one tile as they are after capping and with what distance costs.
INLINE void bend_scores(attention_state *state, int r, int tile, const torii_query_rows *q) {
    const f32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int v = 0; v < TILE_LANES; v++) {
        float *scores = &state->weights[r][v * 16];
        f32x16 score = load(scores) * splat(state->query_scale[r]);
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

// Hides what a row does not see of a tile's scores, which are in units of score_scale, and returns
// the best one.
INLINE float hide_scores(attention_state *state, int r, int tile, int first, int last) {
    float *scores = state->weights[r];
    const bool sees_all = first <= tile * TILE_TOKENS && last >= (tile + 1) * TILE_TOKENS - 1;
    for (int v = 0; v < TILE_LANES && !sees_all; v++) {
        i32x16 hidden = are_hidden(v, tile, first, last);
        store(scores + v * 16,
              select16(hidden, splat(-__builtin_inff()), load(scores + v * 16)));
    }
    f32x16 best = max16(max16(load(scores), load(scores + 16)),
                        max16(load(scores + 32), load(scores + 48)));
    return max_lanes(best) * state->score_scale[r];
}

// Turns a row's scores into weights, of which the largest is 1. Returns their sum, in which what is
// hidden is lost.
INLINE float weigh(attention_state *state, int r, float best) {
    f32x16 weight[TILE_LANES];
    for (int v = 0; v < TILE_LANES; v++) {
        float *place = &state->weights[r][v * 16];
        f32x16 below = fma16(load(place), splat(state->score_scale[r]), splat(-best));
        weight[v] = exp16_of_negative(below);
        store(place, weight[v]);
    }
    return sum_lanes((weight[0] + weight[1]) + (weight[2] + weight[3]));
}

// Turns all rows' scores of one tile into weights and updates their maximums and sums. factors:
// what the weights are worth beside the other tiles'; 0 for a row that sees nothing of this one.
INLINE void weigh_rows(int rows, int tile, const torii_query_rows *q, attention_state *state,
                       float factors[TORII_ATTENTION_ROWS]) {
    enum { TILE = 8 };  // lanes of the tile's own exponents; before them those of the sums so far
    float best[TORII_ATTENTION_ROWS];
    _Alignas(64) float exponents[16] = {0};
    bool sees[TORII_ATTENTION_ROWS];
    for (int r = 0; r < rows; r++) {
        sees[r] = q->last[r] >= tile * TILE_TOKENS && q->first[r] < (tile + 1) * TILE_TOKENS;
        if (!sees[r]) continue;
        const bool bends = q->soft_cap > 0.0f || q->has_distances;
        if (bends) bend_scores(state, r, tile, q);
        state->score_scale[r] = bends ? 1.0f : state->query_scale[r];
        best[r] = hide_scores(state, r, tile, q->first[r], q->last[r]);
        float maximum = best[r] > state->maximum[r] ? best[r] : state->maximum[r];
        exponents[r] = state->maximum[r] - maximum;
        exponents[TILE + r] = best[r] - maximum;
        state->maximum[r] = maximum;
    }
    store(exponents, exp16(load(exponents)));
    for (int r = 0; r < rows; r++) {
        state->rescale[r] = sees[r] ? exponents[r] : 1.0f;
        factors[r] = sees[r] ? exponents[TILE + r] : 0.0f;
        if (sees[r]) {
            state->sum[r] = state->sum[r] * exponents[r] + weigh(state, r, best[r]) * factors[r];
        } else {
            memset(state->weights[r], 0, sizeof state->weights[r]);
        }
    }
}

// The weights of a tile times the scales of its values, as integers. first ... last: the positions
// that any row sees; what lies at others may be anything.
INLINE void scale_weights(const torii_cache_type type, int rows, const tile_places *here,
                          const tile_places *next, int d, int tile, int first, int last,
                          const float factors[TORII_ATTENTION_ROWS], attention_state *state) {
    const bool are_bytes = torii_cache_has_value_bytes(type);
    const size_t groups = torii_cache_groups(are_bytes, d);
    for (size_t g = 0; g < groups; g++) {
        f32x16 scale[TILE_LANES];
        for (int v = 0; v < TILE_LANES; v++) {
            size_t place = g * TORII_BLOCK_TOKENS + (size_t)(v % 2) * 16;
            f32x16 stored = load_half(here->block[v / 2].value_scales + place);
            scale[v] = select16(are_hidden(v, tile, first, last), splat(0.0f), stored);
        }
        for (int b = 0; b < TILE_BLOCKS; b++) {
            fetch(next->block[b].value_scales + g * TORII_BLOCK_TOKENS);
        }
        for (int r = 0; r < rows; r++) {
            f32x16 product[TILE_LANES];
            f32x16 largest = splat(0.0f);
            for (int v = 0; v < TILE_LANES; v++) {
                product[v] = load(&state->weights[r][v * 16]) * scale[v];
                largest = max16(largest, product[v]);
            }
            float unit =
                round_factors(product, TILE_LANES, max_lanes(largest), WEIGHT_LIMIT,
                             state->scaled[g][r]);
            state->scaled_unit[g][r] = unit * factors[r];
        }
    }
}
