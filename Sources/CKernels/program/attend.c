// Steps of attention: see program.h.
//
// Threads share out query heads of rows. Where these are too few to go round evenly, as those of
// one long sequence, threads share out the pieces of each (ops.h) and put them together afterwards.
// The result is the same either way.
#include "run_state.h"

#include <string.h>

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

// Rows of a step, all or the selected: row index among all, from the index in the step's rows.
static int source_row(const run_state *run, const torii_step *step, int index) {
    return step->selected_rows ? run->batch->selected_rows[index] : index;
}

static row_range seen_by(const run_state *run, const torii_step *step,
                         const torii_batch_entry *entry, int index) {
    return visible(run, &step->attention, entry, source_row(run, step, index));
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

static row_range pieces_of(row_range positions) {
    return (row_range){
        positions.first / TORII_ATTENTION_PIECE,
        (positions.end - 1) / TORII_ATTENTION_PIECE + 1,
    };
}

// Instead of a piece's number: no matter in which one.
enum { ANY_PIECE = -1 };

// Those of `positions` that lie in a piece, maybe none.
static row_range part_in_piece(row_range positions, int piece) {
    if (piece == ANY_PIECE) return positions;
    int first = piece * TORII_ATTENTION_PIECE, end = first + TORII_ATTENTION_PIECE;
    return (row_range){
        positions.first > first ? positions.first : first,
        positions.end < end ? positions.end : end,
    };
}

static size_t piece_floats(const torii_program *program) {
    return (size_t)program->head_dimension + TORII_PIECE_TAIL;
}

static int most_pieces_of_a_row(const run_state *run, const torii_step *step) {
    int most = 0;
    for (int e = 0; e < run->batch->entry_count; e++) {
        const torii_batch_entry *entry = &run->batch->entries[e];
        row_range mine = entry_rows(step, entry);
        for (int index = mine.first; index < mine.end; index++) {
            row_range pieces = pieces_of(seen_by(run, step, entry, index));
            if (pieces.end - pieces.first > most) most = pieces.end - pieces.first;
        }
    }
    return most;
}

// The most pieces of a row if the threads share out pieces; else 0. They do where the key/value
// heads of all rows don't go round, and there are pieces enough to gain more than it costs to put
// them together.
static int shared_pieces(const run_state *run, const torii_step *step) {
    enum { ENOUGH_HEADS = 4, ENOUGH_PIECES = 2 };  // to a thread
    const torii_program *program = run->program;
    int rows = step_rows(run, step), threads = run->thread_count;
    int heads = rows * program->key_value_head_count;
    if (heads % threads == 0 || heads >= ENOUGH_HEADS * threads) return 0;
    int most = most_pieces_of_a_row(run, step);
    if (most == 1 || heads * most < ENOUGH_PIECES * threads) return 0;
    size_t room = (size_t)rows * (size_t)program->head_count * (size_t)most * piece_floats(program);
    return room <= program->attention_piece_floats ? most : 0;
}

// The pieces in which positions are attended, one by one.
static row_range pieces_to_attend(row_range positions, int most_pieces) {
    return most_pieces > 0 ? pieces_of(positions) : (row_range){ANY_PIECE, ANY_PIECE + 1};
}

// The first of at most `most` pieces of a row's query head.
static float *first_piece(const run_state *run, int most, int index, int query_head) {
    const torii_program *program = run->program;
    size_t head = (size_t)index * (size_t)program->head_count + (size_t)query_head;
    return program->attention_pieces + head * (size_t)most * piece_floats(program);
}

// What a thread attends at once: query heads of rows, all of one key/value head.
typedef struct {
    const run_state *run;
    const torii_step *step;
    int most_pieces;  // as shared_pieces has them
    torii_head_cache cache, next;
    torii_query_rows rows;
} attention_group;

static void flush_group(attention_group *group) {
    if (group->rows.row_count == 0) return;
    group->run->program->vector->attend(&group->cache, &group->rows);
    group->rows.row_count = 0;
}

// positions: what the row sees, all or of one piece.
static void add_query(attention_group *group, row_range seen, row_range positions, int output_row,
                      int query_head) {
    const torii_step *step = group->step;
    const torii_attention *attention = &step->attention;
    int row = source_row(group->run, step, output_row);
    size_t column = (size_t)query_head * (size_t)group->run->program->head_dimension;
    int index = group->rows.row_count++;
    group->rows.query[index] = step->input + (size_t)row * step->input_stride + column;
    group->rows.output[index] =
        step->outputs[0] + (size_t)output_row * step->output_stride + column;
    group->rows.is_piece[index] =
        positions.first != seen.first || positions.end != seen.end;
    if (group->rows.is_piece[index]) {
        int piece = pieces_of(positions).first - pieces_of(seen).first;
        group->rows.output[index] =
            first_piece(group->run, group->most_pieces, output_row, query_head)
            + (size_t)piece * piece_floats(group->run->program);
    }
    group->rows.first[index] = positions.first;
    group->rows.last[index] = positions.end - 1;
    group->rows.position[index] = group->run->batch->positions[row];
    if (attention->slopes != NULL) group->rows.slope[index] = attention->slopes[query_head];
    if (attention->sinks != NULL) group->rows.sink[index] = attention->sinks[query_head];
    if (group->rows.row_count == TORII_ATTENTION_ROWS) flush_group(group);
}

// Parts to a thread where threads take them as they get to them.
enum { SHARED_PARTS = 8 };

// The costs of attention, in tiles of 64 positions and a constant, are split evenly.
static int64_t attention_cost(row_range positions) {
    return (positions.end - 1) / 64 - positions.first / 64 + 2;
}

// The costs low ..< high, of all entries' one behind the other, that a thread works on, and where
// it is.
typedef struct {
    int64_t low, high, offset;
    int64_t total;
    int parts;
    bool shares;
} attention_walk;

static void begin_part(attention_walk *walk, int part) {
    walk->low = walk->high = walk->total;
    if (part >= walk->parts) return;
    walk->low = walk->total * part / walk->parts;
    walk->high = walk->total * (part + 1) / walk->parts;
}

// Whether the thread is to work on what costs `cost` and comes next. Parts are taken in order, so
// what lies between two of them is others'.
static bool walk_over(attention_walk *walk, torii_pool *pool, int64_t cost) {
    int64_t at = walk->offset;
    while (walk->shares && at >= walk->high && walk->high < walk->total) {
        begin_part(walk, torii_pool_take_next(pool));
    }
    walk->offset += cost;
    return at >= walk->low && at < walk->high;
}

// A head of the entry's rows.
static void attend_piece(attention_group *group, const torii_batch_entry *entry, int head,
                         int piece, attention_walk *walk) {
    const run_state *run = group->run;
    int group_size = run->program->head_count / run->program->key_value_head_count;
    row_range rows = entry_rows(group->step, entry);
    for (int index = rows.first; index < rows.end; index++) {
        row_range seen = seen_by(run, group->step, entry, index);
        row_range positions = part_in_piece(seen, piece);
        if (positions.first >= positions.end) continue;
        int64_t cost = attention_cost(positions);
        for (int g = 0; g < group_size; g++) {
            if (!walk_over(walk, run->pool, cost)) continue;
            add_query(group, seen, positions, index, head * group_size + g);
        }
    }
    flush_group(group);
}

// Sets what comes behind a piece of an entry's head: the next one, or the next head.
static void set_next(attention_group *group, const torii_batch_entry *entry, int head,
                     int piece) {
    const run_state *run = group->run;
    const torii_attention *attention = &group->step->attention;
    const torii_batch_entry *next = entry;
    row_range needed = entry_positions(run, attention, entry);
    if (piece != ANY_PIECE && piece + 1 < pieces_of(needed).end) {
        needed = part_in_piece(needed, piece + 1);
    } else if (++head == run->program->key_value_head_count) {
        head = 0;
        if (entry + 1 < run->batch->entries + run->batch->entry_count) next++;
        needed = entry_positions(run, attention, next);
    }
    group->next = head_cache(run, group->step, head, next->block_table);
    group->rows.next_first = needed.first;
    group->rows.next_last = needed.end - 1;
}

static void attend_entry(const run_state *run, const torii_step *step,
                         const torii_batch_entry *entry, int most_pieces, attention_walk *walk) {
    const torii_attention *attention = &step->attention;
    attention_group group = {.run = run, .step = step, .most_pieces = most_pieces};
    group.rows.next = &group.next;
    group.rows.soft_cap = attention->soft_cap;
    group.rows.has_distances = attention->slopes != NULL;
    group.rows.has_sinks = attention->sinks != NULL;
    row_range pieces =
        pieces_to_attend(entry_positions(run, attention, entry), most_pieces);
    for (int head = 0; head < run->program->key_value_head_count; head++) {
        group.cache = head_cache(run, step, head, entry->block_table);
        for (int piece = pieces.first; piece < pieces.end; piece++) {
            set_next(&group, entry, head, piece);
            attend_piece(&group, entry, head, piece, walk);
        }
    }
}

static int64_t entry_cost(const run_state *run, const torii_step *step,
                          const torii_batch_entry *entry, int most_pieces) {
    row_range rows = entry_rows(step, entry);
    int64_t cost = 0;
    for (int index = rows.first; index < rows.end; index++) {
        row_range seen = seen_by(run, step, entry, index);
        row_range pieces = pieces_to_attend(seen, most_pieces);
        for (int piece = pieces.first; piece < pieces.end; piece++) {
            cost += attention_cost(part_in_piece(seen, piece));
        }
    }
    return cost;
}

// Puts together the pieces of an entry's rows, this thread's heads of all rows.
static void merge_rows(const run_state *run, const torii_step *step,
                       const torii_batch_entry *entry, int most_pieces) {
    const torii_program *program = run->program;
    int heads = program->head_count, d = program->head_dimension;
    const float *sinks = step->attention.sinks;
    row_range rows = entry_rows(step, entry);
    row_range mine =
        part_of_rows(step_rows(run, step) * heads, run->thread, run->thread_count);
    for (int index = rows.first; index < rows.end; index++) {
        row_range pieces = pieces_of(seen_by(run, step, entry, index));
        if (pieces.end - pieces.first == 1) continue;
        for (int head = 0; head < heads; head++) {
            int unit = index * heads + head;
            if (unit < mine.first || unit >= mine.end) continue;
            float *output = step->outputs[0] + (size_t)index * step->output_stride;
            program->vector->merge_pieces(
                first_piece(run, most_pieces, index, head), pieces.end - pieces.first, d,
                sinks == NULL ? NULL : &sinks[head], output + (size_t)head * (size_t)d);
        }
    }
}

static void copy_selected_residual(const run_state *run, const torii_step *step) {
    size_t length = (size_t)run->program->embedding_length;
    row_range mine = part_of_rows(step_rows(run, step), run->thread, run->thread_count);
    for (int index = mine.first; index < mine.end; index++) {
        int row = run->batch->selected_rows[index];
        memcpy(run->program->selected_residual + (size_t)index * length,
               run->program->residual + (size_t)row * length, length * sizeof(float));
    }
}

void torii_run_attend(const run_state *run, const torii_step *step) {
    const torii_batch *batch = run->batch;
    bool shares = step_rows(run, step) >= TORII_SHARED_ROWS && run->thread_count > 1;
    int most_pieces = shared_pieces(run, step);
    attention_walk walk = {
        .parts = run->thread_count * (shares ? SHARED_PARTS : 1),
        .shares = shares,
    };
    for (int e = 0; e < batch->entry_count; e++) {
        walk.total += entry_cost(run, step, &batch->entries[e], most_pieces);
    }
    walk.total *= run->program->head_count;
    begin_part(&walk, shares ? torii_pool_take_next(run->pool) : run->thread);
    for (int e = 0; e < batch->entry_count; e++) {
        attend_entry(run, step, &batch->entries[e], most_pieces, &walk);
    }
    if (step->selected_rows) copy_selected_residual(run, step);
    end_phase(run, TORII_TIME_ATTENTION);
    if (most_pieces == 0) return;
    for (int e = 0; e < batch->entry_count; e++) {
        merge_rows(run, step, &batch->entries[e], most_pieces);
    }
    end_phase(run, TORII_TIME_ATTENTION);
}
