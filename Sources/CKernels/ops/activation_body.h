// Bodies of torii_vector_kernels.activate and scale_and_cap (ops.h). Included once by each
// ops_<isa>.c.

// x Phi(x). Phi's tail is half of exp(-z^2) times a polynomial in 1 / (1 + p z), z = |x| / sqrt(2):
// Abramowitz and Stegun, 7.1.26, whose error is below 1.5e-7.
INLINE f32x16 gelu16(f32x16 x) {
    f32x16 magnitude = select16(x < splat(0.0f), -x, x);
    f32x16 z = magnitude * splat(0x1.6a09e6p-1f);
    f32x16 t = splat(1.0f) / fma16(z, splat(0.3275911f), splat(1.0f));
    f32x16 p = splat(1.061405429f);
    p = fma16(p, t, splat(-1.453152027f));
    p = fma16(p, t, splat(1.421413741f));
    p = fma16(p, t, splat(-0.284496736f));
    p = fma16(p, t, splat(0.254829592f));
    f32x16 tail = splat(0.5f) * (p * t) * exp16(-(z * z));
    return select16(x < splat(0.0f), x * tail, x - x * tail);
}

// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)): no cancellation anywhere.
INLINE f32x16 gelu_tanh16(f32x16 x) {
    f32x16 u = x * fma16(x * x, splat(0.044715f), splat(1.0f));
    return x / (splat(1.0f) + exp16(u * splat(-2.0f * 0.7978845608f)));
}

// Odd by construction; the error is about 1e-7.
INLINE f32x16 tanh16(f32x16 x) {
    f32x16 magnitude = select16(x < splat(0.0f), -x, x);
    f32x16 e = exp16(magnitude * splat(-2.0f));
    f32x16 result = (splat(1.0f) - e) / (splat(1.0f) + e);
    return select16(x < splat(0.0f), -result, result);
}

INLINE f32x16 clamp16(f32x16 x, float low, float high) {
    x = select16(x > splat(high), splat(high), x);
    return select16(x < splat(low), splat(low), x);
}

// What the gate gives before the other operand has its say.
INLINE f32x16 activated(const torii_activation activation, f32x16 x) {
    switch (activation) {
    case TORII_ACTIVATION_GELU: return gelu16(x);
    case TORII_ACTIVATION_GELU_TANH: return gelu_tanh16(x);
    case TORII_ACTIVATION_CLAMPED: {
        f32x16 gate = select16(x > splat(7.0f), splat(7.0f), x);
        return gate / (splat(1.0f) + exp16(gate * splat(-1.702f)));
    }
    default: return x / (splat(1.0f) + exp16(-x));
    }
}

INLINE void activate_as(const torii_activation activation, float *gate, const float *up, int n) {
    for (int i = 0; i < n; i += 16) {
        f32x16 v = activated(activation, load_part(gate + i, n - i));
        if (up != NULL) {
            f32x16 other = load_part(up + i, n - i);
            if (activation == TORII_ACTIVATION_CLAMPED) {
                other = clamp16(other, -7.0f, 7.0f) + splat(1.0f);
            }
            v = v * other;
        }
        store_part(gate + i, v, n - i);
    }
}

// gate: [n]  up: [n] or NULL
static void activate(torii_activation activation, float *gate, const float *up, int n) {
    switch (activation) {
    case TORII_ACTIVATION_SILU: activate_as(TORII_ACTIVATION_SILU, gate, up, n); break;
    case TORII_ACTIVATION_GELU: activate_as(TORII_ACTIVATION_GELU, gate, up, n); break;
    case TORII_ACTIVATION_GELU_TANH: activate_as(TORII_ACTIVATION_GELU_TANH, gate, up, n); break;
    case TORII_ACTIVATION_CLAMPED: activate_as(TORII_ACTIVATION_CLAMPED, gate, up, n); break;
    }
}

// x: [n]
static void scale_and_cap(float *x, float scale, float cap, int n) {
    for (int i = 0; i < n; i += 16) {
        f32x16 v = load_part(x + i, n - i) * splat(scale);
        if (cap > 0.0f) v = tanh16(v * splat(1.0f / cap)) * splat(cap);
        store_part(x + i, v, n - i);
    }
}
