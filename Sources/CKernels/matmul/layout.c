// Sizes and placement of packed matrices and of quantised activations.
#include "layout.h"

static size_t round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

bool torii_matrix_supported(int type, int rows, int columns) {
    if (rows < 1 || columns < 1) {
        return false;
    }
    if (type_is_float(type)) {
        return true;
    }
    return type_bits(type) != 0 && columns % (type_is_k(type) ? SUPERBLOCK : TORII_SUB_BLOCK) == 0;
}

static size_t strip_quant_bytes(int type, int columns) {
    size_t blocks = type_is_float(type) ? (size_t)columns : (size_t)columns / TORII_SUB_BLOCK;
    return round_up(blocks * (size_t)type_quant_block_bytes(type), 64);
}

static size_t strip_scale_bytes(int type, int columns) {
    size_t blocks = (size_t)columns / (type_is_k(type) ? SUPERBLOCK : TORII_SUB_BLOCK);
    return round_up(blocks * (size_t)type_scale_block_bytes(type), 64);
}

static size_t strip_count(int rows) {
    return ((size_t)rows + TORII_STRIP_ROWS - 1) / TORII_STRIP_ROWS;
}

size_t torii_matrix_quant_bytes(int type, int rows, int columns) {
    bool supported = torii_matrix_supported(type, rows, columns);
    return supported ? strip_count(rows) * strip_quant_bytes(type, columns) : 0;
}

size_t torii_matrix_scale_bytes(int type, int rows, int columns) {
    bool supported = torii_matrix_supported(type, rows, columns);
    return supported ? strip_count(rows) * strip_scale_bytes(type, columns) : 0;
}

bool torii_matrix_init(torii_matrix *m, int type, int rows, int columns, void *storage) {
    if (!torii_matrix_supported(type, rows, columns)) {
        return false;
    }
    // One stream: a strip's scales lie before its quants, so reading the strips in order reads
    // memory in order.
    size_t scale_bytes = strip_scale_bytes(type, columns);
    size_t stride = scale_bytes + strip_quant_bytes(type, columns);
    *m = (torii_matrix){
        .type = type,
        .rows = rows,
        .columns = columns,
        .strips = (int32_t)strip_count(rows),
        .quants = (const uint8_t *)storage + scale_bytes,
        .scales = (const uint8_t *)storage,
        .quant_stride = stride,
        .scale_stride = stride,
    };
    return true;
}

// Bytes of a quantised activation row's five arrays, each rounded up to whole cache lines.
typedef struct {
    size_t quants, scales, sums, half_sums;
} activation_strides;

static activation_strides activation_strides_for(int columns) {
    size_t sub_blocks = (size_t)columns / TORII_SUB_BLOCK;
    return (activation_strides){
        .quants = round_up((size_t)columns, 64),
        .scales = round_up((size_t)torii_activation_groups(columns) * sizeof(float), 64),
        .sums = round_up(sub_blocks * sizeof(int32_t), 64),
        .half_sums = 2 * round_up(sub_blocks * sizeof(int32_t), 64),
    };
}

size_t torii_activations_bytes(int tokens, int columns) {
    activation_strides s = activation_strides_for(columns);
    return (size_t)tokens * (s.quants + s.scales + 2 * s.sums + s.half_sums);
}

void torii_activations_init(torii_activations *a, int tokens, int columns, void *storage) {
    activation_strides s = activation_strides_for(columns);
    uint8_t *next = storage;
    size_t count = (size_t)tokens;
    *a = (torii_activations){.columns = columns};
    a->quants = (int8_t *)next;
    next += count * s.quants;
    a->scales = (float *)(void *)next;
    next += count * s.scales;
    a->sums = (int32_t *)(void *)next;
    next += count * s.sums;
    a->float_sums = (float *)(void *)next;
    next += count * s.sums;
    a->half_sums = (int32_t *)(void *)next;
    a->quant_stride = s.quants;
    a->scale_stride = s.scales / sizeof(float);
    a->sum_stride = s.sums / sizeof(int32_t);
}
