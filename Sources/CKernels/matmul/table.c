// The choice of a kernel table by instruction set.
#include "tables.h"

const torii_matmul_kernels *torii_matmul_for(torii_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case TORII_ISA_AVX512:
        return &torii_matmul_avx512;
    case TORII_ISA_AVXVNNI:
        return &torii_matmul_avxvnni;
    case TORII_ISA_AVX2:
        return &torii_matmul_avx2;
#elif defined(__aarch64__)
    case TORII_ISA_NEON:
        return &torii_matmul_neon;
#endif
    default:
        return &torii_matmul_scalar;
    }
}
