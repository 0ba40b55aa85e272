// The vector operations for Arm, whose baseline has all that they need: vectors of four floats,
// fused multiply-adds, and conversions of half floats.
#include "ops.h"

#if defined(__aarch64__)

#define TORII_HAS_F16C 1
#define TORII_TILE_VECTORS 1

#include "vector_body.h"
#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "attention_body.h"

extern const torii_vector_kernels torii_vector_kernels_neon;
const torii_vector_kernels torii_vector_kernels_neon = TORII_VECTOR_KERNELS_INITIALIZER;

#endif
