// Products with one token or two: included by avx2_body.h once, behind the driver.
//
// Memory sets their pace. A core waits for few lines at a time (Zen 3: 24) that its own loads and
// prefetches ask for; what else is under way the second-level cache fetches by itself, some lines
// ahead in every stream that it sees. So the strips are read as several streams side by side, a
// line of each in turn: on Zen 3 two cores read 36 GB/s that way, strip behind strip 25. With two
// tokens there are registers for half as many, which is 1.14 times as fast as tiles.

enum { STREAMS = 4, STREAM_TOKENS = 2 };  // streams of one token; the most tokens
enum { STREAM_BYTES_AHEAD = 512 };  // at which a stream is fetched into the first level

// Strips that are multiplied side by side: every `step`-th from `strip` on. With tokens `token` on.
typedef struct {
    torii_matrix w;
    torii_activations x;
    size_t token;
    int strip, step;
} stream_operands;

// Of [streams][tokens], together as many as streams of one token: number stream * tokens + token.
typedef __m256 stream_values[STREAMS][HALVES];
typedef __m256i stream_sums[STREAMS][HALVES];

INLINE int streams_of(const int tokens) { return STREAMS / tokens; }

// As IN_ORDER of avx2_many.h, for one register.
#define HOLD(A) __asm__ volatile("" : "+x"(A))

INLINE const uint8_t *stream_quants(const stream_operands *o, int stream) {
    return o->w.quants + (size_t)(o->strip + stream * o->step) * o->w.quant_stride;
}

INLINE const uint8_t *stream_scales(const stream_operands *o, int stream) {
    return o->w.scales + (size_t)(o->strip + stream * o->step) * o->w.scale_stride;
}

// dot: [streams][tokens][half strips]. Adds the products of groups first ..< last of a sub-block,
// which starts at byte `block` of each strip's quants. a: the first token's activations of it.
INLINE void add_streams(
    const int type, const int tokens, const int first, const int last, const stream_operands *o,
    size_t block, const int8_t *a, stream_sums dot) {
    const int bits = type_bits(type);
    const int groups = bits == 8 ? 1 : bits >= 4 ? 2 : 4;  // to a line of weights
    // Sums of either width stay in registers, not both.
    const int longest = run_length(type, last - first);
    const int run = longest == last - first || longest < groups ? longest : groups;
    stream_sums pairs;
    UNROLLED for (int g = first; g < last; g += groups) {
        const bool ends_run = HAS_DOT || (g + groups - first) % run == 0;
        __m256i activations[4][STREAM_TOKENS];
        UNROLLED for (int i = 0; i < groups; i++) {
            UNROLLED for (int t = 0; t < tokens; t++) {
                activations[i][t] = load_group(a + (size_t)t * o->x.quant_stride, g + i);
            }
        }
        UNROLLED for (int n = 0; n < STREAMS; n += tokens) {
            const uint8_t *quants = stream_quants(o, n / tokens) + block;
            UNROLLED for (int h = 0; h < HALVES; h++) {
                UNROLLED for (int i = 0; i < groups; i++) {
                    const __m256i weights = load_weights(type, quants, g + i, h);
                    UNROLLED for (int t = 0; t < tokens; t++) {
                        add_product(
                            type, run, g + i - first, weights, activations[i][t],
                            &pairs[n + t][h], &dot[n + t][h]);
                    }
                }
                UNROLLED for (int t = 0; t < tokens; t++) {
                    if (ends_run) {
                        HOLD(dot[n + t][h]);
                    } else {
                        HOLD(pairs[n + t][h]);
                    }
                }
            }
        }
    }
}

