#include "sampling.h"

#include <math.h>
#include <string.h>

// A fused multiply-add would round differently on machines that have it.
#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

// The passes are compiled once for each instruction set, by being inlined into its functions.
#define ALWAYS_INLINE static inline __attribute__((always_inline))

// exp(x) for x <= 0 with a relative error below 2^-22; 0 for x < -87.
ALWAYS_INLINE float exponential(float x)
{
    const float clamped = x < -87.0f ? -87.0f : x;
    // 1.5 * 2^23 makes the addition round to an integer that stands in the low bits.
    const float shifter = 12582912.0f;
    const float rounded = clamped * 1.44269504f + shifter;
    const float exponent = rounded - shifter;
    // ln 2 in two parts, the first exact in few bits.
    const float rest = (clamped - exponent * 0.693359375f) + exponent * 2.12194440e-4f;
    // Taylor coefficients suffice: |rest| <= ln(2) / 2.
    float sum = 1.0f / 5040.0f;
    sum = sum * rest + 1.0f / 720.0f;
    sum = sum * rest + 1.0f / 120.0f;
    sum = sum * rest + 1.0f / 24.0f;
    sum = sum * rest + 1.0f / 6.0f;
    sum = sum * rest + 0.5f;
    sum = sum * rest + 1.0f;
    sum = sum * rest + 1.0f;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    const uint32_t power_bits = (bits + 127u) << 23;
    float power;
    memcpy(&power, &power_bits, sizeof power);
    return x < -87.0f ? 0.0f : sum * power;
}

ALWAYS_INLINE int32_t block_length(int32_t count, int32_t first)
{
    const int32_t rest = count - first;
    return rest < TORII_SAMPLING_BLOCK ? rest : TORII_SAMPLING_BLOCK;
}

// The largest of count <= TORII_SAMPLING_BLOCK logits. poison: [LANES], stays 0 as long as all are
// finite. copy: NULL or [count].
ALWAYS_INLINE float block_maximum(const float *logits, int32_t count, float *copy, float *poison)
{
    float maxima[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        maxima[lane] = -INFINITY;
    }
    int32_t index = 0;
    for (; index + LANES <= count; index += LANES) {
        float values[LANES];
        memcpy(values, logits + index, sizeof values);
        if (copy != NULL) {
            memcpy(copy + index, values, sizeof values);
        }
        for (int lane = 0; lane < LANES; lane++) {
            maxima[lane] = values[lane] > maxima[lane] ? values[lane] : maxima[lane];
            // 0 for every finite value, NaN for all others, and NaN stays.
            poison[lane] += values[lane] * 0.0f;
        }
    }
    for (; index < count; index++) {
        maxima[0] = logits[index] > maxima[0] ? logits[index] : maxima[0];
        poison[0] += logits[index] * 0.0f;
        if (copy != NULL) {
            copy[index] = logits[index];
        }
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++) {
            const float other = maxima[lane + half];
            maxima[lane] = other > maxima[lane] ? other : maxima[lane];
        }
    }
    return maxima[0];
}

ALWAYS_INLINE torii_logits_summary summarize(const float *logits, int32_t count, float *copy,
                                             float *maxima)
{
    float poison[LANES] = {0};
    float maximum = -INFINITY;
    int32_t first = 0;
    for (int32_t start = 0; start < count; start += TORII_SAMPLING_BLOCK) {
        const float own = block_maximum(logits + start, block_length(count, start),
                                        copy == NULL ? NULL : copy + start, poison);
        maxima[start / TORII_SAMPLING_BLOCK] = own;
        if (own > maximum) {
            maximum = own;
            first = start;
        }
    }
    torii_logits_summary summary = {maximum, 0, true};
    for (int lane = 0; lane < LANES; lane++) {
        summary.is_finite = summary.is_finite && poison[lane] == 0.0f;
    }
    while (summary.is_finite && logits[first] != maximum) {
        first++;
    }
    summary.maximum_index = first;
    return summary;
}

// weights: NULL or [count], count <= TORII_SAMPLING_BLOCK
ALWAYS_INLINE double block_weights(const float *logits, int32_t count, float maximum,
                                   float inverse_temperature, float *weights)
{
    float sums[LANES] = {0};
    int32_t index = 0;
    for (; index + LANES <= count; index += LANES) {
        float values[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            values[lane] = exponential((logits[index + lane] - maximum) * inverse_temperature);
            sums[lane] += values[lane];
        }
        if (weights != NULL) {
            memcpy(weights + index, values, sizeof values);
        }
    }
    for (int lane = 0; index < count; index++, lane++) {
        const float value = exponential((logits[index] - maximum) * inverse_temperature);
        sums[lane] += value;
        if (weights != NULL) {
            weights[index] = value;
        }
    }
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
        total += sums[lane];
    }
    return total;
}

ALWAYS_INLINE double exponential_sum(const float *logits, int32_t count, float maximum)
{
    double total = 0;
    for (int32_t first = 0; first < count; first += TORII_SAMPLING_BLOCK) {
        total += block_weights(logits + first, block_length(count, first), maximum, 1.0f, NULL);
    }
    return total;
}

ALWAYS_INLINE void to_weights(const float *logits, int32_t count, float maximum,
                              float inverse_temperature, float *weights, double *block_sums)
{
    for (int32_t first = 0; first < count; first += TORII_SAMPLING_BLOCK) {
        block_sums[first / TORII_SAMPLING_BLOCK] =
            block_weights(logits + first, block_length(count, first), maximum,
                          inverse_temperature, weights + first);
    }
}

