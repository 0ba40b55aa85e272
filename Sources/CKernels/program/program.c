// The interpreter of step programs: see program.h. Every thread walks the same steps; work is split
// by thread index alone, so a run's memory accesses are the same every time.
#include "program.h"
#include "partition.h"

#include <string.h>

typedef struct {
    const torii_program *program;
    const torii_batch *batch;
    torii_pool *pool;
    int thread;
    int thread_count;
} run_state;

static int step_rows(const run_state *run, const torii_step *step) {
    return step->selected_rows ? run->batch->selected_count : run->batch->row_count;
}

// residual: [T, E]
static void embed(const run_state *run, const torii_step *step) {
    const torii_batch *batch = run->batch;
    row_range mine = part_of_rows(batch->row_count, run->thread, run->thread_count);
    for (int row = mine.first; row < mine.end; row++) {
        torii_matrix_gather_row(step->matrices[0], batch->tokens[row],
                                step->outputs[0] + (size_t)row * step->output_stride);
    }
    torii_pool_barrier(run->pool);
}

// Normalises and quantises rows `range` of the step's input into `a`, whose values lie in `values`.
static void prepare_rows(const run_state *run, const torii_step *step, row_range range,
                         torii_activations *a, float *values) {
    const torii_program *program = run->program;
    for (int row = range.first; row < range.end; row++) {
        const float *x = step->input + (size_t)row * step->input_stride;
        if (step->norm_weight != NULL) {
            float *out = values + (size_t)row * a->value_stride;
            program->vector->rms_norm(x, step->norm_weight, program->rms_epsilon, step->columns,
                                      out);
            x = out;
        }
        if (step->needs_quants) program->matmul->quantize(x, row, a);
    }
}

// The step's activations, ready for every row on return.
static torii_activations prepare(const run_state *run, const torii_step *step) {
    const torii_program *program = run->program;
    int rows = step_rows(run, step);
    bool alone = rows <= TORII_PRIVATE_ROWS;
    uint8_t *mine = program->private_activations + (size_t)run->thread * program->private_stride;
    uint8_t *storage = alone ? mine : program->shared_activations;
    float *values = (float *)(mine + program->private_values_offset);
    row_range range = {0, rows};
    if (!alone) {
        range = part_of_rows(rows, run->thread, run->thread_count);
        if (step->needs_values) values = program->shared_values;
    }

    torii_activations a = {.columns = step->columns};
    if (step->needs_quants) torii_activations_init(&a, rows, step->columns, storage);
    // When only quants are wanted, one row of values after the other passes through the same place.
    a.value_stride = alone || step->needs_values ? (size_t)step->columns : 0;
    prepare_rows(run, step, range, &a, values);
    a.values = values;
    if (step->norm_weight == NULL) {
        a.values = step->input;
        a.value_stride = step->input_stride;
    }
    if (!alone) torii_pool_barrier(run->pool);
    return a;
}

// Each thread computes the strips of its share of the bytes of all matrices.
static void project(const run_state *run, const torii_step *step) {
    torii_activations a = prepare(run, step);
    int rows = step_rows(run, step);
    for (int m = 0; m < step->matrix_count; m++) {
        strip_range strips = part_of_matrices(step->matrices, step->matrix_count, m, run->thread,
                                              run->thread_count);
        if (strips.count == 0) continue;
        run->program->matmul->multiply(step->matrices[m], &a, 0, rows, strips.first, strips.count,
                                       step->outputs[m], step->output_stride, step->biases[m],
                                       step->accumulate);
    }
    torii_pool_barrier(run->pool);
}

