// What rows lose when they are quantised, quantised in turn: see torii_step.refines in program.h.
#include "run_state.h"

// The sum of both is as good as rows of 16 bits, at the price of a second product.
torii_activations torii_prepare_remainders(const run_state *run, const torii_step *step, int rows,
                                           const torii_activations *a) {
    const torii_program *program = run->program;
    bool alone = rows <= TORII_PRIVATE_ROWS;
    uint8_t *mine = program->private_activations + (size_t)run->thread * program->private_stride;
    torii_activations remainders = {.columns = step->columns};
    torii_activations_init(&remainders, rows, step->columns,
                           alone ? mine + program->private_remainders_offset
                                 : program->shared_remainders);
    float *rest = private_row(run);
    row_range range = {0, rows};
    if (!alone) range = part_of_rows(rows, run->thread, run->thread_count);
    for (int row = range.first; row < range.end; row++) {
        const float *x = ordered(run, step, a->values + (size_t)row * a->value_stride);
        const int8_t *quants = a->quants + (size_t)row * a->quant_stride;
        const float *scales = a->scales + (size_t)row * a->scale_stride;
        for (int k = 0; k < step->columns; k++) {
            float kept = scales[k / TORII_ACTIVATION_GROUP] * (float)quants[k];
            rest[k] = x[k] - kept;
        }
        program->matmul->quantize(rest, row, &remainders);
    }
    end_preparation(run, alone);
    return remainders;
}
