// How keys and values lie in KV blocks (ops.h), and body of torii_vector_kernels.store_key_value.
// Included once by each ops_<isa>.c.

// Bytes of a number.
INLINE size_t number_bytes(const torii_cache_type type) {
    return type == TORII_CACHE_F16 ? sizeof(uint16_t) : 1;
}

// Sixteen numbers at p without their scale.
INLINE f32x16 load_numbers(const torii_cache_type type, const uint8_t *p) {
    typedef int8_t i8x16 __attribute__((vector_size(16), aligned(1), may_alias));
    if (type == TORII_CACHE_F16) return load_half((const uint16_t *)(const void *)p);
    return __builtin_convertvector(*(const i8x16 *)p, f32x16);
}

// The parts of a head in a block.
typedef struct {
    uint8_t *keys, *values, *key_scales, *value_scales;
} head_block;

INLINE head_block block_of(const torii_head_cache *cache, const torii_cache_type type, int index) {
    size_t d = (size_t)cache->head_dimension;
    size_t part = TORII_BLOCK_TOKENS * d * number_bytes(type);
    size_t scales = TORII_BLOCK_TOKENS * torii_cache_groups((int)d) * sizeof(uint16_t);
    uint8_t *block = cache->base + (size_t)cache->block_table[index] * cache->block_stride;
    return (head_block){
        .keys = block,
        .values = block + part,
        .key_scales = block + 2 * part,
        .value_scales = block + 2 * part + scales,
    };
}

static void store_halves(const torii_head_cache *cache, int position, const float *key,
                         const float *value) {
    int d = cache->head_dimension;
    int token = position % TORII_BLOCK_TOKENS;
    head_block block = block_of(cache, TORII_CACHE_F16, position / TORII_BLOCK_TOKENS);
    uint16_t *keys = (uint16_t *)(void *)block.keys + (size_t)(token / 16) * 16 * (size_t)d
        + token % 16;
    uint16_t *values = (uint16_t *)(void *)block.values + (size_t)token * (size_t)d;
    for (int i = 0; i < d; i += 16) {
        uint16_t half[16];
        store_half(half, storable(load(key + i)));
        for (int lane = 0; lane < 16; lane++) keys[(size_t)(i + lane) * 16] = half[lane];
        store_half(values + i, storable(load(value + i)));
    }
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

static void store_bytes(const torii_head_cache *cache, int position, const float *key,
                        const float *value) {
    int d = cache->head_dimension;
    size_t groups = torii_cache_groups(d);
    size_t token = (size_t)(position % TORII_BLOCK_TOKENS);
    head_block block = block_of(cache, TORII_CACHE_Q8, position / TORII_BLOCK_TOKENS);
    int8_t *keys = (int8_t *)block.keys + token / 16 * 16 * (size_t)d + token % 16;
    int8_t *values = (int8_t *)block.values + token * (size_t)d;
    uint16_t *key_scales =
        (uint16_t *)(void *)block.key_scales + token / 16 * 16 * groups + token % 16;
    uint16_t *value_scales = (uint16_t *)(void *)block.value_scales + token;
    for (size_t g = 0; g < groups; g++) {
        int first = (int)g * TORII_CACHE_GROUP;
        int count = d - first < TORII_CACHE_GROUP ? d - first : TORII_CACHE_GROUP;
        int8_t bytes[TORII_CACHE_GROUP];
        key_scales[g * 16] = quantize_group(key + first, count, bytes);
        for (int i = 0; i < count; i++) keys[(size_t)(first + i) * 16] = bytes[i];
        value_scales[g * TORII_BLOCK_TOKENS] = quantize_group(value + first, count, values + first);
    }
}

static void store_key_value(const torii_head_cache *cache, int position, const float *key,
                            const float *value) {
    if (cache->type == TORII_CACHE_F16) {
        store_halves(cache, position, key, value);
    } else {
        store_bytes(cache, position, key, value);
    }
}
