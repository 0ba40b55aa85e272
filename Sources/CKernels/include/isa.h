// The instruction sets that the kernels are written for, and the choice among them at run time.
#pragma once

#include <stdbool.h>

typedef enum {
    TORII_ISA_SCALAR = 0,   // portable C, every processor
    TORII_ISA_AVX2 = 1,     // AVX2, FMA, F16C; no VNNI
    TORII_ISA_AVXVNNI = 2,  // the same with AVX-VNNI
    TORII_ISA_AVX512 = 3,   // AVX-512 F, BW, DQ, VL and VNNI
    TORII_ISA_NEON = 4,     // Arm: Advanced SIMD with the dot product of Armv8.2
} torii_isa;

// Whether this processor and the operating system (register state) can run the set's kernels.
bool torii_isa_supported(torii_isa isa);

// The widest supported set.
torii_isa torii_isa_widest(void);

// The set that TORII_ISA names ("scalar", "avx2", "avxvnni", "avx512", "neon") if it is one and is
// supported, else the widest. A wrong value is ignored here; the Swift facade turns it into an
// error.
torii_isa torii_isa_best(void);

// Reads a name as TORII_ISA spells it. False, `isa` untouched: no such set.
bool torii_isa_parse(const char *name, torii_isa *isa);
