// AVX2 with the dot product of AVX-VNNI.
#include "loops.h"

#if defined(__x86_64__)

#define HAS_DOT 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "product_256.h"
#pragma clang attribute pop

const probe_products probe_products_avxvnni = {PRODUCT_OPERATIONS, run_products};

#endif
