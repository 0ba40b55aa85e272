#include "loops.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static uint64_t digest_of(const uint64_t *sums, int count) {
    uint64_t digest = 0;
    for (int i = 0; i < count; i++) {
        digest ^= sums[i];
    }
    return digest;
}

// Both have so many independent sums that they are vectorised at any level, and enough loads are
// in flight on every processor.
static uint64_t read_ahead(const uint8_t *bytes, size_t byte_count) {
    uint64_t sums[64] = {0};
    for (size_t offset = 0; offset < byte_count; offset += sizeof sums) {
        uint64_t words[64];
        for (size_t line = 0; line < sizeof sums; line += 64) {
            __builtin_prefetch(bytes + offset + 8192 + line, 0, 3);
        }
        memcpy(words, bytes + offset, sizeof words);
        for (int i = 0; i < 64; i++) {
            sums[i] ^= words[i];
        }
    }
    return digest_of(sums, 64);
}

enum { STREAMS = 4, LINE_WORDS = 8 };

static uint64_t read_streams(const uint8_t *bytes, size_t byte_count) {
    uint64_t sums[STREAMS * LINE_WORDS] = {0};
    size_t part = byte_count / STREAMS;
    for (size_t offset = 0; offset < part; offset += 64) {
        uint64_t words[STREAMS * LINE_WORDS];
        for (size_t stream = 0; stream < STREAMS; stream++) {
            memcpy(words + stream * LINE_WORDS, bytes + stream * part + offset, 64);
        }
        for (int i = 0; i < STREAMS * LINE_WORDS; i++) {
            sums[i] ^= words[i];
        }
    }
    return digest_of(sums, STREAMS * LINE_WORDS);
}

uint64_t probe_read(probe_read_way way, const uint8_t *bytes, size_t byte_count) {
    return way == PROBE_READ_STREAMS ? read_streams(bytes, byte_count)
                                     : read_ahead(bytes, byte_count);
}

// More chains than latency times throughput of the dot product on any processor so far.
enum { CHAINS = 16, CHAIN_STEPS = 16 };

