// What this machine can do at most: the yardsticks of the benchmarks. Each call takes well under a
// second of all the threads asked for.
#pragma once

#include "isa.h"

// Bytes per second that `threads` threads read from memory, each its own part of a buffer far
// larger than the caches, in the faster of two ways (the best of several passes). 0: no memory or
// threads to be had.
double torii_probe_memory_bandwidth(int threads);

// 8-bit multiply-adds (counted as two operations each) per second of `threads` threads in the
// instruction set's own dot product, operands in registers. 0: unsupported set or no threads.
double torii_probe_integer_peak(torii_isa isa, int threads);

// Operations per second of `threads` threads (1 ... 256; a multiply-add counts as two) in what a
// product with weights of a type (matmul.h) consists of: its dot products with the additions,
// conversions and multiplications by scales that the contract asks for beside them, on registers.
// They share the processor's units, so that is the most that such a product can reach. 0: no
// kernels for the type, no threads, an unsupported set, or the scalar one.
double torii_probe_product_peak(torii_isa isa, int type, int threads);
