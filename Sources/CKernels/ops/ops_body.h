// Bodies of torii_vector_kernels (ops.h) without attention. Included once by each ops_<isa>.c.

// x: [n]  weight: [n]  out: [n]
static void rms_norm(const float *x, const float *weight, float epsilon, int n, float *out) {
    f32x16 squares = splat(0.0f);
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        f32x16 v = load(x + i);
        squares = fma16(v, v, squares);
    }
    if (i < n) {
        f32x16 v = load_first(x + i, n - i);
        squares = fma16(v, v, squares);
    }
    float factor = 1.0f / __builtin_elementwise_sqrt(sum_lanes(squares) / (float)n + epsilon);
    for (i = 0; i + 16 <= n; i += 16) {
        store(out + i, (load(x + i) * splat(factor)) * load(weight + i));
    }
    if (i < n) {
        f32x16 v = (load_first(x + i, n - i) * splat(factor)) * load_first(weight + i, n - i);
        store_first(out + i, v, n - i);
    }
}

// The first n lanes of x, n <= 16; the others are 0.
INLINE f32x16 load_part(const float *x, int n) {
    return n >= 16 ? load(x) : load_first(x, n);
}

INLINE void store_part(float *out, f32x16 x, int n) {
    if (n >= 16) {
        store(out, x);
    } else {
        store_first(out, x, n);
    }
}

// x: [n]  weight: [n]  bias: [n] or NULL  out: [n]
static void layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       int n, float *out) {
    f32x16 sum = splat(0.0f);
    for (int i = 0; i < n; i += 16) sum = sum + load_part(x + i, n - i);
    const f32x16 mean = splat(sum_lanes(sum) / (float)n);
    f32x16 squares = splat(0.0f);
    for (int i = 0; i < n; i += 16) {
        // Lanes beyond the end count as the mean: they add nothing.
        float lanes[16];
        store(lanes, load_part(x + i, n - i) - mean);
        f32x16 v = load_part(lanes, n - i);
        squares = fma16(v, v, squares);
    }
    float factor = 1.0f / __builtin_elementwise_sqrt(sum_lanes(squares) / (float)n + epsilon);
    for (int i = 0; i < n; i += 16) {
        int count = n - i;
        f32x16 v = (load_part(x + i, count) - mean) * splat(factor);
        v = v * load_part(weight + i, count);
        if (bias != NULL) v = v + load_part(bias + i, count);
        store_part(out + i, v, count);
    }
}

// out: [n]  x: [n]
static void add(float *out, const float *x, float scale, int n) {
    for (int i = 0; i < n; i += 16) {
        f32x16 v = fma16(load_part(x + i, n - i), splat(scale), load_part(out + i, n - i));
        store_part(out + i, v, n - i);
    }
}

// x: [n]  out: [n]
static void exponential(const float *x, int n, float *out) {
    int i = 0;
    for (; i + 16 <= n; i += 16) store(out + i, exp16(load(x + i)));
    if (i < n) store_first(out + i, exp16(load_first(x + i, n - i)), n - i);
}

// head: [D]  cosines, sines: [rotated / 2]
static void rotate(float *head, const float *cosines, const float *sines, int rotated, int d,
                   float scale) {
    int half = rotated / 2;
    float *second = head + half;
    for (int i = 0; i < half; i += 16) {
        int n = half - i < 16 ? half - i : 16;
        f32x16 a = n == 16 ? load(head + i) : load_first(head + i, n);
        f32x16 b = n == 16 ? load(second + i) : load_first(second + i, n);
        f32x16 c = n == 16 ? load(cosines + i) : load_first(cosines + i, n);
        f32x16 s = n == 16 ? load(sines + i) : load_first(sines + i, n);
        f32x16 x = fma16(a, c, -(b * s)) * splat(scale);
        f32x16 y = fma16(b, c, a * s) * splat(scale);
        if (n == 16) {
            store(head + i, x);
            store(second + i, y);
        } else {
            store_first(head + i, x, n);
            store_first(second + i, y, n);
        }
    }
    for (int i = rotated; i < d; i++) head[i] *= scale;
}
