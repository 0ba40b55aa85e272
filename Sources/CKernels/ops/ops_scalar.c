// The vector operations in baseline code: every processor, and the reference for the others.
#include "ops.h"

#define TORII_TILE_VECTORS(rows) 1
#define UNROLLED

#include "vector_body.h"
#include "ops_body.h"
#include "activation_body.h"
#include "cache_body.h"
#include "weights_body.h"
#include "pieces_body.h"
#include "attention_body.h"

extern const torii_vector_kernels torii_vector_kernels_scalar;
const torii_vector_kernels torii_vector_kernels_scalar = TORII_VECTOR_KERNELS_INITIALIZER;
