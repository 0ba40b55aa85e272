// The loops around an instruction set's tiles; included once by each file that defines
//
//     quantised_tile(type, strips, tokens, operands), float_tile(the same)
//     STRIPS, most_tokens(type): the largest tile
//
// inside its target attribute, so that everything here is compiled for that set. No include guard:
// nothing here has an external name.

#define TILE(NAME, KIND, TYPE, STRIP_COUNT, TOKEN_COUNT)         \
    static void NAME##_##TOKEN_COUNT(const tile_operands *o) {   \
        KIND##_tile(TYPE, STRIP_COUNT, TOKEN_COUNT, o);          \
    }
// A type's tile functions, by token count less one.
#define TILES(NAME, KIND, TYPE)                                  \
    TILE(NAME, KIND, TYPE, STRIPS, 1)                            \
    TILE(NAME, KIND, TYPE, STRIPS, 2)                            \
    TILE(NAME, KIND, TYPE, STRIPS, 3)                            \
    TILE(NAME, KIND, TYPE, STRIPS, 4)                            \
    TILE(NAME, KIND, TYPE, STRIPS, 5)                            \
    TILE(NAME, KIND, TYPE, STRIPS, 6)                            \
    static const tile_function NAME[TILE_TOKENS] = {             \
        NAME##_1, NAME##_2, NAME##_3, NAME##_4, NAME##_5, NAME##_6};

TILES(f32, float, TORII_TYPE_F32)
TILES(f16, float, TORII_TYPE_F16)
TILES(bf16, float, TORII_TYPE_BF16)
TILES(q4_0, quantised, TORII_TYPE_Q4_0)
TILES(q4_1, quantised, TORII_TYPE_Q4_1)
TILES(q5_0, quantised, TORII_TYPE_Q5_0)
TILES(q5_1, quantised, TORII_TYPE_Q5_1)
TILES(q8_0, quantised, TORII_TYPE_Q8_0)
TILES(q2_k, quantised, TORII_TYPE_Q2_K)
TILES(q3_k, quantised, TORII_TYPE_Q3_K)
TILES(q4_k, quantised, TORII_TYPE_Q4_K)
TILES(q5_k, quantised, TORII_TYPE_Q5_K)
TILES(q6_k, quantised, TORII_TYPE_Q6_K)
TILES(iq4_nl, quantised, TORII_TYPE_IQ4_NL)
TILES(iq4_xs, quantised, TORII_TYPE_IQ4_XS)
TILES(mxfp4, quantised, TORII_TYPE_MXFP4)

static const tile_function *tiles_for(int type) {
    switch (type) {
    case TORII_TYPE_F32:
        return f32;
    case TORII_TYPE_F16:
        return f16;
    case TORII_TYPE_BF16:
        return bf16;
    case TORII_TYPE_Q4_0:
        return q4_0;
    case TORII_TYPE_Q4_1:
        return q4_1;
    case TORII_TYPE_Q5_0:
        return q5_0;
    case TORII_TYPE_Q5_1:
        return q5_1;
    case TORII_TYPE_Q8_0:
        return q8_0;
    case TORII_TYPE_Q2_K:
        return q2_k;
    case TORII_TYPE_Q3_K:
        return q3_k;
    case TORII_TYPE_Q4_K:
        return q4_k;
    case TORII_TYPE_Q5_K:
        return q5_k;
    case TORII_TYPE_Q6_K:
        return q6_k;
    case TORII_TYPE_IQ4_NL:
        return iq4_nl;
    case TORII_TYPE_IQ4_XS:
        return iq4_xs;
    default:
        return mxfp4;
    }
}

// How many of `rest` tokens come next when they are cut into as few parts as `most` allows, of
// nearly the same size.
INLINE int even_part(int rest, int most) {
    int parts = (rest + most - 1) / most;
    return (rest + parts - 1) / parts;
}

// out: one token's first `rows` (at most 16) of the strip.
INLINE void store_rows(
    float *restrict out, int rows, const float *restrict y, const float *restrict bias,
    bool accumulate) {
    if (rows >= TORII_STRIP_ROWS) {  // whole registers
        float values[TORII_STRIP_ROWS];
        memcpy(values, y, sizeof values);
        for (int lane = 0; lane < TORII_STRIP_ROWS && bias != NULL; lane++) {
            values[lane] += bias[lane];
        }
        for (int lane = 0; lane < TORII_STRIP_ROWS && accumulate; lane++) {
            values[lane] = out[lane] + values[lane];
        }
        memcpy(out, values, sizeof values);
        return;
    }
    for (int lane = 0; lane < rows; lane++) {
        float value = bias != NULL ? y[lane] + bias[lane] : y[lane];
        out[lane] = accumulate ? out[lane] + value : value;
    }
}

// Fetches the lines that a tile's results will fill, while it is being multiplied: the rows of the
// output lie so far apart that each store would wait.
INLINE void fetch_results(const float *out, size_t out_stride, int tokens) {
    for (int t = 0; t < tokens; t++, out += out_stride) {
        UNROLLED for (int s = 0; s < STRIPS; s++) {
            __builtin_prefetch(out + s * TORII_STRIP_ROWS, 1, 3);
        }
    }
}

// Strips outermost: a thread's weights come from memory once, its tokens from the cache. What lies
// behind the call's strips is fetched too, for a thread mostly goes on there.
static void multiply(
    const torii_matrix *w, const torii_activations *x, int first_token, int token_count,
    int first_strip, int strip_count, float *out, size_t out_stride, const float *bias,
    bool accumulate) {
    const tile_function *tiles = tiles_for(w->type);
    const int end = first_strip + strip_count, most = most_tokens(w->type);
    _Alignas(64) float results[TILE_STRIPS * TILE_TOKENS * TORII_STRIP_ROWS];
    tile_operands operands = {
        .x = x,
        .columns = w->columns,
        .tiles = (token_count + most - 1) / most,
        .results = results,
    };
    for (int strip = first_strip; strip < end; strip += STRIPS) {
        for (int s = 0; s < STRIPS; s++) {
            // A short last step computes its last strip again; that costs less than more variants.
            size_t index = (size_t)(strip + s < end ? strip + s : end - 1);
            operands.quants[s] = w->quants + index * w->quant_stride;
            operands.scales[s] = w->scales + index * w->scale_stride;
        }
        const bool is_followed = strip + 2 * STRIPS <= w->strips;
        operands.quants_ahead = is_followed ? (ptrdiff_t)w->quant_stride * STRIPS : 0;
        operands.scales_ahead = is_followed ? (ptrdiff_t)w->scale_stride * STRIPS : 0;
        operands.tile = 0;
        for (int done = 0, tokens; done < token_count; done += tokens, operands.tile++) {
            tokens = even_part(token_count - done, most);
            operands.first_token = (size_t)(first_token + done);
            fetch_results(
                out + operands.first_token * out_stride + strip * TORII_STRIP_ROWS, out_stride,
                tokens);
            tiles[tokens - 1](&operands);
            for (int s = 0; s < STRIPS && strip + s < end; s++) {
                int row = (strip + s) * TORII_STRIP_ROWS;
                for (int t = 0; t < tokens; t++) {
                    float *place = out + (operands.first_token + (size_t)t) * out_stride + row;
                    store_rows(
                        place, w->rows - row, tile_result(&operands, s, t),
                        bias == NULL ? NULL : bias + row, accumulate);
                }
            }
        }
    }
}
