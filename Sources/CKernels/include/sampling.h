// Passes over a row of logits for the sampler. V: vocabulary size.
//
// All of them are plain C in one fixed order of operations (16 lanes, blocks of
// TORII_SAMPLING_BLOCK) without fused multiply-adds, so that their results are the same on every
// machine and for every instruction set that they are compiled for.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "isa.h"

// Elements that share one partial sum.
enum { TORII_SAMPLING_BLOCK = 256 };

// Bins of one histogram: 10 bits of the weights' bit patterns. A weight is 0...1, so its pattern
// has 30 bits: three histograms, each over one bin of the one before, reach a single value.
enum { TORII_WEIGHT_BIN_BITS = 10, TORII_WEIGHT_BINS = 1 << TORII_WEIGHT_BIN_BITS };

typedef struct torii_logits_summary {
    float maximum;
    int32_t maximum_index; // the lowest index that holds the maximum
    bool is_finite;        // no NaN and no infinity; otherwise the other fields mean nothing
} torii_logits_summary;

typedef struct torii_sampling_kernels {
    // logits: [V], V >= 1  copy: NULL, or [V] that gets the logits
    // maxima: [ceil(V / TORII_SAMPLING_BLOCK)], each block's largest logit
    torii_logits_summary (*summarize)(const float *logits, int32_t count, float *copy,
                                      float *maxima);

    // The sum of exp(logits[i] - maximum).
    // logits: [V]  maximum: of all
    double (*exponential_sum)(const float *logits, int32_t count, float maximum);

    // weights[i] = exp((logits[i] - maximum) * inverse_temperature), 0 below exp(-87).
    // logits: [V]  weights: [V]  block_sums: [ceil(V / TORII_SAMPLING_BLOCK)]
    void (*to_weights)(const float *logits, int32_t count, float maximum,
                       float inverse_temperature, float *weights, double *block_sums);
} torii_sampling_kernels;

// The passes for an instruction set that this machine supports.
const torii_sampling_kernels *torii_sampling_for(torii_isa isa);

// Adds all weights from `floor` up, and some smaller ones, to histograms over ten bits of their
// patterns: bin = (bits >> shift) & 1023.
// weights: [V], 0...1  counts: [1024]  masses: [1024]; both are cleared first
void torii_weights_histogram(const float *weights, int32_t count, float floor, int32_t shift,
                             int32_t *counts, double *masses);

// Copies the weights whose bit pattern begins with `prefix`, (bits >> shift) == prefix, in their
// order. Returns how many there are. `selected` may be `weights`.
// weights: [V]  selected: [V]
int32_t torii_weights_select(const float *weights, int32_t count, uint32_t prefix, int32_t shift,
                             float *selected);

// The indices of the weights above `cut` and of the first `tie_count` that equal it, ascending.
// Returns how many there are; writes at most `capacity`.
// weights: [V]  indices: [capacity]
int32_t torii_weights_gather(const float *weights, int32_t count, float cut, int32_t tie_count,
                             int32_t *indices, int32_t capacity);

// The logits from `floor` up and their indices, ascending. Returns how many there are.
// logits: [V]  maxima: each block's largest, see summarize  kept: [V], may be `logits`
// indices: [V]
int32_t torii_logits_above(const float *logits, int32_t count, const float *maxima, float floor,
                           float *kept, int32_t *indices);

// The indices of the `top_count` largest logits, largest first, equal ones by index.
// logits: [V], finite  indices: [top_count]; top_count <= V
void torii_logits_top(const float *logits, int32_t count, int32_t top_count, int32_t *indices);