// The products of one sub-block, or of its half `part` where halves have scales: the first sets f,
// the second adds to it.
INLINE void multiply_streams_part(
    const int type, const int tokens, const stream_operands *o, int sub_block, const int part,
    stream_values f) {
    const torii_activations *x = &o->x;
    const bool is_half = type_scale_length(type) == 16;
    const int first = is_half ? 4 * part : 0, last = is_half ? first + 4 : 8;
    const size_t block = (size_t)sub_block * (size_t)type_quant_block_bytes(type);
    const size_t at = o->token * x->sum_stride + (size_t)sub_block;
    const int8_t *a = x->quants + o->token * x->quant_stride + 32 * (size_t)sub_block;
    stream_sums dot;
    UNROLLED for (int t = 0; t < tokens; t++) {
        const __m256i start = zero_point_sum(type, x, at + (size_t)t * x->sum_stride, part);
        UNROLLED for (int n = t; n < STREAMS; n += tokens) dot[n][0] = dot[n][1] = start;
    }
    add_streams(type, tokens, first, last, o, block, a, dot);
    UNROLLED for (int n = 0; n < STREAMS; n += tokens) {
        const uint8_t *scales = stream_scales(o, n / tokens);
        UNROLLED for (int h = 0; h < HALVES; h++) {
            __m256 scale, minimum;
            load_scales(type, scales, sub_block, part, h, &scale, &minimum);
            UNROLLED for (int t = 0; t < tokens; t++) {
                const __m256 sum = minimum_sum(type, x, at + (size_t)t * x->sum_stride, part);
                const __m256 value = _mm256_cvtepi32_ps(dot[n + t][h]);
                __m256 *result = &f[n + t][h];
                *result = part == 0 ? _mm256_mul_ps(scale, value)
                                    : _mm256_fmadd_ps(scale, value, *result);
                *result = add_minimum(type, minimum, sum, *result);
                HOLD(*result);
            }
        }
    }
}

// Fetches what lies STREAM_BYTES_AHEAD behind a sub-block; beyond a matrix that does nothing.
INLINE void fetch_streams(
    const int type, const int tokens, const stream_operands *o, size_t block) {
    UNROLLED for (int s = 0; s < streams_of(tokens); s++) {
        const uint8_t *next = stream_quants(o, s) + block + STREAM_BYTES_AHEAD;
        UNROLLED for (int line = 0; line < type_quant_block_bytes(type); line += 64) {
            __builtin_prefetch(next + line, 0, 3);
        }
    }
}

// y: [streams, tokens, 16], zeros. Results stay in memory, for the registers are needed.
INLINE void multiply_quantised_streams(
    const int type, const int tokens, const stream_operands *operands, float *y) {
    // A copy that no store can change.
    const stream_operands o = *operands;
    const float *scales = o.x.scales + o.token * o.x.scale_stride;
    const int sub_blocks = o.w.columns / TORII_SUB_BLOCK;
    for (int i = 0; i < sub_blocks; i++) {
        stream_values f;
        multiply_streams_part(type, tokens, &o, i, 0, f);
        if (type_scale_length(type) == 16) multiply_streams_part(type, tokens, &o, i, 1, f);
        fetch_streams(type, tokens, &o, (size_t)i * (size_t)type_quant_block_bytes(type));
        UNROLLED for (int n = 0; n < STREAMS; n++) {
            const size_t place = (size_t)(n % tokens) * o.x.scale_stride + (size_t)i;
            const __m256 scale = _mm256_set1_ps(scales[place]);
            UNROLLED for (int h = 0; h < HALVES; h++) {
                float *sum = y + n * TORII_STRIP_ROWS + 8 * h;
                _mm256_store_ps(sum, _mm256_fmadd_ps(scale, f[n][h], _mm256_load_ps(sum)));
            }
        }
    }
}

// y: [streams, tokens, 16]
INLINE void multiply_float_streams(
    const int type, const int tokens, const stream_operands *operands, float *y) {
    const stream_operands o = *operands;
    const float *values = o.x.values + o.token * o.x.value_stride;
    stream_values sums;
    UNROLLED for (int n = 0; n < STREAMS; n++) sums[n][0] = sums[n][1] = _mm256_setzero_ps();
    for (int k = 0; k < o.w.columns; k++) {
        const size_t line = (size_t)k * (size_t)type_quant_block_bytes(type);
        UNROLLED for (int n = 0; n < STREAMS; n += tokens) {
            UNROLLED for (int h = 0; h < HALVES; h++) {
                const uint8_t *place = stream_quants(&o, n / tokens) + line;
                const __m256 weights = load_float_weights(type, place, h);
                UNROLLED for (int t = 0; t < tokens; t++) {
                    const float *x = values + (size_t)t * o.x.value_stride + k;
                    sums[n + t][h] = _mm256_fmadd_ps(weights, _mm256_set1_ps(*x), sums[n + t][h]);
                }
            }
        }
    }
    UNROLLED for (int n = 0; n < STREAMS; n++) {
        UNROLLED for (int h = 0; h < HALVES; h++) {
            _mm256_store_ps(y + n * TORII_STRIP_ROWS + 8 * h, sums[n][h]);
        }
    }
}

typedef void (*stream_function)(const stream_operands *, float *y);

