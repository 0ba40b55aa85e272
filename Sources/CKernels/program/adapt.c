// What low-rank adapters add to products: see torii_low_rank in program.h.
//
// Rows of one adapter that follow each other are multiplied together. Each row's numbers are sums
// in the fixed order of the float kernels, so they depend on nothing but the row and its adapter.
#include "run_state.h"

#include <stddef.h>

static const torii_low_rank *low_rank(const torii_batch_entry *entry, const torii_step *step,
                                      int m) {
    if (entry->adapter == NULL || step->places[m] < 0) return NULL;
    const torii_low_rank *factors = &entry->adapter[step->places[m]];
    return factors->down == NULL ? NULL : factors;
}

// The narrowed row of the step's row `row` and matrix m; the next row's lies `narrow_stride` floats
// behind it.
static const size_t narrow_stride = (size_t)TORII_STEP_MATRICES * TORII_RANK_MAX;

static float *narrowed(const run_state *run, int row, int m) {
    return run->program->low_ranks + (size_t)row * narrow_stride + (size_t)m * TORII_RANK_MAX;
}

// The rows of entry e and of those behind it with the same adapter; e becomes the first entry of
// another.
static row_range next_rows(const torii_batch *batch, const torii_step *step, int *e) {
    const torii_batch_entry *first = &batch->entries[*e];
    row_range rows = entry_rows(step, first);
    for (++*e; *e < batch->entry_count; ++*e) {
        const torii_batch_entry *entry = &batch->entries[*e];
        if (entry->adapter != first->adapter) break;
        rows.end = entry_rows(step, entry).end;
    }
    return rows;
}

static void narrow(const run_state *run, const torii_low_rank *factors, row_range rows, int strip,
                   float *out, const torii_activations *a) {
    run->program->matmul->multiply(factors->down, a, rows.first, rows.end - rows.first, strip, 1,
                                   out, narrow_stride, NULL, false);
    int first = strip * TORII_STRIP_ROWS;
    int count = factors->down->rows - first;
    if (count > TORII_STRIP_ROWS) count = TORII_STRIP_ROWS;
    for (int row = rows.first; row < rows.end; row++) {
        run->program->vector->scale_and_cap(out + (size_t)row * narrow_stride + first,
                                            factors->scale, 0.0f, count);
    }
}

// One unit of work is a strip of a factor, for all neighbouring rows of an adapter.
void torii_narrow_for_adapters(const run_state *run, const torii_step *step,
                               const torii_activations *a) {
    const torii_batch *batch = run->batch;
    int unit = 0;
    for (int e = 0; e < batch->entry_count;) {
        const torii_batch_entry *entry = &batch->entries[e];
        row_range rows = next_rows(batch, step, &e);
        if (rows.end == rows.first) continue;
        for (int m = 0; m < step->matrix_count; m++) {
            const torii_low_rank *factors = low_rank(entry, step, m);
            if (factors == NULL) continue;
            for (int strip = 0; strip < factors->down->strips; strip++, unit++) {
                if (unit % run->thread_count != run->thread) continue;
                narrow(run, factors, rows, strip, narrowed(run, 0, m), a);
            }
        }
    }
}

void torii_add_adapters(const run_state *run, const torii_step *step, int m, strip_range strips) {
    const torii_batch *batch = run->batch;
    if (strips.count == 0) return;
    for (int e = 0; e < batch->entry_count;) {
        const torii_batch_entry *entry = &batch->entries[e];
        row_range rows = next_rows(batch, step, &e);
        const torii_low_rank *factors = low_rank(entry, step, m);
        if (factors == NULL || rows.end == rows.first) continue;
        torii_activations a = {
            .columns = factors->up->columns,
            .values = narrowed(run, 0, m),
            .value_stride = narrow_stride,
        };
        run->program->matmul->multiply(factors->up, &a, rows.first, rows.end - rows.first,
                                       strips.first, strips.count, step->outputs[m],
                                       step->output_stride, NULL, true);
    }
}
