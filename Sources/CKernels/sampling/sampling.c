#include "sampling.h"

#include <math.h>
#include <string.h>

// A fused multiply-add would round differently on machines that have it.
#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

// exp(x) for x <= 0 with a relative error below 2^-22; 0 for x < -87.
static inline float exponential(float x)
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

torii_logits_summary torii_logits_summarize(const float *logits, int32_t count)
{
    float maxima[LANES];
    float poison[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        maxima[lane] = -INFINITY;
        poison[lane] = 0.0f;
    }
    int32_t index = 0;
    for (; index + LANES <= count; index += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            const float value = logits[index + lane];
            maxima[lane] = value > maxima[lane] ? value : maxima[lane];
            // 0 for every finite value, NaN for all others, and NaN stays.
            poison[lane] += value * 0.0f;
        }
    }
    for (; index < count; index++) {
        maxima[0] = logits[index] > maxima[0] ? logits[index] : maxima[0];
        poison[0] += logits[index] * 0.0f;
    }
    torii_logits_summary summary = {maxima[0], 0, true};
    for (int lane = 0; lane < LANES; lane++) {
        summary.maximum = maxima[lane] > summary.maximum ? maxima[lane] : summary.maximum;
        summary.is_finite = summary.is_finite && poison[lane] == 0.0f;
    }
    if (!summary.is_finite) {
        return summary;
    }
    while (logits[summary.maximum_index] != summary.maximum) {
        summary.maximum_index++;
    }
    return summary;
}

// weights: NULL or [count], count <= TORII_SAMPLING_BLOCK
static inline double block_weights(const float *logits, int32_t count, float maximum,
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

static inline int32_t block_length(int32_t count, int32_t first)
{
    const int32_t rest = count - first;
    return rest < TORII_SAMPLING_BLOCK ? rest : TORII_SAMPLING_BLOCK;
}

double torii_logits_exponential_sum(const float *logits, int32_t count, float maximum)
{
    double total = 0;
    for (int32_t first = 0; first < count; first += TORII_SAMPLING_BLOCK) {
        total += block_weights(logits + first, block_length(count, first), maximum, 1.0f, NULL);
    }
    return total;
}

void torii_logits_to_weights(const float *logits, int32_t count, float maximum,
                             float inverse_temperature, float *weights, double *block_sums)
{
    for (int32_t first = 0; first < count; first += TORII_SAMPLING_BLOCK) {
        block_sums[first / TORII_SAMPLING_BLOCK] =
            block_weights(logits + first, block_length(count, first), maximum,
                          inverse_temperature, weights + first);
    }
}

void torii_weights_histogram(const float *weights, int32_t count, uint32_t prefix, int32_t shift,
                             int32_t *counts, double *masses)
{
    memset(counts, 0, TORII_WEIGHT_BINS * sizeof counts[0]);
    memset(masses, 0, TORII_WEIGHT_BINS * sizeof masses[0]);
    for (int32_t index = 0; index < count; index++) {
        uint32_t bits;
        memcpy(&bits, weights + index, sizeof bits);
        if ((bits >> (shift + TORII_WEIGHT_BIN_BITS)) != prefix) {
            continue;
        }
        const uint32_t bin = (bits >> shift) & (TORII_WEIGHT_BINS - 1);
        counts[bin]++;
        masses[bin] += weights[index];
    }
}

int32_t torii_weights_gather(const float *weights, int32_t count, float cut, int32_t tie_count,
                             int32_t *indices, int32_t capacity)
{
    int32_t found = 0;
    for (int32_t index = 0; index < count; index++) {
        const float weight = weights[index];
        if (weight < cut || (weight == cut && tie_count-- <= 0)) {
            continue;
        }
        if (found < capacity) {
            indices[found] = index;
        }
        found++;
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
