// How keys and values lie in KV blocks (ops.h), and body of torii_vector_kernels.store_key_value.
// Included once by each ops_<isa>.c.

// Sixteen numbers at p, bytes without their scale or halves.
INLINE f32x16 load_numbers(const bool are_bytes, const uint8_t *p) {
    typedef int8_t i8x16 __attribute__((vector_size(16), aligned(1), may_alias));
    if (!are_bytes) return load_half((const uint16_t *)(const void *)p);
    return __builtin_convertvector(*(const i8x16 *)p, f32x16);
}

// The parts of a head in a block.
typedef struct {
    uint8_t *keys, *values, *key_scales, *value_scales;
} head_block;

INLINE head_block block_of(const torii_head_cache *cache, const torii_cache_type type, int index) {
    size_t numbers = TORII_BLOCK_TOKENS * (size_t)cache->head_dimension;
    size_t scales = TORII_BLOCK_TOKENS * torii_cache_groups(cache->head_dimension);
    head_block block;
    block.keys = cache->base + (size_t)cache->block_table[index] * cache->block_stride;
    block.values = block.keys + numbers * (torii_cache_has_key_bytes(type) ? 1 : sizeof(uint16_t));
    block.key_scales =
        block.values + numbers * (torii_cache_has_value_bytes(type) ? 1 : sizeof(uint16_t));
    block.value_scales = block.key_scales
        + (torii_cache_has_key_bytes(type) ? scales * sizeof(uint16_t) : 0);
    return block;
}

// x: [count], 16 or 32 of them  bytes: [count]. Returns the scale as f16.
INLINE uint16_t quantize_group(const float *x, int count, int8_t *bytes) {
    typedef int8_t i8x16 __attribute__((vector_size(16)));
    f32x16 largest = splat(0.0f);
    for (int i = 0; i < count; i += 16) {
        f32x16 v = storable(load(x + i));
        largest = max16(largest, max16(v, -v));
    }
    uint16_t halves[16];
    store_half(halves, splat(max_lanes(largest) / 127.0f));
    float scale = load_half(halves)[0];
    // Numbers too small for a scale become 0.
    f32x16 inverse = splat(scale > 0.0f ? 1.0f / scale : 0.0f);
    const f32x16 magic = splat(0x1.8p23f);
    for (int i = 0; i < count; i += 16) {
        // The addition rounds to an integer, to nearest even.
        f32x16 v = (storable(load(x + i)) * inverse + magic) - magic;
        v = select16(v > splat(127.0f), splat(127.0f), v);
        v = select16(v < splat(-127.0f), splat(-127.0f), v);
        i8x16 narrow = __builtin_convertvector(__builtin_convertvector(v, i32x16), i8x16);
        memcpy(bytes + i, &narrow, sizeof narrow);
    }
    return halves[0];
}

static void store_key(const torii_head_cache *cache, const head_block *block, size_t token,
                      const float *key) {
    size_t d = (size_t)cache->head_dimension, groups = torii_cache_groups((int)d);
    size_t half_block = token / 16, lane = token % 16;
    if (!torii_cache_has_key_bytes(cache->type)) {
        uint16_t *keys = (uint16_t *)(void *)block->keys + half_block * 16 * d + lane;
        for (size_t i = 0; i < d; i += 16) {
            uint16_t half[16];
            store_half(half, storable(load(key + i)));
            for (size_t n = 0; n < 16; n++) keys[(i + n) * 16] = half[n];
        }
        return;
    }
    int8_t *keys = (int8_t *)block->keys + half_block * 16 * d + lane;
    uint16_t *scales = (uint16_t *)(void *)block->key_scales + half_block * 16 * groups + lane;
    for (size_t g = 0; g < groups; g++) {
        size_t first = g * TORII_CACHE_GROUP;
        size_t count = d - first < TORII_CACHE_GROUP ? d - first : TORII_CACHE_GROUP;
        int8_t bytes[TORII_CACHE_GROUP];
        scales[g * 16] = quantize_group(key + first, (int)count, bytes);
        for (size_t i = 0; i < count; i++) keys[(first + i) * 16] = bytes[i];
    }
}

static void store_value(const torii_head_cache *cache, const head_block *block, size_t token,
                        const float *value) {
    size_t d = (size_t)cache->head_dimension;
    if (!torii_cache_has_value_bytes(cache->type)) {
        uint16_t *values = (uint16_t *)(void *)block->values + token * d;
        for (size_t i = 0; i < d; i += 16) store_half(values + i, storable(load(value + i)));
        return;
    }
    int8_t *values = (int8_t *)block->values + token * d;
    uint16_t *scales = (uint16_t *)(void *)block->value_scales + token;
    for (size_t g = 0; g < torii_cache_groups((int)d); g++) {
        size_t first = g * TORII_CACHE_GROUP;
        size_t count = d - first < TORII_CACHE_GROUP ? d - first : TORII_CACHE_GROUP;
        scales[g * TORII_BLOCK_TOKENS] =
            quantize_group(value + first, (int)count, values + first);
    }
}

static void store_key_value(const torii_head_cache *cache, int position, const float *key,
                            const float *value) {
    size_t token = (size_t)(position % TORII_BLOCK_TOKENS);
    head_block block = block_of(cache, cache->type, position / TORII_BLOCK_TOKENS);
    store_key(cache, &block, token, key);
    store_value(cache, &block, token, value);
}
