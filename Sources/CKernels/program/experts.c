// Steps of mixtures of experts: see program.h.
#include "run_state.h"

#include <string.h>

// The experts with the largest logits, in descending order, the lower one first where they are
// equal.
static void choose(const float *logits, const torii_routing *routing, int32_t *experts) {
    int chosen = 0;
    for (int expert = 0; expert < routing->expert_count; expert++) {
        int place = chosen;
        while (place > 0 && logits[expert] > logits[experts[place - 1]]) place--;
        if (place == routing->active_count) continue;
        if (chosen < routing->active_count) chosen++;
        for (int i = chosen - 1; i > place; i--) experts[i] = experts[i - 1];
        experts[place] = expert;
    }
}

// scratch: [2 X]
static void weigh(const run_state *run, const float *logits, const torii_routing *routing,
                  const int32_t *experts, float *weights, float *scratch) {
    int n = routing->normalizes ? routing->active_count : routing->expert_count;
    float largest = logits[experts[0]], sum = 0.0f;
    for (int i = 0; i < n; i++) {
        scratch[i] = logits[routing->normalizes ? experts[i] : i] - largest;
    }
    float *exponentials = scratch + routing->expert_count;
    run->program->vector->exponential(scratch, n, exponentials);
    for (int i = 0; i < n; i++) sum += exponentials[i];
    for (int i = 0; i < routing->active_count; i++) {
        float share = exponentials[routing->normalizes ? i : experts[i]] / sum;
        weights[i] = share * routing->weight_scale;
    }
}

// Orders the choices of all rows by expert, then row.
static void group(const torii_routing *routing, int rows) {
    int choices = rows * routing->active_count;
    int32_t *first = routing->first_slots;
    memset(first, 0, ((size_t)routing->expert_count + 1) * sizeof *first);
    for (int c = 0; c < choices; c++) first[routing->experts[c] + 1]++;
    for (int x = 0; x < routing->expert_count; x++) first[x + 1] += first[x];
    // `first` runs ahead while slots are given out, and is set back afterwards.
    for (int c = 0; c < choices; c++) {
        int slot = first[routing->experts[c]]++;
        routing->slots[c] = slot;
        routing->slot_rows[slot] = c / routing->active_count;
    }
    for (int x = routing->expert_count; x > 0; x--) first[x] = first[x - 1];
    first[0] = 0;
}

void torii_run_route(const run_state *run, const torii_step *step) {
    const torii_routing *routing = step->routing;
    int rows = step_rows(run, step);
    row_range mine = part_of_rows(rows, run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        const float *logits = step->input + (size_t)row * step->input_stride;
        size_t place = (size_t)row * (size_t)routing->active_count;
        choose(logits, routing, routing->experts + place);
        weigh(run, logits, routing, routing->experts + place, routing->weights + place,
              private_values(run));
    }
    end_phase(run, TORII_TIME_REST);
    if (run->thread == 0) group(routing, rows);
    end_phase(run, TORII_TIME_REST);
}

// An expert's part of the matrix that holds all experts' rows, one behind the other.
static torii_matrix part_of_expert(const torii_matrix *all, const torii_routing *routing,
                                   int expert) {
    torii_matrix part = *all;
    part.rows = all->rows / routing->expert_count;
    part.strips = part.rows / TORII_STRIP_ROWS;
    size_t first = (size_t)expert * (size_t)part.strips;
    part.quants += first * all->quant_stride;
    part.scales += first * all->scale_stride;
    return part;
}

// Multiplies an expert's slots with its part of a matrix; returns the columns that this thread
// computed.
static row_range multiply(const run_state *run, const torii_step *step, int m, int expert,
                          const torii_activations *a) {
    const torii_routing *routing = step->routing;
    torii_matrix part = part_of_expert(step->matrices[m], routing, expert);
    const torii_matrix *parts[] = {&part};
    strip_range strips = part_of_matrices(parts, 1, 0, run->thread, run->thread_count);
    if (strips.count == 0) return (row_range){0, 0};
    int first = routing->first_slots[expert], end = routing->first_slots[expert + 1];
    const float *bias = step->biases[m];
    if (bias != NULL) bias += (size_t)expert * (size_t)part.rows;
    run->program->matmul->multiply(&part, a, first, end - first, strips.first, strips.count,
                                   step->outputs[m], step->output_stride, bias, false);
    return columns_of(strips, &part);
}

void torii_run_experts_activated_project(const run_state *run, const torii_step *step) {
    const torii_routing *routing = step->routing;
    int slots = routing->first_slots[routing->expert_count];
    torii_activations a = torii_prepare(run, step, slots, routing->slot_rows);
    for (int expert = 0; expert < routing->expert_count; expert++) {
        int first = routing->first_slots[expert], end = routing->first_slots[expert + 1];
        if (first == end) continue;
        row_range columns = multiply(run, step, 0, expert, &a);
        multiply(run, step, 1, expert, &a);
        count_time(run, TORII_TIME_PRODUCTS);
        for (int slot = first; slot < end && columns.end > columns.first; slot++) {
            size_t offset = (size_t)slot * step->output_stride + (size_t)columns.first;
            run->program->vector->activate(step->activation, step->outputs[0] + offset,
                                           step->outputs[1] + offset,
                                           columns.end - columns.first);
        }
        count_time(run, TORII_TIME_REST);
    }
    end_phase(run, TORII_TIME_REST);
}

void torii_run_experts_project(const run_state *run, const torii_step *step) {
    const torii_routing *routing = step->routing;
    int slots = routing->first_slots[routing->expert_count];
    torii_activations a = torii_prepare(run, step, slots, NULL);
    for (int expert = 0; expert < routing->expert_count; expert++) {
        if (routing->first_slots[expert] == routing->first_slots[expert + 1]) continue;
        multiply(run, step, 0, expert, &a);
    }
    end_phase(run, TORII_TIME_PRODUCTS);
}

void torii_run_experts_sum(const run_state *run, const torii_step *step) {
    const torii_routing *routing = step->routing;
    const torii_vector_kernels *vector = run->program->vector;
    int n = step->columns;
    row_range mine = part_of_rows(step_rows(run, step), run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        float *sum = private_values(run);
        memset(sum, 0, (size_t)n * sizeof *sum);
        for (int i = 0; i < routing->active_count; i++) {
            size_t choice = (size_t)row * (size_t)routing->active_count + (size_t)i;
            size_t slot = (size_t)routing->slots[choice];
            vector->add(sum, step->input + slot * step->input_stride, routing->weights[choice], n);
        }
        float *out = step->outputs[0] + (size_t)row * step->output_stride;
        if (step->accumulate) {
            vector->add(out, sum, 1.0f, n);
        } else {
            memcpy(out, sum, (size_t)n * sizeof *out);
        }
    }
    end_phase(run, TORII_TIME_REST);
}
