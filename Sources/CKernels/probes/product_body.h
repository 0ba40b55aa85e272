// What a product with weights of a type consists of (the contract of matmul.h), on registers alone:
// included once by each product_<isa>.c, inside its target attribute, behind
//
//     LANES, SUMS     rows in a register, sums that are in flight together
//     ints, floats    registers of LANES 32-bit numbers
//     HIDE(x)         keeps the compiler from knowing what x is
//     splat(x), multiply(a, b), fused(a, b, c), to_floats(i)
//     add_group(type, run, index, weights, activations, &pairs, &dot)
//                     adds the products of four k, as add_product of avx2_sums.h does
//     run_of(type, count)
//
// and defines run_products. Nothing is loaded or stored: what is left is what the processor's
// arithmetic units must do for a product, however well its operands are fetched.

enum { RESULTS = 2 };  // enough for additions to results to be waited for nowhere

// 32 k of SUMS sums of quantised weights.
INLINE void multiply_sub_block(
    const int type, ints weights, ints activations, floats factor, floats results[RESULTS]) {
    const int parts = type_scale_length(type) == 16 ? 2 : 1, groups = 8 / parts;
    const int run = run_of(type, groups);
    floats f[SUMS];
    UNROLLED for (int part = 0; part < parts; part++) {
        ints dot[SUMS], pairs[SUMS];
        UNROLLED for (int sum = 0; sum < SUMS; sum++) dot[sum] = (ints){0};
        UNROLLED for (int group = 0; group < groups; group++) {
            HIDE(weights);
            UNROLLED for (int sum = 0; sum < SUMS; sum++) {
                HIDE(activations);
                add_group(type, run, group, weights, activations, &pairs[sum], &dot[sum]);
            }
        }
        UNROLLED for (int sum = 0; sum < SUMS; sum++) {
            floats value = to_floats(dot[sum]);
            f[sum] = part == 0 ? multiply(factor, value) : fused(factor, value, f[sum]);
            if (type_has_minimums(type)) f[sum] = fused(factor, factor, f[sum]);
        }
    }
    UNROLLED for (int sum = 0; sum < SUMS; sum++) {
        floats *result = &results[sum % RESULTS];
        *result = fused(factor, f[sum], *result);
    }
}

INLINE void run_quantised(const int type, long iterations) {
    ints weights = {0}, activations = {0};
    floats factor = splat(0.5f), results[RESULTS] = {splat(1.0f), splat(2.0f)};
    for (long i = 0; i < iterations; i++) {
        HIDE(factor);
        multiply_sub_block(type, weights, activations, factor, results);
    }
    HIDE(results[0]);
    HIDE(results[1]);
}

enum { FLOAT_RESULTS = 12 };

// As many multiply-adds as run_quantised, of floats.
INLINE void run_floats(long iterations) {
    floats factor = splat(0.5f), results[FLOAT_RESULTS];
    UNROLLED for (int r = 0; r < FLOAT_RESULTS; r++) results[r] = splat((float)r);
    long steps = iterations * SUMS * TORII_SUB_BLOCK / FLOAT_RESULTS;
    for (long i = 0; i < steps; i++) {
        UNROLLED for (int r = 0; r < FLOAT_RESULTS; r++) {
            HIDE(factor);
            results[r] = fused(factor, factor, results[r]);
        }
    }
    UNROLLED for (int r = 0; r < FLOAT_RESULTS; r++) HIDE(results[r]);
}

// Multiply-adds of one iteration of run_products.
enum { PRODUCT_OPERATIONS = LANES * SUMS * TORII_SUB_BLOCK };

static void run_products(int type, long iterations) {
#define RUN(TYPE) case TYPE: run_quantised(TYPE, iterations); return
    switch (type) {
    RUN(TORII_TYPE_Q4_0);
    RUN(TORII_TYPE_Q4_1);
    RUN(TORII_TYPE_Q5_0);
    RUN(TORII_TYPE_Q5_1);
    RUN(TORII_TYPE_Q8_0);
    RUN(TORII_TYPE_Q2_K);
    RUN(TORII_TYPE_Q3_K);
    RUN(TORII_TYPE_Q4_K);
    RUN(TORII_TYPE_Q5_K);
    RUN(TORII_TYPE_Q6_K);
    RUN(TORII_TYPE_IQ4_NL);
    RUN(TORII_TYPE_IQ4_XS);
    RUN(TORII_TYPE_MXFP4);
    default: run_floats(iterations);
    }
#undef RUN
}
