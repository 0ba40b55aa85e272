// Steps that place queries and keys, and store keys and values: see program.h.
#include "run_state.h"

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

// One unit of work is a head of a row: the query heads first, then the key/value heads.
static void rotate_row_head(const run_state *run, const torii_step *step, int row, int head,
                            const int32_t *block_table) {
    const torii_program *program = run->program;
    const torii_attention *attention = &step->attention;
    size_t d = (size_t)program->head_dimension;
    int position = run->batch->positions[row];
    float *place = step->outputs[0] + (size_t)row * step->output_stride + (size_t)head * d;
    if (head < program->head_count) {
        float scale = attention->query_scale;
        if (attention->rotary != NULL && attention->rotary->query_factors != NULL) {
            scale *= attention->rotary->query_factors[position];
        }
        turn_head(run, attention, &attention->query_norm, position, scale, place);
        return;
    }
    turn_head(run, attention, &attention->key_norm, position, 1.0f, place);
    torii_head_cache cache = head_cache(run, step, head - program->head_count, block_table);
    const float *value = place + (size_t)program->key_value_head_count * d;
    program->vector->store_key_value(&cache, position, place, value);
}

void torii_run_rotate(const run_state *run, const torii_step *step) {
    int heads = run->program->head_count + run->program->key_value_head_count;
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
    end_phase(run, TORII_TIME_REST);
}
