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
