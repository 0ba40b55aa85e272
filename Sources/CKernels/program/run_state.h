// What the parts of the interpreter share: the state of a run and its steps.
#pragma once

#include "partition.h"
#include "program.h"

/// One thread's view of a run.
typedef struct {
    const torii_program *program;
    const torii_batch *batch;
    torii_pool *pool;
    int thread;
    int thread_count;
} run_state;

static inline int step_rows(const run_state *run, const torii_step *step) {
    return step->selected_rows ? run->batch->selected_count : run->batch->row_count;
}

/// Room for TORII_PRIVATE_ROWS rows of the widest input, this thread's own.
static inline float *private_values(const run_state *run) {
    return (float *)(run->program->private_activations
                     + (size_t)run->thread * run->program->private_stride
                     + run->program->private_values_offset);
}

/// x, out: [n]. out may be x. The norm isn't none.
static inline void normalize(const torii_program *program, const torii_norm *norm, const float *x,
                             int n, float *out) {
    if (norm->kind == TORII_NORM_LAYER) {
        program->vector->layer_norm(x, norm->weight, norm->bias, program->norm_epsilon, n, out);
    } else {
        program->vector->rms_norm(x, norm->weight, program->norm_epsilon, n, out);
    }
}

// Each runs one step on the calling thread, and returns when all threads have.
void torii_run_embed(const run_state *run, const torii_step *step);
void torii_run_normalize(const run_state *run, const torii_step *step);
void torii_run_project(const run_state *run, const torii_step *step);
void torii_run_activated_project(const run_state *run, const torii_step *step);
void torii_run_rotate(const run_state *run, const torii_step *step);
void torii_run_attend(const run_state *run, const torii_step *step);
void torii_run_join(const run_state *run, const torii_step *step);