// Each thread computes the same strips of both matrices and combines them.
static void gated_project(const run_state *run, const torii_step *step) {
    torii_activations a = prepare(run, step);
    int rows = step_rows(run, step);
    strip_range strips =
        part_of_matrices(step->matrices, 1, 0, run->thread, run->thread_count);
    if (strips.count > 0) {
        for (int m = 0; m < 2; m++) {
            run->program->matmul->multiply(step->matrices[m], &a, 0, rows, strips.first,
                                           strips.count, step->outputs[m], step->output_stride,
                                           step->biases[m], false);
        }
        int first = strips.first * TORII_STRIP_ROWS;
        int end = (strips.first + strips.count) * TORII_STRIP_ROWS;
        if (end > step->matrices[0]->rows) end = step->matrices[0]->rows;
        for (int row = 0; row < rows; row++) {
            size_t offset = (size_t)row * step->output_stride + (size_t)first;
            run->program->vector->swiglu(step->outputs[0] + offset, step->outputs[1] + offset,
                                         end - first);
        }
    }
    torii_pool_barrier(run->pool);
}

static torii_head_cache head_cache(const run_state *run, const torii_step *step, int head,
                                   const int32_t *block_table) {
    const torii_program *program = run->program;
    torii_cache_type type = run->batch->cache_type;
    size_t head_bytes = torii_cache_head_bytes(type, program->head_dimension);
    size_t index = (size_t)step->layer * (size_t)program->key_value_head_count + (size_t)head;
    return (torii_head_cache){
        .base = run->batch->cache + index * head_bytes,
        .block_stride = run->batch->block_stride,
        .block_table = block_table,
        .head_dimension = program->head_dimension,
        .type = type,
    };
}

// One unit of work is a row's key/value head with its group of query heads.
static void rotate_row_head(const run_state *run, const torii_step *step, int row, int head,
                            const int32_t *block_table) {
    const torii_program *program = run->program;
    int d = program->head_dimension;
    int group = program->head_count / program->key_value_head_count;
    int position = run->batch->positions[row];
    int rotated = program->rotated_dimensions;
    const float *cosines = program->cosines + (size_t)position * (size_t)(rotated / 2);
    const float *sines = program->sines + (size_t)position * (size_t)(rotated / 2);
    float *queries = step->outputs[0] + (size_t)row * step->output_stride;
    float *keys = queries + (size_t)program->head_count * (size_t)d;
    float *values = keys + (size_t)program->key_value_head_count * (size_t)d;
    for (int g = head * group; g < (head + 1) * group; g++) {
        program->vector->rotate(queries + (size_t)g * (size_t)d, cosines, sines, rotated, d,
                                program->query_scale);
    }
    float *key = keys + (size_t)head * (size_t)d;
    program->vector->rotate(key, cosines, sines, rotated, d, 1.0f);
    torii_head_cache cache = head_cache(run, step, head, block_table);
    program->vector->store_key_value(&cache, position, key, values + (size_t)head * (size_t)d);
}

static void rotate(const run_state *run, const torii_step *step) {
    int heads = run->program->key_value_head_count;
    row_range mine =
        part_of_rows(run->batch->row_count * heads, run->thread, run->thread_count);
    for (int e = 0; e < run->batch->entry_count; e++) {
        const torii_batch_entry *entry = &run->batch->entries[e];
        int first = entry->first_row * heads;
        int end = first + entry->row_count * heads;
        if (first < mine.first) first = mine.first;
        if (end > mine.end) end = mine.end;
        for (int unit = first; unit < end; unit++) {
            rotate_row_head(run, step, unit / heads, unit % heads, entry->block_table);
        }
    }
    torii_pool_barrier(run->pool);
}

// The costs of attention, in tiles of 64 positions and a constant, are split evenly.
static int64_t attention_cost(int position) {
    return position / 64 + 2;
}

typedef struct {
    const run_state *run;
    const torii_step *step;
    torii_head_cache cache, next;
    torii_query_rows rows;
} attention_group;

static void flush_group(attention_group *group) {
    if (group->rows.row_count == 0) return;
    group->run->program->vector->attend(&group->cache, &group->rows);
    group->rows.row_count = 0;
}

