// How the pieces of a row make up its result: the last part of attention (attention_body.h).
// Included once by each ops_<isa>.c.

#define PIECE_TILES (TORII_ATTENTION_PIECE / TILE_TOKENS)

// What a row's pieces so far add up to. A sum of 0: there is none.
typedef struct {
    float maximum, sum;
    float *output;  // [D]
} attention_total;

INLINE void add_piece(attention_total *total, float maximum, float sum, const float *output,
                      int d) {
    if (total->sum == 0.0f) {
        total->maximum = maximum;
        total->sum = sum;
        memcpy(total->output, output, (size_t)d * sizeof(float));
        return;
    }
    float largest = maximum > total->maximum ? maximum : total->maximum;
    f32x16 factors = exp16((f32x16){total->maximum - largest, maximum - largest});
    total->maximum = largest;
    total->sum = total->sum * factors[0] + sum * factors[1];
    for (int i = 0; i < d; i += 16) {
        f32x16 before = load(total->output + i) * splat(factors[0]);
        store(total->output + i, fma16(load(output + i), splat(factors[1]), before));
    }
}

// Makes the total of all pieces the row's result.
INLINE void finish(const attention_total *total, const float *sink, int d) {
    float factor = 1.0f / total->sum;
    if (sink != NULL) {
        float largest = total->maximum > *sink ? total->maximum : *sink;
        f32x16 shares = exp16((f32x16){total->maximum - largest, *sink - largest});
        factor = shares[0] / (total->sum * shares[0] + shares[1]);
    }
    for (int i = 0; i < d; i += 16) {
        // + 0 makes a negative zero positive: its sign may depend on the other rows.
        store(total->output + i, load(total->output + i) * splat(factor) + splat(0.0f));
    }
}

INLINE void begin_piece(attention_state *state, int r, int d) {
    state->maximum[r] = -__builtin_inff();
    state->sum[r] = 0.0f;
    memset(state->output[r], 0, (size_t)d * sizeof(float));
}

INLINE void end_piece(const attention_state *state, int r, int d, attention_total *total) {
    if (state->sum[r] == 0.0f) return;
    add_piece(total, state->maximum[r], state->sum[r], state->output[r], d);
}

INLINE void leave_piece(const attention_state *state, int r, int d, float *piece) {
    memcpy(piece, state->output[r], (size_t)d * sizeof(float));
    piece[d] = state->maximum[r];
    piece[d + 1] = state->sum[r];
}

static void merge_pieces(const float *pieces, int count, int d, const float *sink, float *out) {
    attention_total total = {.output = out};
    for (int p = 0; p < count; p++) {
        const float *piece = pieces + (size_t)p * ((size_t)d + TORII_PIECE_TAIL);
        add_piece(&total, piece[d], piece[d + 1], piece, d);
    }
    finish(&total, sink, d);
}
