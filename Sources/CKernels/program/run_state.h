// What the parts of the interpreter share: the state of a run and its steps.
#pragma once

#include "clock.h"
#include "partition.h"
#include "program.h"

/// Where a thread's time goes while somebody asks.
typedef struct {
    int64_t since;  // what is counted begins here
    torii_thread_times times;
} torii_stopwatch;

/// One thread's view of a run.
typedef struct {
    const torii_program *program;
    const torii_batch *batch;
    torii_pool *pool;
    int thread;
    int thread_count;
    torii_stopwatch *stopwatch;  // NULL: nobody asks
} run_state;

/// Counts the time since the last call, or the last barrier, as `kind`.
static inline void count_time(const run_state *run, torii_time kind) {
    torii_stopwatch *watch = run->stopwatch;
    if (watch == NULL) return;
    int64_t now = now_nanoseconds();
    watch->times.nanoseconds[kind] += now - watch->since;
    watch->since = now;
}

/// Ends a phase that was spent on `kind`: waits until all threads have ended it.
static inline void end_phase(const run_state *run, torii_time kind) {
    count_time(run, kind);
    torii_pool_barrier(run->pool, run->thread);
    if (run->stopwatch != NULL) run->stopwatch->since = now_nanoseconds();
}

/// Ends the preparation of rows, which each thread did for itself or for the others too.
static inline void end_preparation(const run_state *run, bool alone) {
    if (alone) {
        count_time(run, TORII_TIME_REST);
    } else {
        end_phase(run, TORII_TIME_REST);
    }
}

static inline int step_rows(const run_state *run, const torii_step *step) {
    return step->selected_rows ? run->batch->selected_count : run->batch->row_count;
}

/// Which rows of the step are an entry's.
static inline row_range entry_rows(const torii_step *step, const torii_batch_entry *entry) {
    int first = step->selected_rows ? entry->first_selected : entry->first_row;
    int count = step->selected_rows ? entry->selected_count : entry->row_count;
    return (row_range){first, first + count};
}

/// Room for TORII_PRIVATE_ROWS rows of the widest input, this thread's own.
static inline float *private_values(const run_state *run) {
    return (float *)(run->program->private_activations
                     + (size_t)run->thread * run->program->private_stride
                     + run->program->private_values_offset);
}

/// Room for one row of the widest input besides, this thread's own.
static inline float *private_row(const run_state *run) {
    return (float *)(run->program->private_activations
                     + (size_t)run->thread * run->program->private_stride
                     + run->program->private_row_offset);
}

/// A row x of the step's input with its columns as the step's quantised matrices have them; in
/// private_row unless that's how they are.
static inline const float *ordered(const run_state *run, const torii_step *step, const float *x) {
    if (step->order == NULL) return x;
    float *row = private_row(run);
    for (int k = 0; k < step->columns; k++) row[k] = x[step->order[k]];
    return row;
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

/// The activations of `rows` rows of the step's input, ready on all threads on return: normalised,
/// quantised in the step's order; their values are in the input's. Row r is row sources[r] of the
/// input, or row r if sources is NULL; with sources there must be a norm.
torii_activations torii_prepare(const run_state *run, const torii_step *step, int rows,
                                const int32_t *sources);

/// The remainders of prepared rows `a` of a step that refines: what is left of their values when
/// the quantised rows are subtracted, quantised too, ready on all threads on return.
torii_activations torii_prepare_remainders(const run_state *run, const torii_step *step, int rows,
                                           const torii_activations *a);

/// Whether some row of the batch has an adapter that the step heeds.
static inline bool torii_has_adapters(const run_state *run, const torii_step *step) {
    return run->batch->has_adapters && step->places[0] >= 0;
}

/// The first factors of what adapters add to a step: narrows the prepared rows `a`, which have
/// values, shared out among the threads.
void torii_narrow_for_adapters(const run_state *run, const torii_step *step,
                               const torii_activations *a);

/// The second factors: adds what becomes of the narrowed rows to the columns of output m that
/// `strips` of its matrix fill. After a barrier behind the narrowing.
void torii_add_adapters(const run_state *run, const torii_step *step, int m, strip_range strips);

/// The columns of a step's output that strips of a matrix fill.
static inline row_range columns_of(strip_range strips, const torii_matrix *matrix) {
    int end = (strips.first + strips.count) * TORII_STRIP_ROWS;
    return (row_range){
        strips.first * TORII_STRIP_ROWS,
        end < matrix->rows ? end : matrix->rows,
    };
}

/// Where a sequence's keys and values of a head of the step's layer lie.
static inline torii_head_cache head_cache(const run_state *run, const torii_step *step, int head,
                                          const int32_t *block_table) {
    const torii_program *program = run->program;
    torii_cache_type type = run->batch->cache_type;
    size_t head_bytes = torii_cache_head_bytes(type, program->head_dimension);
    size_t index = (size_t)step->attention.cache_layer * (size_t)program->key_value_head_count
        + (size_t)head;
    return (torii_head_cache){
        .base = run->batch->cache + index * head_bytes,
        .block_stride = run->batch->block_stride,
        .block_table = block_table,
        .head_dimension = program->head_dimension,
        .type = type,
    };
}

// Each runs one step on the calling thread, and returns when all threads have.
void torii_run_embed(const run_state *run, const torii_step *step);
void torii_run_normalize(const run_state *run, const torii_step *step);
void torii_run_project(const run_state *run, const torii_step *step);
void torii_run_activated_project(const run_state *run, const torii_step *step);
void torii_run_rotate(const run_state *run, const torii_step *step);
void torii_run_attend(const run_state *run, const torii_step *step);
void torii_run_join(const run_state *run, const torii_step *step);
void torii_run_route(const run_state *run, const torii_step *step);
void torii_run_experts_activated_project(const run_state *run, const torii_step *step);
void torii_run_experts_project(const run_state *run, const torii_step *step);
void torii_run_experts_sum(const run_state *run, const torii_step *step);
