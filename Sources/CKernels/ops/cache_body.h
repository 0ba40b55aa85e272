// How keys and values lie in KV blocks (ops.h), and body of torii_vector_kernels.store_key_value.
// Included once by each ops_<isa>.c.

// Numbers of a dot product of pairs: sixteen pairs.
enum { PAIRS = 16 };

// Thirty-two integers at p, without their scale.
INLINE i16x32 load_numbers(const bool are_bytes, const uint8_t *p) {
    typedef int8_t i8x32 __attribute__((vector_size(32), aligned(1), may_alias));
    typedef int16_t i16x32_unaligned __attribute__((vector_size(64), aligned(2), may_alias));
    if (!are_bytes) return *(const i16x32_unaligned *)p;
    return __builtin_convertvector(*(const i8x32 *)p, i16x32);
}

INLINE size_t number_bytes(const bool are_bytes) {
    return are_bytes ? sizeof(int8_t) : sizeof(int16_t);
}

// The parts of a head in a block.
typedef struct {
    uint8_t *keys, *values;
    uint16_t *key_scales, *value_scales;
} head_block;

INLINE head_block block_of(const torii_head_cache *cache, const torii_cache_type type, int index) {
    const bool key_bytes = torii_cache_has_key_bytes(type);
    const bool value_bytes = torii_cache_has_value_bytes(type);
    size_t numbers = TORII_BLOCK_TOKENS * (size_t)cache->head_dimension;
    size_t key_scales =
        TORII_BLOCK_TOKENS * torii_cache_groups(key_bytes, cache->head_dimension);
    head_block block;
    block.keys = cache->base + (size_t)cache->block_table[index] * cache->block_stride;
    block.values = block.keys + numbers * number_bytes(key_bytes);
    block.key_scales =
        (uint16_t *)(void *)(block.values + numbers * number_bytes(value_bytes));
    block.value_scales = block.key_scales + key_scales;
    return block;
}

// x: [count], a multiple of 16  integers: [count], within +-limit. Returns the scale as f16.
INLINE uint16_t quantize_group(const float *x, size_t count, float limit, int16_t *integers) {
    f32x16 largest = splat(0.0f);
    for (size_t i = 0; i < count; i += 16) {
        f32x16 v = storable(load(x + i));
        largest = max16(largest, max16(v, -v));
    }
    float maximum = max_lanes(largest);
    uint16_t halves[16];
    store_half(halves, splat(maximum / limit));
    // Rounded up, so that the largest is within the limit. The next bits are the next number.
    if (load_half(halves)[0] * limit < maximum) halves[0]++;
    float scale = load_half(halves)[0];
    // Numbers too small for a scale become 0.
    f32x16 inverse = splat(scale > 0.0f ? 1.0f / scale : 0.0f);
    for (size_t i = 0; i < count; i += 16) {
        f32x16 v = storable(load(x + i)) * inverse;
        v = select16(v > splat(limit), splat(limit), v);
        v = select16(v < splat(-limit), splat(-limit), v);
        i16x16 narrow = nearest(v);
        memcpy(integers + i, &narrow, sizeof narrow);
    }
    return halves[0];
}

// The integers of a key or value x: [D], and a scale to each group, `stride` apart.
INLINE void quantize_head(const bool are_bytes, float word_limit, const float *x, int d,
                          int16_t *integers, uint16_t *scales, size_t stride) {
    const float limit = are_bytes ? TORII_BYTE_LIMIT : word_limit;
    size_t length = torii_cache_group_length(are_bytes, d);
    for (size_t first = 0, group = 0; first < (size_t)d; first += length, group++) {
        size_t rest = (size_t)d - first, count = rest < length ? rest : length;
        scales[group * stride] = quantize_group(x + first, count, limit, integers + first);
    }
}

static void store_key_value(const torii_head_cache *cache, int position, const float *key,
                            const float *value) {
    int16_t integers[TORII_HEAD_DIMENSION_MAX];
    const bool key_bytes = torii_cache_has_key_bytes(cache->type);
    const bool value_bytes = torii_cache_has_value_bytes(cache->type);
    size_t d = (size_t)cache->head_dimension, token = (size_t)(position % TORII_BLOCK_TOKENS);
    head_block block = block_of(cache, cache->type, position / TORII_BLOCK_TOKENS);

    size_t half_block = token / TORII_KEY_LANES, lane = token % TORII_KEY_LANES;
    size_t groups = torii_cache_groups(key_bytes, cache->head_dimension);
    uint16_t *scales = block.key_scales + half_block * groups * TORII_KEY_LANES + lane;
    quantize_head(key_bytes, TORII_KEY_LIMIT, key, cache->head_dimension, integers, scales,
                  TORII_KEY_LANES);
    size_t place = half_block * TORII_KEY_LANES * d + 2 * lane;
    for (size_t i = 0; i < d; i += 2, place += 2 * TORII_KEY_LANES) {
        if (key_bytes) {
            block.keys[place] = (uint8_t)integers[i];
            block.keys[place + 1] = (uint8_t)integers[i + 1];
        } else {
            memcpy(block.keys + place * sizeof *integers, integers + i, 2 * sizeof *integers);
        }
    }

    scales = block.value_scales + token;
    quantize_head(value_bytes, TORII_VALUE_LIMIT, value, cache->head_dimension, integers, scales,
                  TORII_BLOCK_TOKENS);
    place = token / 2 * 2 * d + token % 2;
    for (size_t i = 0; i < d; i++, place += 2) {
        if (value_bytes) {
            block.values[place] = (uint8_t)integers[i];
        } else {
            memcpy(block.values + place * sizeof *integers, integers + i, sizeof *integers);
        }
    }
}
