// Picks the table of vector operations.
#include "ops.h"

extern const torii_vector_kernels torii_vector_kernels_scalar;
#if defined(__x86_64__)
extern const torii_vector_kernels torii_vector_kernels_avx2;
extern const torii_vector_kernels torii_vector_kernels_avx512;
#elif defined(__aarch64__)
extern const torii_vector_kernels torii_vector_kernels_neon;
#endif

const torii_vector_kernels *torii_vector_kernels_for(torii_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case TORII_ISA_AVX512: return &torii_vector_kernels_avx512;
    case TORII_ISA_AVXVNNI:  // has nothing for them
    case TORII_ISA_AVX2: return &torii_vector_kernels_avx2;
#elif defined(__aarch64__)
    case TORII_ISA_NEON: return &torii_vector_kernels_neon;
#endif
    default: return &torii_vector_kernels_scalar;
    }
}
