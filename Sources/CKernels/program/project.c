// Steps that multiply matrices: see program.h.
#include "run_state.h"

// Normalises and quantises rows `range` of the step's input into `a`, whose values lie in `values`.
static void prepare_rows(const run_state *run, const torii_step *step, row_range range,
                         const int32_t *sources, torii_activations *a, float *values) {
    const torii_program *program = run->program;
    for (int row = range.first; row < range.end; row++) {
        int source = sources == NULL ? row : sources[row];
        const float *x = step->input + (size_t)source * step->input_stride;
        if (step->norm.kind != TORII_NORM_NONE) {
            float *out = values + (size_t)row * a->value_stride;
            normalize(program, &step->norm, x, step->columns, out);
            x = out;
        }
        if (step->needs_quants) {
            program->matmul->quantize(ordered(run, step, x), row, a);
        }
    }
}

torii_activations torii_prepare(const run_state *run, const torii_step *step, int rows,
                                const int32_t *sources) {
    const torii_program *program = run->program;
    bool needs_values = step->needs_values || torii_has_adapters(run, step);
    bool alone = rows <= TORII_PRIVATE_ROWS;
    uint8_t *mine = program->private_activations + (size_t)run->thread * program->private_stride;
    uint8_t *storage = alone ? mine : program->shared_activations;
    float *values = private_values(run);
    row_range range = {0, rows};
    if (!alone) {
        range = part_of_rows(rows, run->thread, run->thread_count);
        if (needs_values) values = program->shared_values;
    }

    torii_activations a = {.columns = step->columns};
    if (step->needs_quants) torii_activations_init(&a, rows, step->columns, storage);
    // When only quants are wanted, one row of values after the other passes through the same place.
    a.value_stride = alone || needs_values ? (size_t)step->columns : 0;
    prepare_rows(run, step, range, sources, &a, values);
    a.values = values;
    if (step->norm.kind == TORII_NORM_NONE) {
        a.values = step->input;
        a.value_stride = step->input_stride;
    }
    end_preparation(run, alone);
    return a;
}

// The prepared rows of a step, and if it refines their remainders.
typedef struct {
    int count;
    torii_activations rows;
    torii_activations remainders;
} step_input;

static step_input prepare(const run_state *run, const torii_step *step) {
    step_input input = {.count = step_rows(run, step)};
    input.rows = torii_prepare(run, step, input.count, NULL);
    if (step->refines) {
        input.remainders = torii_prepare_remainders(run, step, input.count, &input.rows);
    }
    return input;
}

// Multiplies strips of matrix m with the rows.
static void multiply(const run_state *run, const torii_step *step, int m, strip_range strips,
                     const step_input *input, bool accumulate) {
    const torii_matrix *matrix = step->matrices[m];
    if (strips.count == 0) return;
    run->program->matmul->multiply(matrix, &input->rows, 0, input->count, strips.first,
                                   strips.count, step->outputs[m], step->output_stride,
                                   step->biases[m], accumulate);
    if (!step->refines || matrix->type != TORII_TYPE_Q8_0) return;
    run->program->matmul->multiply(matrix, &input->remainders, 0, input->count, strips.first,
                                   strips.count, step->outputs[m], step->output_stride, NULL, true);
}

// The strips of matrix m in this thread's share of the bytes of all matrices.
static strip_range my_strips(const run_state *run, const torii_step *step, int m) {
    return part_of_matrices(step->matrices, step->matrix_count, m, run->thread,
                            run->thread_count);
}

static void scale_and_cap(const run_state *run, const torii_step *step, int m,
                          strip_range strips) {
    row_range columns = columns_of(strips, step->matrices[m]);
    if (columns.end <= columns.first || (step->scale == 1.0f && step->cap == 0.0f)) return;
    for (int row = 0; row < step_rows(run, step); row++) {
        float *out = step->outputs[m] + (size_t)row * step->output_stride;
        run->program->vector->scale_and_cap(out + columns.first, step->scale, step->cap,
                                            columns.end - columns.first);
    }
}

