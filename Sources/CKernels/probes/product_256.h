// The loops of product_body.h in AVX2's registers: included by product_avx2.c and
// product_avxvnni.c, which define HAS_DOT (avx2_sums.h), inside their target attributes.

#include "../matmul/avx2_sums.h"

typedef __m256i ints;
typedef __m256 floats;
enum { LANES = 8, SUMS = HAS_DOT ? 6 : 3 };  // as many as 16 registers hold with all else

#define HIDE(x) __asm__ volatile("" : "+x"(x))
#define splat _mm256_set1_ps
#define multiply _mm256_mul_ps
#define fused _mm256_fmadd_ps
#define to_floats _mm256_cvtepi32_ps
#define add_group add_product
#define run_of run_length

#include "product_body.h"
