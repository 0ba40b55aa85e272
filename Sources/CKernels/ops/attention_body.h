// Body of torii_vector_kernels.attend (ops.h): its products, all of them exact sums of integers.
// Included once by each ops_<isa>.c, which defines TORII_TILE_VECTORS(rows): how many vectors of 16
// positions (or dimensions) one pass keeps in registers beside so many rows. It changes the loop
// order between independent lanes only.

#define TILE_VECTORS_MAX TORII_TILE_VECTORS(1)

// Terms of words that an integer sum takes before it is added up in f32.
enum { SCORE_TERMS = 8, VALUE_TERMS = 16 };
_Static_assert(
    (int64_t)SCORE_TERMS * TORII_KEY_LIMIT * QUERY_LIMIT <= INT32_MAX
        && (int64_t)VALUE_TERMS * TORII_VALUE_LIMIT * WEIGHT_LIMIT <= INT32_MAX,
    "sums of products fit into 32 bits");

// A pair of a row's numbers, for every lane.
INLINE i16x32 splat_pair(const int16_t *numbers) {
    int32_t pair;
    memcpy(&pair, numbers, sizeof pair);
    return (i16x32)splat_int(pair);
}

// Adds the products of dimensions first ..< first + count to sums: [rows][vectors].
// queries: rows × [D]  keys: `vectors` × [D / 2][16][2].
INLINE void add_scores(const bool are_bytes, const int rows, const int vectors, const int count,
                       const uint8_t *const *keys, const uint8_t *const *ahead, size_t first,
                       const attention_state *state,
                       i32x16 sums[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX]) {
    const size_t bytes = 2 * PAIRS * number_bytes(are_bytes);
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = splat_int(0);
    }
    UNROLLED for (int i = 0; i < count; i += 2) {
        i16x32 key[TILE_VECTORS_MAX];
        size_t place = (first + (size_t)i) / 2 * bytes;
        UNROLLED for (int v = 0; v < vectors; v++) {
            key[v] = load_numbers(are_bytes, keys[v] + place);
            if ((size_t)i / 2 * bytes % 64 == 0) fetch(ahead[v] + place);
        }
        UNROLLED for (int r = 0; r < rows; r++) {
            i16x32 query = splat_pair(&state->query[r][first + (size_t)i]);
            UNROLLED for (int v = 0; v < vectors; v++) {
                sums[r][v] = dot_pairs(sums[r][v], key[v], query);
            }
        }
    }
}

// Writes the scores of `vectors` × 16 positions, in units of the query's.
INLINE void score_vectors(const torii_cache_type type, const int rows, const int vectors,
                          const tile_places *tile, const tile_places *next, int d,
                          int first_vector, attention_state *state) {
    const bool are_bytes = torii_cache_has_key_bytes(type);
    const int length = are_bytes ? TORII_CACHE_GROUP : SCORE_TERMS;
    const size_t groups = torii_cache_groups(are_bytes, d);
    f32x16 score[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX];
    const uint8_t *keys[TILE_VECTORS_MAX], *ahead[TILE_VECTORS_MAX];
    const uint16_t *scales[TILE_VECTORS_MAX];
    UNROLLED for (int v = 0; v < vectors; v++) {
        size_t block = (size_t)(first_vector + v) / 2, half = (size_t)(first_vector + v) % 2;
        size_t offset = half * (size_t)d * TORII_KEY_LANES * number_bytes(are_bytes);
        keys[v] = tile->block[block].keys + offset;
        ahead[v] = next->block[block].keys + offset;
        scales[v] = tile->block[block].key_scales + half * groups * TORII_KEY_LANES;
        UNROLLED for (int r = 0; r < rows; r++) score[r][v] = splat(0.0f);
    }
    for (int first = 0; first < d; first += length) {
        i32x16 sums[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX];
        if (d - first >= length) {
            add_scores(are_bytes, rows, vectors, length, keys, ahead, (size_t)first, state, sums);
        } else {  // the last group of bytes may be half of one
            add_scores(are_bytes, rows, vectors, length / 2, keys, ahead, (size_t)first, state,
                       sums);
        }
        UNROLLED for (int v = 0; v < vectors; v++) {
            f32x16 scale = are_bytes ? load_half(scales[v] + first / length * TORII_KEY_LANES)
                                     : splat(1.0f);
            UNROLLED for (int r = 0; r < rows; r++) {
                f32x16 sum = __builtin_convertvector(sums[r][v], f32x16);
                score[r][v] = are_bytes ? fma16(sum, scale, score[r][v]) : score[r][v] + sum;
            }
        }
    }
    UNROLLED for (int v = 0; v < vectors; v++) {
        f32x16 scale = are_bytes ? splat(1.0f) : load_half(scales[v]);
        UNROLLED for (int r = 0; r < rows; r++) {
            float *place = &state->weights[r][(first_vector + v) * 16];
            store(place, are_bytes ? score[r][v] : score[r][v] * scale);
        }
    }
}