static void project_shared(const run_state *run, const torii_step *step, const step_input *input) {
    for (;;) {
        int m = 0;
        strip_range strips = pair_of_matrices(step->matrices, step->matrix_count,
                                              torii_pool_take(run->pool), &m);
        if (strips.count == 0) return;
        multiply(run, step, m, strips, input, step->accumulate);
        scale_and_cap(run, step, m, strips);
    }
}

// Each thread computes its strips.
static void project_split(const run_state *run, const torii_step *step, const step_input *input) {
    bool adapts = torii_has_adapters(run, step);
    if (adapts) torii_narrow_for_adapters(run, step, &input->rows);
    for (int m = 0; m < step->matrix_count; m++) {
        multiply(run, step, m, my_strips(run, step, m), input, step->accumulate);
    }
    if (adapts) end_phase(run, TORII_TIME_PRODUCTS);
    for (int m = 0; m < step->matrix_count; m++) {
        if (adapts) torii_add_adapters(run, step, m, my_strips(run, step, m));
        scale_and_cap(run, step, m, my_strips(run, step, m));
    }
}

void torii_run_project(const run_state *run, const torii_step *step) {
    step_input input = prepare(run, step);
    if (shares_work(run, input.count) && !torii_has_adapters(run, step)) {
        project_shared(run, step, &input);
    } else {
        project_split(run, step, &input);
    }
    end_phase(run, TORII_TIME_PRODUCTS);
}

// Combines what both matrices gave for these rows and columns.
static void activate(const run_state *run, const torii_step *step, row_range rows,
                     row_range columns) {
    if (columns.end <= columns.first) return;
    for (int row = rows.first; row < rows.end; row++) {
        size_t offset = (size_t)row * step->output_stride + (size_t)columns.first;
        const float *up = step->matrix_count > 1 ? step->outputs[1] + offset : NULL;
        run->program->vector->activate(step->activation, step->outputs[0] + offset, up,
                                       columns.end - columns.first);
    }
}

// Each thread activates whole rows once all products are there: pairs of strips are too narrow.
static void activated_project_shared(const run_state *run, const torii_step *step,
                                     const step_input *input) {
    for (;;) {
        int m = 0;
        strip_range strips = pair_of_matrices(step->matrices, step->matrix_count,
                                              torii_pool_take(run->pool), &m);
        if (strips.count == 0) break;
        multiply(run, step, m, strips, input, false);
    }
    end_phase(run, TORII_TIME_PRODUCTS);
    activate(run, step, part_of_rows(input->count, run->thread, run->thread_count),
             (row_range){0, step->matrices[0]->rows});
}

// Each thread computes the same strips of both matrices.
static void activated_project_split(const run_state *run, const torii_step *step,
                                    const step_input *input) {
    bool adapts = torii_has_adapters(run, step);
    if (adapts) torii_narrow_for_adapters(run, step, &input->rows);
    strip_range strips = part_of_matrices(step->matrices, 1, 0, run->thread, run->thread_count);
    for (int m = 0; m < step->matrix_count; m++) multiply(run, step, m, strips, input, false);
    if (adapts) end_phase(run, TORII_TIME_PRODUCTS);
    for (int m = 0; m < step->matrix_count && adapts; m++) {
        torii_add_adapters(run, step, m, strips);
    }
    count_time(run, TORII_TIME_PRODUCTS);
    activate(run, step, (row_range){0, input->count}, columns_of(strips, step->matrices[0]));
}

void torii_run_activated_project(const run_state *run, const torii_step *step) {
    step_input input = prepare(run, step);
    if (shares_work(run, input.count) && !torii_has_adapters(run, step)) {
        activated_project_shared(run, step, &input);
    } else {
        activated_project_split(run, step, &input);
    }
    end_phase(run, TORII_TIME_REST);
}
