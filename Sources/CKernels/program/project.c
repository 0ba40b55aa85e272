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

// In how many pieces the threads share out the first `count` matrices of a step; 0 if each has its
// part of the step instead.
static int piece_count(const run_state *run, const torii_step *step, int count, int rows) {
    // So few rows are as fast as memory, which is fast in long pieces only: bytes of one, and how
    // many there must be to a thread.
    enum { STREAMED_ROWS = 2, STREAMED_BYTES = 4 << 20, ENOUGH_PIECES = 4 };
    // Multiply-adds of other pieces: microseconds, many times what it takes to take a piece.
    enum { PIECE_PRODUCTS = 1 << 18 };
    int threads = run->thread_count;
    if (threads == 1 || torii_has_adapters(run, step)) return 0;
    int64_t bytes = 0, pairs = pairs_of_all(step->matrices, count);
    for (int m = 0; m < count; m++) {
        bytes += pair_bytes(step->matrices[m]) * pair_count(step->matrices[m]);
    }
    if (rows <= STREAMED_ROWS) {
        int64_t pieces = bytes / STREAMED_BYTES / threads * threads;
        return pieces >= ENOUGH_PIECES * threads ? (int)pieces : 0;
    }
    int64_t products = pairs * STRIP_PAIR * TORII_STRIP_ROWS * step->columns * rows;
    int64_t pieces = products / PIECE_PRODUCTS / threads * threads;
    if (pieces < threads) pieces = threads;
    return (int)(pieces < pairs ? pieces : pairs);
}

static void project_shared(const run_state *run, const torii_step *step, const step_input *input,
                           int pieces) {
    int pairs = pairs_of_all(step->matrices, step->matrix_count), piece;
    while ((piece = torii_pool_take_piece(run->pool, run->thread, pieces)) >= 0) {
        for (int m = 0; m < step->matrix_count; m++) {
            strip_range strips = strips_in(step->matrices, m, part_of_rows(pairs, piece, pieces));
            multiply(run, step, m, strips, input, step->accumulate);
            scale_and_cap(run, step, m, strips);
        }
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
    int pieces = piece_count(run, step, step->matrix_count, input.count);
    if (pieces > 0) {
        project_shared(run, step, &input, pieces);
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

// A piece has the same strips of both matrices.
static void activated_project_shared(const run_state *run, const torii_step *step,
                                     const step_input *input, int pieces) {
    // A piece has a few columns of each row, which lie in as many pages as there are rows. So many
    // rows are activated as a whole once all products are there.
    bool are_many = input->count >= TORII_SHARED_ROWS;
    row_range rows = {0, input->count};
    int pairs = pair_count(step->matrices[0]), piece;
    while ((piece = torii_pool_take_piece(run->pool, run->thread, pieces)) >= 0) {
        strip_range strips = strips_in(step->matrices, 0, part_of_rows(pairs, piece, pieces));
        for (int m = 0; m < step->matrix_count; m++) multiply(run, step, m, strips, input, false);
        if (are_many) continue;
        count_time(run, TORII_TIME_PRODUCTS);
        activate(run, step, rows, columns_of(strips, step->matrices[0]));
        count_time(run, TORII_TIME_REST);
    }
    if (!are_many) return;
    end_phase(run, TORII_TIME_PRODUCTS);
    rows = part_of_rows(input->count, run->thread, run->thread_count);
    activate(run, step, rows, (row_range){0, step->matrices[0]->rows});
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
    int pieces = piece_count(run, step, 1, input.count);
    if (pieces > 0) {
        activated_project_shared(run, step, &input, pieces);
    } else {
        activated_project_split(run, step, &input);
    }
    end_phase(run, TORII_TIME_REST);
}