#define SAMPLING_KERNELS(isa, target)                                                             \
    target static torii_logits_summary summarize_##isa(const float *logits, int32_t count,        \
                                                       float *copy, float *maxima)                \
    {                                                                                             \
        return copy == NULL ? summarize(logits, count, NULL, maxima)                              \
                            : summarize(logits, count, copy, maxima);                             \
    }                                                                                             \
    target static double exponential_sum_##isa(const float *logits, int32_t count, float maximum) \
    {                                                                                             \
        return exponential_sum(logits, count, maximum);                                           \
    }                                                                                             \
    target static void to_weights_##isa(const float *logits, int32_t count, float maximum,        \
                                        float inverse_temperature, float *weights,                \
                                        double *block_sums)                                       \
    {                                                                                             \
        to_weights(logits, count, maximum, inverse_temperature, weights, block_sums);             \
    }                                                                                             \
    static const torii_sampling_kernels kernels_##isa = {                                         \
        summarize_##isa,                                                                          \
        exponential_sum_##isa,                                                                    \
        to_weights_##isa,                                                                         \
    };

SAMPLING_KERNELS(scalar, )
#if defined(__x86_64__)
SAMPLING_KERNELS(avx2, __attribute__((target("avx2"))))
SAMPLING_KERNELS(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))))
#endif

const torii_sampling_kernels *torii_sampling_for(torii_isa isa)
{
#if defined(__x86_64__)
    switch (isa) {
    case TORII_ISA_AVX512:
        return &kernels_avx512;
    case TORII_ISA_AVXVNNI:
    case TORII_ISA_AVX2:
        return &kernels_avx2;
    default:  // what is compiled for every processor
        break;
    }
#else
    (void)isa;
#endif
    return &kernels_scalar;
}

// Whether any of LANES weights reaches `floor`: most of a vocabulary is skipped by this.
ALWAYS_INLINE bool any_reaches(const float *weights, float floor)
{
    int reached = 0;
    for (int lane = 0; lane < LANES; lane++) {
        reached |= weights[lane] >= floor;
    }
    return reached != 0;
}

ALWAYS_INLINE void count_weight(float weight, int32_t shift, int32_t *counts, double *masses)
{
    uint32_t bits;
    memcpy(&bits, &weight, sizeof bits);
    const uint32_t bin = (bits >> shift) & (TORII_WEIGHT_BINS - 1);
    counts[bin]++;
    masses[bin] += weight;
}

void torii_weights_histogram(const float *weights, int32_t count, float floor, int32_t shift,
                             int32_t *counts, double *masses)
{
    memset(counts, 0, TORII_WEIGHT_BINS * sizeof counts[0]);
    memset(masses, 0, TORII_WEIGHT_BINS * sizeof masses[0]);
    for (int32_t first = 0; first < count; first += LANES) {
        const int32_t end = first + LANES < count ? first + LANES : count;
        if (end - first == LANES && !any_reaches(weights + first, floor)) {
            continue;
        }
        for (int32_t index = first; index < end; index++) {
            // Without a look at the floor again: a branch per weight costs more than counting.
            count_weight(weights[index], shift, counts, masses);
        }
    }
}

int32_t torii_weights_select(const float *weights, int32_t count, uint32_t prefix, int32_t shift,
                             float *selected)
{
    int32_t found = 0;
    for (int32_t index = 0; index < count; index++) {
        const float weight = weights[index];
        uint32_t bits;
        memcpy(&bits, &weight, sizeof bits);
        // Written always, kept only if it fits: no branch to predict.
        selected[found] = weight;
        found += (bits >> shift) == prefix;
    }
    return found;
}

int32_t torii_weights_gather(const float *weights, int32_t count, float cut, int32_t tie_count,
                             int32_t *indices, int32_t capacity)
{
    int32_t found = 0;
    for (int32_t first = 0; first < count; first += LANES) {
        const int32_t end = first + LANES < count ? first + LANES : count;
        if (end - first == LANES && !any_reaches(weights + first, cut)) {
            continue;
        }
        for (int32_t index = first; index < end; index++) {
            const float weight = weights[index];
            if (weight < cut || (weight == cut && tie_count-- <= 0)) {
                continue;
            }
            if (found < capacity) {
                indices[found] = index;
            }
            found++;
        }
    }
    return found;
}

int32_t torii_logits_above(const float *logits, int32_t count, const float *maxima, float floor,
                           float *kept, int32_t *indices)
{
    int32_t found = 0;
    for (int32_t start = 0; start < count; start += TORII_SAMPLING_BLOCK) {
        if (maxima[start / TORII_SAMPLING_BLOCK] < floor) {
            continue;
        }
        const int32_t end = start + block_length(count, start);
        for (int32_t index = start; index < end; index++) {
            // Written always, kept only if it fits: no branch to predict.
            const float logit = logits[index];
            kept[found] = logit;
            indices[found] = index;
            found += logit >= floor;
        }
    }
    return found;
}

void torii_logits_top(const float *logits, int32_t count, int32_t top_count, int32_t *indices)
{
    int32_t held = 0;
    for (int32_t index = 0; index < count && top_count > 0; index++) {
        const float value = logits[index];
        if (held == top_count && value <= logits[indices[held - 1]]) {
            continue;
        }
        int32_t place = held < top_count ? held++ : held - 1;
        for (; place > 0 && logits[indices[place - 1]] < value; place--) {
            indices[place] = indices[place - 1];
        }
        indices[place] = index;
    }
}
