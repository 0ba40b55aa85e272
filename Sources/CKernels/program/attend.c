// Steps of attention: see program.h.
#include "run_state.h"

#include <string.h>

static torii_head_cache head_cache(const run_state *run, const torii_step *step, int head,
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

// Normalises a head, turns it to its position, scales it.
static void turn_head(const run_state *run, const torii_attention *attention,
                      const torii_norm *norm, int position, float scale, float *head) {
    const torii_program *program = run->program;
    const torii_rotary *rotary = attention->rotary;
    int d = program->head_dimension;
    if (norm->kind != TORII_NORM_NONE) normalize(program, norm, head, d, head);
    int rotated = rotary == NULL ? 0 : rotary->rotated_dimensions;
    size_t offset = (size_t)position * (size_t)(rotated / 2);
    const float *cosines = rotary == NULL ? NULL : rotary->cosines + offset;
    const float *sines = rotary == NULL ? NULL : rotary->sines + offset;
    program->vector->rotate(head, cosines, sines, rotated, d, scale);
}

// One unit of work is a row's key/value head with its group of query heads.
static void rotate_row_head(const run_state *run, const torii_step *step, int row, int head,
                            const int32_t *block_table) {
    const torii_program *program = run->program;
    const torii_attention *attention = &step->attention;
    size_t d = (size_t)program->head_dimension;
    int group = program->head_count / program->key_value_head_count;
    int position = run->batch->positions[row];
    float scale = attention->query_scale;
    if (attention->rotary != NULL && attention->rotary->query_factors != NULL) {
        scale *= attention->rotary->query_factors[position];
    }
    float *queries = step->outputs[0] + (size_t)row * step->output_stride;
    float *keys = queries + (size_t)program->head_count * d;
    float *values = keys + (size_t)program->key_value_head_count * d;
    for (int g = head * group; g < (head + 1) * group; g++) {
        turn_head(run, attention, &attention->query_norm, position, scale, queries + (size_t)g * d);
    }
    float *key = keys + (size_t)head * d;
    turn_head(run, attention, &attention->key_norm, position, 1.0f, key);
    torii_head_cache cache = head_cache(run, step, head, block_table);
    program->vector->store_key_value(&cache, position, key, values + (size_t)head * d);
}

void torii_run_rotate(const run_state *run, const torii_step *step) {
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

// The positions that a row sees.
static row_range visible(const run_state *run, const torii_attention *attention,
                         const torii_batch_entry *entry, int row) {
    int position = run->batch->positions[row];
    int last = entry->position_count - 1;
    return (row_range){
        attention->visible_before < position ? position - attention->visible_before : 0,
        attention->visible_after < last - position ? position + attention->visible_after + 1
                                                   : last + 1,
    };
}

// Pieces to a thread where threads take them as they get to them.
enum { SHARED_PIECES = 8 };

// The costs of attention, in tiles of 64 positions and a constant, are split evenly.
static int64_t attention_cost(row_range positions) {
    return (positions.end - 1) / 64 - positions.first / 64 + 2;
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

static void add_query(attention_group *group, int row, row_range positions, int output_row,
                      int query_head) {
    const torii_step *step = group->step;
    const torii_attention *attention = &step->attention;
    size_t column = (size_t)query_head * (size_t)group->run->program->head_dimension;
    int index = group->rows.row_count++;
    group->rows.query[index] = step->input + (size_t)row * step->input_stride + column;
    group->rows.output[index] =
        step->outputs[0] + (size_t)output_row * step->output_stride + column;
    group->rows.first[index] = positions.first;
    group->rows.last[index] = positions.end - 1;
    group->rows.position[index] = group->run->batch->positions[row];
    if (attention->slopes != NULL) group->rows.slope[index] = attention->slopes[query_head];
    if (attention->sinks != NULL) group->rows.sink[index] = attention->sinks[query_head];
    if (group->rows.row_count == TORII_ATTENTION_ROWS) flush_group(group);
}

// Rows of an entry, all or the selected: row index among all, from the index in the step's rows.
static int source_row(const run_state *run, const torii_step *step, int index) {
    return step->selected_rows ? run->batch->selected_rows[index] : index;
}

// The positions that an entry's rows see, all together.
static row_range entry_positions(const run_state *run, const torii_attention *attention,
                                 const torii_batch_entry *entry) {
    int last = entry->first_row + entry->row_count - 1;
    return (row_range){
        visible(run, attention, entry, entry->first_row).first,
        visible(run, attention, entry, last).end,
    };
}

// The costs low ..< high, of all entries' one behind the other, that a thread works on, and where
// it is.
typedef struct {
    int64_t low, high, offset;
    int64_t total;
    int pieces;
    bool shares;
} attention_walk;

static void begin_piece(attention_walk *walk, int piece) {
    walk->low = walk->high = walk->total;
    if (piece >= walk->pieces) return;
    walk->low = walk->total * piece / walk->pieces;
    walk->high = walk->total * (piece + 1) / walk->pieces;
}

// Whether the thread is to work on what costs `cost` and comes next. Pieces are taken in order, so
// what lies between two of them is others'.
static bool walk_over(attention_walk *walk, torii_pool *pool, int64_t cost) {
    int64_t at = walk->offset;
    while (walk->shares && at >= walk->high && walk->high < walk->total) {
        begin_piece(walk, torii_pool_take(pool));
    }
    walk->offset += cost;
    return at >= walk->low && at < walk->high;
}

static void attend_entry(const run_state *run, const torii_step *step,
                         const torii_batch_entry *entry, attention_walk *walk) {
    const torii_attention *attention = &step->attention;
    int heads = run->program->key_value_head_count;
    int group_size = run->program->head_count / heads;
    row_range rows = entry_rows(step, entry);
    const torii_batch_entry *following = entry + 1;
    if (following == run->batch->entries + run->batch->entry_count) following = entry;
    attention_group group = {.run = run, .step = step};
    group.rows.next = &group.next;
    group.rows.soft_cap = attention->soft_cap;
    group.rows.has_distances = attention->slopes != NULL;
    group.rows.has_sinks = attention->sinks != NULL;
    for (int head = 0; head < heads; head++) {
        const torii_batch_entry *next = head + 1 < heads ? entry : following;
        group.cache = head_cache(run, step, head, entry->block_table);
        group.next = head_cache(run, step, (head + 1) % heads, next->block_table);
        row_range needed = entry_positions(run, attention, next);
        group.rows.next_first = needed.first;
        group.rows.next_last = needed.end - 1;
        for (int index = rows.first; index < rows.end; index++) {
            int row = source_row(run, step, index);
            row_range positions = visible(run, attention, entry, row);
            int64_t cost = attention_cost(positions);
            for (int g = 0; g < group_size; g++) {
                if (!walk_over(walk, run->pool, cost)) continue;
                add_query(&group, row, positions, index, head * group_size + g);
            }
        }
        flush_group(&group);
    }
}

static int64_t entry_cost(const run_state *run, const torii_step *step,
                          const torii_batch_entry *entry) {
    row_range rows = entry_rows(step, entry);
    int64_t cost = 0;
    for (int index = rows.first; index < rows.end; index++) {
        cost += attention_cost(
            visible(run, &step->attention, entry, source_row(run, step, index)));
    }
    return cost;
}

void torii_run_attend(const run_state *run, const torii_step *step) {
    const torii_batch *batch = run->batch;
    bool shares = shares_work(run, step_rows(run, step));
    attention_walk walk = {
        .pieces = run->thread_count * (shares ? SHARED_PIECES : 1),
        .shares = shares,
    };
    for (int e = 0; e < batch->entry_count; e++) {
        walk.total += entry_cost(run, step, &batch->entries[e]);
    }
    walk.total *= run->program->head_count;
    begin_piece(&walk, shares ? torii_pool_take(run->pool) : run->thread);
    for (int e = 0; e < batch->entry_count; e++) {
        attend_entry(run, step, &batch->entries[e], &walk);
    }
    if (step->selected_rows) {
        size_t length = (size_t)run->program->embedding_length;
        row_range mine = part_of_rows(step_rows(run, step), run->thread, run->thread_count);
        for (int index = mine.first; index < mine.end; index++) {
            memcpy(run->program->selected_residual + (size_t)index * length,
                   run->program->residual + (size_t)batch->selected_rows[index] * length,
                   length * sizeof(float));
        }
    }
    torii_pool_barrier(run->pool);
}