// A type's functions, by token count less one.
#define STREAM_FUNCTION(NAME, KIND, TYPE)                                      \
    static void NAME##_streams_1(const stream_operands *o, float *y) {         \
        multiply_##KIND##_streams(TYPE, 1, o, y);                              \
    }                                                                          \
    static void NAME##_streams_2(const stream_operands *o, float *y) {         \
        multiply_##KIND##_streams(TYPE, 2, o, y);                              \
    }                                                                          \
    static const stream_function NAME##_streams[STREAM_TOKENS] = {             \
        NAME##_streams_1, NAME##_streams_2};
STREAM_FUNCTION(f32, float, TORII_TYPE_F32)
STREAM_FUNCTION(f16, float, TORII_TYPE_F16)
STREAM_FUNCTION(bf16, float, TORII_TYPE_BF16)
STREAM_FUNCTION(q4_0, quantised, TORII_TYPE_Q4_0)
STREAM_FUNCTION(q4_1, quantised, TORII_TYPE_Q4_1)
STREAM_FUNCTION(q5_0, quantised, TORII_TYPE_Q5_0)
STREAM_FUNCTION(q5_1, quantised, TORII_TYPE_Q5_1)
STREAM_FUNCTION(q8_0, quantised, TORII_TYPE_Q8_0)
STREAM_FUNCTION(q2_k, quantised, TORII_TYPE_Q2_K)
STREAM_FUNCTION(q3_k, quantised, TORII_TYPE_Q3_K)
STREAM_FUNCTION(q4_k, quantised, TORII_TYPE_Q4_K)
STREAM_FUNCTION(q5_k, quantised, TORII_TYPE_Q5_K)
STREAM_FUNCTION(q6_k, quantised, TORII_TYPE_Q6_K)
STREAM_FUNCTION(iq4_nl, quantised, TORII_TYPE_IQ4_NL)
STREAM_FUNCTION(iq4_xs, quantised, TORII_TYPE_IQ4_XS)
STREAM_FUNCTION(mxfp4, quantised, TORII_TYPE_MXFP4)

static const stream_function *const stream_functions[] = {
    [TORII_TYPE_F32] = f32_streams,       [TORII_TYPE_F16] = f16_streams,
    [TORII_TYPE_BF16] = bf16_streams,     [TORII_TYPE_Q4_0] = q4_0_streams,
    [TORII_TYPE_Q4_1] = q4_1_streams,     [TORII_TYPE_Q5_0] = q5_0_streams,
    [TORII_TYPE_Q5_1] = q5_1_streams,     [TORII_TYPE_Q8_0] = q8_0_streams,
    [TORII_TYPE_Q2_K] = q2_k_streams,     [TORII_TYPE_Q3_K] = q3_k_streams,
    [TORII_TYPE_Q4_K] = q4_k_streams,     [TORII_TYPE_Q5_K] = q5_k_streams,
    [TORII_TYPE_Q6_K] = q6_k_streams,     [TORII_TYPE_IQ4_NL] = iq4_nl_streams,
    [TORII_TYPE_IQ4_XS] = iq4_xs_streams, [TORII_TYPE_MXFP4] = mxfp4_streams,
};

// Each stream has an equal part of the strips, one behind the other in memory: a stream of a strip
// would be too short to be noticed. What is left over is multiplied strip by strip.
static void multiply_streams(
    const torii_matrix *w, const torii_activations *x, int token, int token_count, int first_strip,
    int strip_count, float *out, size_t out_stride, const float *bias, bool accumulate) {
    const stream_function function = stream_functions[w->type][token_count - 1];
    const int streams = streams_of(token_count);
    const int step = strip_count / streams, done = step * streams;
    stream_operands operands = {.w = *w, .x = *x, .token = (size_t)token, .step = step};
    float *results = out + (size_t)token * out_stride;
    for (int i = 0; i < step; i++) {
        _Alignas(64) float y[STREAMS * TORII_STRIP_ROWS] = {0};
        operands.strip = first_strip + i;
        float *places[STREAMS];
        for (int n = 0; n < STREAMS; n++) {
            const int strip = operands.strip + n / token_count * step;
            places[n] =
                results + (size_t)(n % token_count) * out_stride + strip * TORII_STRIP_ROWS;
            __builtin_prefetch(places[n], 1, 3);
        }
        function(&operands, y);
        for (int n = 0; n < STREAMS; n++) {
            const int row = (operands.strip + n / token_count * step) * TORII_STRIP_ROWS;
            store_rows(
                places[n], w->rows - row, y + n * TORII_STRIP_ROWS,
                bias == NULL ? NULL : bias + row, accumulate);
        }
    }
    if (done < strip_count) {
        multiply(
            w, x, token, token_count, first_strip + done, strip_count - done, out, out_stride,
            bias, accumulate);
    }
}
