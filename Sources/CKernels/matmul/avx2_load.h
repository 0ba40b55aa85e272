// How AVX2 reads packed weights and their scales, 8 rows at a time: included by avx2_body.h
// once. The
// layout is layout.h's.

INLINE __m256i load_line(const uint8_t *line, int half) {
    return _mm256_load_si256((const __m256i *)(const void *)(line + 32 * half));
}

INLINE __m256 load_halves(const uint8_t *address, int half) {
    const uint8_t *place = address + 16 * half;
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)place));
}

INLINE __m256 load_bytes_as_floats(const uint8_t *address, int half, bool is_signed) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(address + 8 * half));
    __m256i words = is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
    return _mm256_cvtepi32_ps(words);
}

// Unsigned weights 4g ... 4g + 3 of a sub-block with 2 or 3 bits for 8 rows.
INLINE __m256i load_few_bits(const int bits, const uint8_t *block, const int g, const int half) {
    __m256i pairs = load_line(block + 64 * (g >> 2), half);
    __m256i low = _mm256_and_si256(_mm256_srli_epi16(pairs, 2 * (g & 3)), _mm256_set1_epi8(3));
    if (bits == 2) {
        return low;
    }
    // The plane's bit of this group moves to bit 2.
    __m256i plane = load_line(block + 128, half);
    plane = g < 2 ? _mm256_slli_epi16(plane, 2 - g) : _mm256_srli_epi16(plane, g - 2);
    return _mm256_or_si256(low, _mm256_and_si256(plane, _mm256_set1_epi8(4)));
}

// Weights 4g ... 4g + 3 of a sub-block for 8 rows.
INLINE __m256i load_weights(const int type, const uint8_t *block, const int g, const int half) {
    const int bits = type_bits(type);
    if (bits == 8) {
        __m256i line = load_line(block + 64 * g, half);
        return is_signed(type) ? _mm256_xor_si256(line, _mm256_set1_epi8(-128)) : line;
    }
    if (bits < 4) {
        return load_few_bits(bits, block, g, half);
    }
    __m256i line = load_line(block + 64 * (g >> 1), half);
    __m256i low = _mm256_and_si256(
        g & 1 ? _mm256_srli_epi16(line, 4) : line, _mm256_set1_epi8(15));
    if (type_table(type) != NULL) {
        const __m128i *place = (const __m128i *)(const void *)type_table(type);
        __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128(place));
        values = _mm256_shuffle_epi8(values, low);
        return is_signed(type) ? _mm256_xor_si256(values, _mm256_set1_epi8(-128)) : values;
    }
    if (bits == 4) {
        return low;
    }
    // The plane's bits of this group move to bit 4 (and 5).
    int from = bits == 5 ? g : 2 * (g & 3);
    __m256i plane = load_line(block + 256 + (bits == 5 ? 0 : 64 * (g >> 2)), half);
    plane = from < 4 ? _mm256_slli_epi16(plane, 4 - from) : _mm256_srli_epi16(plane, from - 4);
    __m256i mask = _mm256_set1_epi8(bits == 5 ? 0x10 : 0x30);
    return _mm256_or_si256(low, _mm256_and_si256(plane, mask));
}

// load_exponent of 8 rows.
INLINE __m256 load_exponents(const uint8_t *address, int half) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(address + 8 * half));
    __m256i exponents = _mm256_cvtepu8_epi32(bytes);
    __m256i normal = _mm256_sub_epi32(exponents, _mm256_set1_epi32(1));
    __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), exponents);
    __m256i is_normal = _mm256_cmpgt_epi32(normal, _mm256_setzero_si256());
    normal = _mm256_slli_epi32(normal, 23);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, is_normal));
}

// Scale and minimum of one sub-block for 8 rows.
INLINE void load_scales(
    const int type, const uint8_t *scales, int sub_block, const int part, const int half,
    __m256 *scale, __m256 *minimum) {
    *minimum = _mm256_setzero_ps();
    if (!type_is_k(type)) {
        const uint8_t *block = scales + (size_t)sub_block * (size_t)type_scale_block_bytes(type);
        *scale = type == TORII_TYPE_MXFP4 ? load_exponents(block, half) : load_halves(block, half);
        if (type_has_minimums(type)) {
            *minimum = load_halves(block + 32, half);
        }
        return;
    }
    const uint8_t *block = scales + (size_t)(sub_block / 8) * (size_t)type_scale_block_bytes(type);
    __m256 d = load_halves(block, half);
    const int index = type_scale_length(type) == 16 ? 2 * (sub_block % 8) + part : sub_block % 8;
    if (!type_has_minimums(type)) {
        *scale = _mm256_mul_ps(d, load_bytes_as_floats(block + 32 + 16 * index, half, true));
        return;
    }
    __m256 dmin = load_halves(block + 32, half);
    if (type == TORII_TYPE_Q2_K) {
        const void *place = block + 64 + 16 * index + 8 * half;
        __m256i pairs = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)place));
        __m256i low = _mm256_and_si256(pairs, _mm256_set1_epi32(15));
        *scale = _mm256_mul_ps(d, _mm256_cvtepi32_ps(low));
        *minimum = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(_mm256_srli_epi32(pairs, 4)));
        return;
    }
    const uint8_t *bytes = block + 64 + 32 * index;
    *scale = _mm256_mul_ps(d, load_bytes_as_floats(bytes, half, false));
    *minimum = _mm256_mul_ps(dmin, load_bytes_as_floats(bytes + 16, half, false));
}
