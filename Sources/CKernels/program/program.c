// The interpreter of step programs: see program.h. Every thread walks the same steps; the
// work of a step is split by thread index, or taken in pieces by whichever thread gets to them.
#include "run_state.h"

// residual: [T, E]
void torii_run_embed(const run_state *run, const torii_step *step) {
    const torii_batch *batch = run->batch;
    const torii_vector_kernels *vector = run->program->vector;
    int n = run->program->embedding_length;
    row_range mine = part_of_rows(batch->row_count, run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        float *out = step->outputs[0] + (size_t)row * step->output_stride;
        torii_matrix_gather_row(step->matrices[0], batch->tokens[row], out);
        if (step->scale != 1.0f) vector->scale_and_cap(out, step->scale, 0.0f, n);
        if (step->matrix_count > 1) {
            float *other = private_values(run);
            torii_matrix_gather_row(step->matrices[1], batch->positions[row], other);
            vector->add(out, other, 1.0f, n);
        }
        if (step->biases[0] != NULL) vector->add(out, step->biases[0], 1.0f, n);
        if (step->norm.kind != TORII_NORM_NONE) normalize(run->program, &step->norm, out, n, out);
    }
    end_phase(run, TORII_TIME_REST);
}

void torii_run_normalize(const run_state *run, const torii_step *step) {
    row_range mine = part_of_rows(step_rows(run, step), run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        normalize(run->program, &step->norm, step->input + (size_t)row * step->input_stride,
                  step->columns, step->outputs[0] + (size_t)row * step->output_stride);
    }
    end_phase(run, TORII_TIME_REST);
}

void torii_run_join(const run_state *run, const torii_step *step) {
    const torii_program *program = run->program;
    int n = step->columns;
    row_range mine = part_of_rows(step_rows(run, step), run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        const float *branch = step->input + (size_t)row * step->input_stride;
        float *out = step->outputs[0] + (size_t)row * step->output_stride;
        if (step->norm.kind != TORII_NORM_NONE) {
            float *normal = private_values(run);
            normalize(program, &step->norm, branch, n, normal);
            branch = normal;
        }
        float scale = step->scale;
        if (step->row_gates != NULL) {
            float e, gate = -step->row_gates[(size_t)row * step->row_gate_stride];
            program->vector->exponential(&gate, 1, &e);
            scale /= 1.0f + e;
        }
        program->vector->add(out, branch, scale, n);
        if (step->result_norm.kind != TORII_NORM_NONE) {
            normalize(program, &step->result_norm, out, n, out);
        }
    }
    end_phase(run, TORII_TIME_REST);
}

static void run_steps(void *argument, int thread, int thread_count) {
    run_state run = *(const run_state *)argument;
    run.thread = thread;
    run.thread_count = thread_count;
    torii_stopwatch watch = {0};
    if (run.program->times != NULL) {
        watch.since = now_nanoseconds();
        run.stopwatch = &watch;
    }
    for (int i = 0; i < run.program->step_count; i++) {
        const torii_step *step = &run.program->steps[i];
        if (step_rows(&run, step) == 0) continue;
        switch (step->kind) {
        case TORII_STEP_EMBED: torii_run_embed(&run, step); break;
        case TORII_STEP_NORMALIZE: torii_run_normalize(&run, step); break;
        case TORII_STEP_PROJECT: torii_run_project(&run, step); break;
        case TORII_STEP_ACTIVATED_PROJECT: torii_run_activated_project(&run, step); break;
        case TORII_STEP_ROTATE: torii_run_rotate(&run, step); break;
        case TORII_STEP_ATTEND: torii_run_attend(&run, step); break;
        case TORII_STEP_JOIN: torii_run_join(&run, step); break;
        case TORII_STEP_ROUTE: torii_run_route(&run, step); break;
        case TORII_STEP_EXPERTS_ACTIVATED_PROJECT:
            torii_run_experts_activated_project(&run, step);
            break;
        case TORII_STEP_EXPERTS_PROJECT: torii_run_experts_project(&run, step); break;
        case TORII_STEP_EXPERTS_SUM: torii_run_experts_sum(&run, step); break;
        }
    }
    if (run.stopwatch == NULL) return;
    for (int kind = 0; kind < TORII_TIME_COUNT; kind++) {
        run.program->times[thread].nanoseconds[kind] += watch.times.nanoseconds[kind];
    }
}

torii_pool_times torii_program_run(const torii_program *program, const torii_batch *batch,
                                   torii_pool *pool, int thread_count) {
    run_state run = {.program = program, .batch = batch, .pool = pool};
    return torii_pool_run(pool, thread_count, run_steps, &run);
}
