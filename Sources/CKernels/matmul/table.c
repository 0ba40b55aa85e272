// The choice of a kernel table by instruction set.
#include "tables.h"

const torii_matmul_kernels *torii_matmul_for(torii_isa isa) {
    switch (isa) {
    default:
        return &torii_matmul_scalar;
    }
}