#if defined(__x86_64__)

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
static uint64_t dot_avx512(long iterations) {
    __m512i weights = _mm512_set1_epi8(3), activations = _mm512_set1_epi8(5);
    __m512i sums[CHAINS] = {{0}};
    for (long i = 0; i < iterations; i++) {
        __asm__ volatile("" : "+v"(weights), "+v"(activations));
        for (int step = 0; step < CHAIN_STEPS; step++) {
            for (int chain = 0; chain < CHAINS; chain++) {
                sums[chain] = _mm512_dpbusd_epi32(sums[chain], weights, activations);
            }
        }
    }
    for (int chain = 1; chain < CHAINS; chain++) {
        sums[0] = _mm512_xor_si512(sums[0], sums[chain]);
    }
    return (uint64_t)_mm512_reduce_add_epi64(sums[0]);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
// 12 chains: with 16 registers more would spill.
enum { AVX2_CHAINS = 12 };
static uint64_t dot_avx2(long iterations) {
    __m256i weights = _mm256_set1_epi8(3), activations = _mm256_set1_epi8(5);
    __m256i sums[AVX2_CHAINS] = {{0}};
    for (long i = 0; i < iterations; i++) {
        for (int step = 0; step < CHAIN_STEPS; step++) {
            for (int chain = 0; chain < AVX2_CHAINS; chain++) {
                __asm__ volatile("" : "+x"(activations));
                __m256i pairs = _mm256_maddubs_epi16(weights, activations);
                sums[chain] = _mm256_add_epi16(sums[chain], pairs);
            }
        }
    }
    for (int chain = 1; chain < AVX2_CHAINS; chain++) {
        sums[0] = _mm256_xor_si256(sums[0], sums[chain]);
    }
    return (uint64_t)_mm256_extract_epi64(sums[0], 0) ^ (uint64_t)_mm256_extract_epi64(sums[0], 3);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,avxvnni"))), apply_to = function)
static uint64_t dot_avxvnni(long iterations) {
    __m256i weights = _mm256_set1_epi8(3), activations = _mm256_set1_epi8(5);
    __m256i sums[AVX2_CHAINS] = {{0}};
    for (long i = 0; i < iterations; i++) {
        __asm__ volatile("" : "+x"(weights), "+x"(activations));
        for (int step = 0; step < CHAIN_STEPS; step++) {
            for (int chain = 0; chain < AVX2_CHAINS; chain++) {
                sums[chain] = _mm256_dpbusd_avx_epi32(sums[chain], weights, activations);
            }
        }
    }
    for (int chain = 1; chain < AVX2_CHAINS; chain++) {
        sums[0] = _mm256_xor_si256(sums[0], sums[chain]);
    }
    return (uint64_t)_mm256_extract_epi64(sums[0], 0) ^ (uint64_t)_mm256_extract_epi64(sums[0], 3);
}
#pragma clang attribute pop

#endif

#if defined(__aarch64__)

#include <arm_neon.h>

// Enough chains for two units with a latency of three.
enum { NEON_CHAINS = 8, NEON_CHAIN_STEPS = 16 };

__attribute__((target("dotprod"))) static uint64_t dot_neon(long iterations) {
    int8x16_t weights = vdupq_n_s8(3), activations = vdupq_n_s8(5);
    int32x4_t sums[NEON_CHAINS];
    for (int chain = 0; chain < NEON_CHAINS; chain++) {
        sums[chain] = vdupq_n_s32(chain);
    }
    for (long i = 0; i < iterations; i++) {
        for (int step = 0; step < NEON_CHAIN_STEPS; step++) {
            for (int chain = 0; chain < NEON_CHAINS; chain++) {
                __asm__ volatile("" : "+w"(activations));
                sums[chain] = vdotq_s32(sums[chain], weights, activations);
            }
        }
    }
    for (int chain = 1; chain < NEON_CHAINS; chain++) {
        sums[0] = veorq_s32(sums[0], sums[chain]);
    }
    return (uint64_t)(uint32_t)vaddvq_s32(sums[0]);
}

#endif

enum { SCALAR_WIDTH = 16 };

static uint64_t dot_scalar(long iterations) {
    int8_t activations[SCALAR_WIDTH];
    uint8_t weights[SCALAR_WIDTH];
    int32_t sums[SCALAR_WIDTH] = {0};
    memset(activations, 5, sizeof activations);
    memset(weights, 3, sizeof weights);
    for (long i = 0; i < iterations; i++) {
        __asm__ volatile("" : : "r"(activations), "r"(weights) : "memory");
        for (int k = 0; k < SCALAR_WIDTH; k++) {
            sums[k] = (int32_t)((uint32_t)sums[k] + (uint32_t)(activations[k] * weights[k]));
        }
    }
    uint64_t digest = 0;
    for (int k = 0; k < SCALAR_WIDTH; k++) {
        digest += (uint32_t)sums[k];
    }
    return digest;
}

long probe_dot_operations(torii_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case TORII_ISA_AVX512:
        return 64L * CHAINS * CHAIN_STEPS;
    case TORII_ISA_AVXVNNI:
    case TORII_ISA_AVX2:
        return 32L * AVX2_CHAINS * CHAIN_STEPS;
#elif defined(__aarch64__)
    case TORII_ISA_NEON:
        return 16L * NEON_CHAINS * NEON_CHAIN_STEPS;
#endif
    default:
        return SCALAR_WIDTH;
    }
}

uint64_t probe_dot(torii_isa isa, long iterations) {
    switch (isa) {
#if defined(__x86_64__)
    case TORII_ISA_AVX512:
        return dot_avx512(iterations);
    case TORII_ISA_AVXVNNI:
        return dot_avxvnni(iterations);
    case TORII_ISA_AVX2:
        return dot_avx2(iterations);
#elif defined(__aarch64__)
    case TORII_ISA_NEON:
        return dot_neon(iterations);
#endif
    default:
        return dot_scalar(iterations);
    }
}

const probe_products *probe_products_for(torii_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case TORII_ISA_AVX512:
        return &probe_products_avx512;
    case TORII_ISA_AVXVNNI:
        return &probe_products_avxvnni;
    case TORII_ISA_AVX2:
        return &probe_products_avx2;
#elif defined(__aarch64__)
    case TORII_ISA_NEON:
        return &probe_products_neon;
#endif
    default:
        return NULL;
    }
}
