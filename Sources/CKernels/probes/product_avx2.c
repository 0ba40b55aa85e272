// AVX2 without VNNI.
#include "loops.h"

#if defined(__x86_64__)

#define HAS_DOT 0

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "product_256.h"
#pragma clang attribute pop

const probe_products probe_products_avx2 = {PRODUCT_OPERATIONS, run_products};

#endif