// Adds the products of tokens first ..< first + count of a tile to sums: [rows][vectors].
// weights: [G][rows][64]  values: [count / 2][D][2].
INLINE void add_values(const bool are_bytes, const int rows, const int vectors, const int count,
                       const tile_places *tile, const tile_places *next, int d, int column,
                       int first, const attention_state *state,
                       i32x16 sums[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX]) {
    const size_t bytes = number_bytes(are_bytes);
    const size_t start =
        ((size_t)(first % TORII_BLOCK_TOKENS) * (size_t)d + 2 * (size_t)column) * bytes;
    const uint8_t *values = tile->block[first / TORII_BLOCK_TOKENS].values + start;
    const uint8_t *ahead = next->block[first / TORII_BLOCK_TOKENS].values + start;
    UNROLLED for (int t = 0; t < count; t += 2) {
        i16x32 value[TILE_VECTORS_MAX];
        UNROLLED for (int v = 0; v < vectors; v++) {
            size_t place = (size_t)v * 2 * PAIRS * bytes;
            value[v] = load_numbers(are_bytes, values + place);
            if (place % 64 == 0) fetch(ahead + place);
        }
        UNROLLED for (int r = 0; r < rows; r++) {
            UNROLLED for (int v = 0; v < vectors; v++) {
                int group = are_bytes ? (column + v * 16) / TORII_CACHE_GROUP : 0;
                i16x32 weight = splat_pair(&state->scaled[group][r][first + t]);
                sums[r][v] = dot_pairs(sums[r][v], value[v], weight);
            }
        }
        values += 2 * (size_t)d * bytes;
        ahead += 2 * (size_t)d * bytes;
    }
}

// Adds a tile's values, times their weights, to `vectors` × 16 dimensions of the outputs.
INLINE void gather_vectors(const torii_cache_type type, const int rows, const int vectors,
                           const tile_places *tile, const tile_places *next, int d, int column,
                           int count, attention_state *state) {
    const bool are_bytes = torii_cache_has_value_bytes(type);
    f32x16 total[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX];
    // The weights of tokens beyond `count` are 0.
    for (int first = 0; first < count; first += VALUE_TERMS) {
        i32x16 sums[TORII_ATTENTION_ROWS][TILE_VECTORS_MAX];
        UNROLLED for (int r = 0; r < rows; r++) {
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = splat_int(0);
        }
        add_values(
            are_bytes, rows, vectors, VALUE_TERMS, tile, next, d, column, first, state, sums);
        UNROLLED for (int r = 0; r < rows; r++) {
            UNROLLED for (int v = 0; v < vectors; v++) {
                f32x16 sum = __builtin_convertvector(sums[r][v], f32x16);
                total[r][v] = first == 0 ? sum : total[r][v] + sum;
            }
        }
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) {
            int group = are_bytes ? (column + v * 16) / TORII_CACHE_GROUP : 0;
            float *place = &state->output[r][column + v * 16];
            f32x16 before = load(place) * splat(state->rescale[r]);
            store(place, fma16(total[r][v], splat(state->scaled_unit[group][r]), before));
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

// first ... last: the positions that any row sees.
INLINE void attend_tile(const torii_cache_type type, const int rows, const torii_head_cache *cache,
                        const torii_query_rows *q, int tile, int first, int last,
                        attention_state *state) {
    const int vectors = TORII_TILE_VECTORS(rows);
    int d = cache->head_dimension;
    int count = last + 1 - tile * TILE_TOKENS;
    if (count > TILE_TOKENS) count = TILE_TOKENS;
    tile_places here = places(cache, type, tile, last);
    bool is_last = (tile + 1) * TILE_TOKENS > last && q->next != NULL;
    tile_places next =
        is_last ? places(q->next, type, q->next_first / TILE_TOKENS, q->next_last)
                : places(cache, type, tile + 1, last);
    for (int v = 0; v < TILE_LANES; v += vectors) {
        score_vectors(type, rows, vectors, &here, &next, d, v, state);
    }
    for (int b = 0; b < TILE_BLOCKS; b++) fetch(next.block[b].key_scales);
    float factors[TORII_ATTENTION_ROWS];
    weigh_rows(rows, tile, q, state, factors);
    scale_weights(type, rows, &here, &next, d, tile, first, last, factors, state);
    int column = 0;
    for (; column + 16 * vectors <= d; column += 16 * vectors) {
        gather_vectors(type, rows, vectors, &here, &next, d, column, count, state);
    }
    for (; column < d; column += 16) {
        gather_vectors(type, rows, 1, &here, &next, d, column, count, state);
    }
}

INLINE void attend_rows(const torii_cache_type type, const int rows, const torii_head_cache *cache,
                        const torii_query_rows *q) {
    attention_state state;
    attention_total totals[TORII_ATTENTION_ROWS];
    int d = cache->head_dimension;
    int first = q->first[0], last = 0;
    for (int r = 0; r < rows; r++) {
        round_query(&state, r, q->query[r], d);
        begin_piece(&state, r, d);
        totals[r] = (attention_total){.output = q->output[r]};
        if (q->first[r] < first) first = q->first[r];
        if (q->last[r] > last) last = q->last[r];
    }
    for (int tile = first / TILE_TOKENS; tile * TILE_TOKENS <= last; tile++) {
        if (tile % PIECE_TILES == 0) {
            for (int r = 0; r < rows; r++) {
                end_piece(&state, r, d, &totals[r]);
                begin_piece(&state, r, d);
            }
        }
        attend_tile(type, rows, cache, q, tile, first, last, &state);
    }
    for (int r = 0; r < rows; r++) {
        if (q->is_piece[r]) {
            leave_piece(&state, r, d, q->output[r]);
        } else {
            end_piece(&state, r, d, &totals[r]);
            finish(&totals[r], q->has_sinks ? &q->sink[r] : NULL, d);
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
    case TORII_CACHE_WORDS: attend_as(TORII_CACHE_WORDS, cache, q); break;
    case TORII_CACHE_BYTES: attend_as(TORII_CACHE_BYTES, cache, q); break;
    case TORII_CACHE_BYTE_VALUES: attend_as(TORII_CACHE_BYTE_VALUES, cache, q); break;
    }
}

#define TORII_VECTOR_KERNELS_INITIALIZER \
    { \
        .rms_norm = rms_norm, .layer_norm = layer_norm, .activate = activate, .add = add, \
        .scale_and_cap = scale_and_cap, .rotate = rotate, .store_key_value = store_key_value, \
        .attend = attend, .merge_pieces = merge_pieces, .exponential = exponential, \
    }
