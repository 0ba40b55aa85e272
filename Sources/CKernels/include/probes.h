// What this machine can do at most: the yardsticks of the benchmarks. Each call takes well under a
// second of all the threads asked for.
#pragma once

#include "isa.h"

// What several runs gave, work per second of all threads together; zeros: nothing was measured.
typedef struct {
    double best;  // the quickest run, by the time that its threads had a processor
    double mean;  // of all runs, by the clock: what the machine gave in these seconds
} torii_probe_rate;

// Bytes per second that `threads` threads read from memory, each its own part of a buffer far
// larger than the caches, in the faster of two ways. Zeros: no memory or threads to be had.
torii_probe_rate torii_probe_memory_bandwidth(int threads);

// 8-bit multiply-adds (counted as two operations each) per second of `threads` threads in the
// instruction set's own dot product, operands in registers. Zeros: unsupported set or no threads.
torii_probe_rate torii_probe_integer_peak(torii_isa isa, int threads);

// Operations per second of `threads` threads (1 ... 256; a multiply-add counts as two) in what a
// product with weights of a type (matmul.h) consists of: its dot products with the additions,
// conversions and multiplications by scales that the contract asks for beside them, on registers.
// They share the processor's units, so that is the most that such a product can reach. Zeros: no
// kernels for the type, no threads, an unsupported set, or the scalar one.
torii_probe_rate torii_probe_product_peak(torii_isa isa, int type, int threads);