static void add_query(attention_group *group, int row, int output_row, int query_head) {
    const torii_step *step = group->step;
    size_t column = (size_t)query_head * (size_t)group->run->program->head_dimension;
    int index = group->rows.row_count++;
    group->rows.query[index] = step->input + (size_t)row * step->input_stride + column;
    group->rows.output[index] =
        step->outputs[0] + (size_t)output_row * step->output_stride + column;
    group->rows.position[index] = group->run->batch->positions[row];
    if (group->rows.row_count == TORII_ATTENTION_ROWS) flush_group(group);
}

// Rows of an entry, all or the selected: row index among all, from the index in the step's rows.
static int source_row(const run_state *run, const torii_step *step, int index) {
    return step->selected_rows ? run->batch->selected_rows[index] : index;
}

static void attend_entry(const run_state *run, const torii_step *step,
                         const torii_batch_entry *entry, int64_t low, int64_t high,
                         int64_t *offset) {
    int heads = run->program->key_value_head_count;
    int group_size = run->program->head_count / heads;
    int first = step->selected_rows ? entry->first_selected : entry->first_row;
    int count = step->selected_rows ? entry->selected_count : entry->row_count;
    const torii_batch_entry *following = entry + 1;
    if (following == run->batch->entries + run->batch->entry_count) following = entry;
    attention_group group = {.run = run, .step = step};
    group.rows.next = &group.next;
    for (int head = 0; head < heads; head++) {
        const torii_batch_entry *next = head + 1 < heads ? entry : following;
        group.cache = head_cache(run, step, head, entry->block_table);
        group.next = head_cache(run, step, (head + 1) % heads, next->block_table);
        group.rows.next_last = run->batch->positions[next->first_row + next->row_count - 1];
        for (int index = first; index < first + count; index++) {
            int row = source_row(run, step, index);
            int64_t cost = attention_cost(run->batch->positions[row]);
            for (int g = 0; g < group_size; g++, *offset += cost) {
                if (*offset < low || *offset >= high) continue;
                add_query(&group, row, index, head * group_size + g);
            }
        }
        flush_group(&group);
    }
}

static void attend(const run_state *run, const torii_step *step) {
    const torii_batch *batch = run->batch;
    int rows = step_rows(run, step);
    int64_t total = 0;
    for (int index = 0; index < rows; index++) {
        total += attention_cost(batch->positions[source_row(run, step, index)]);
    }
    total *= run->program->head_count;
    int64_t low = total * run->thread / run->thread_count;
    int64_t high = total * (run->thread + 1) / run->thread_count;
    int64_t offset = 0;
    for (int e = 0; e < batch->entry_count; e++) {
        attend_entry(run, step, &batch->entries[e], low, high, &offset);
    }
    if (step->selected_rows) {
        size_t length = (size_t)run->program->embedding_length;
        row_range mine = part_of_rows(rows, run->thread, run->thread_count);
        for (int index = mine.first; index < mine.end; index++) {
            memcpy(run->program->selected_residual + (size_t)index * length,
                   run->program->residual + (size_t)batch->selected_rows[index] * length,
                   length * sizeof(float));
        }
    }
    torii_pool_barrier(run->pool);
}

static void run_steps(void *argument, int thread) {
    run_state run = *(const run_state *)argument;
    run.thread = thread;
    for (int i = 0; i < run.program->step_count; i++) {
        const torii_step *step = &run.program->steps[i];
        if (step_rows(&run, step) == 0) continue;
        switch (step->kind) {
        case TORII_STEP_EMBED: embed(&run, step); break;
        case TORII_STEP_PROJECT: project(&run, step); break;
        case TORII_STEP_GATED_PROJECT: gated_project(&run, step); break;
        case TORII_STEP_ROTATE: rotate(&run, step); break;
        case TORII_STEP_ATTEND: attend(&run, step); break;
        }
    }
}

void torii_program_run(const torii_program *program, const torii_batch *batch, torii_pool *pool) {
    run_state run = {
        .program = program,
        .batch = batch,
        .pool = pool,
        .thread = 0,
        .thread_count = torii_pool_thread_count(pool),
    };
    torii_pool_run(pool, run_steps, &run);
}
