// What this machine can do at most: the yardsticks of the benchmarks. Each call takes well under a
// second of all the threads asked for.
#pragma once

#include "isa.h"

// Bytes per second that `threads` threads read from memory, each its own part of a buffer far
// larger than the caches (median of several passes). 0: no memory or threads to be had.
double torii_probe_memory_bandwidth(int threads);

// 8-bit multiply-adds (counted as two operations each) per second of `threads` threads in the
// instruction set's own dot product, operands in registers. 0: unsupported set or no threads.
double torii_probe_integer_peak(torii_isa isa, int threads);

// The same of AVX-512 if its dot products have `multiplications` fused multiply-adds beside them to
// each 96. So do products of quantised matrices: a tile of 12 sums (two strips x six tokens) takes
// 96 dot products for 32 k, and 12 multiply-adds for the activations' scale and for each scale and
// minimum of these k, 24, 36 or 60 together. Where both share the processor's units that is the
// most such a product can reach. 0: no AVX-512 or no threads.
double torii_probe_tile_peak(int multiplications, int threads);
