// Which instruction set runs: asked once by whoever builds a kernel table.
#include "isa.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

// XCR0: the register state that the operating system saves. A processor bit alone isn't enough.
static uint64_t saved_register_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

static bool x86_supported(torii_isa isa) {
    const uint64_t avx_state = 0x6, avx512_state = 0xe6;
    __builtin_cpu_init();
    // The compiler's run-time reports AVX2 only when OSXSAVE is set, so xgetbv is legal after it.
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")
        || !__builtin_cpu_supports("f16c")) {
        return false;
    }
    uint64_t state = saved_register_state();
    if (isa == TORII_ISA_AVX2 || isa == TORII_ISA_AVXVNNI) {
        const bool has_registers = (state & avx_state) == avx_state;
        return has_registers && (isa == TORII_ISA_AVX2 || __builtin_cpu_supports("avxvnni"));
    }
    return (state & avx512_state) == avx512_state && __builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

#endif

#if defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

// HWCAP_ASIMDDP of the kernel's interface (Documentation/arch/arm64/elf_hwcaps.rst).
static bool arm_has_dot_product(void) { return (getauxval(AT_HWCAP) & (1UL << 20)) != 0; }

#else

static bool arm_has_dot_product(void) { return false; }

#endif

bool torii_isa_supported(torii_isa isa) {
    switch (isa) {
    case TORII_ISA_SCALAR:
        return true;
    case TORII_ISA_NEON:
        return arm_has_dot_product();
    case TORII_ISA_AVX2:
    case TORII_ISA_AVXVNNI:
    case TORII_ISA_AVX512:
#if defined(__x86_64__)
        return x86_supported(isa);
#else
        return false;
#endif
    }
    return false;
}

torii_isa torii_isa_widest(void) {
    // No processor has sets of both kinds.
    int isa = TORII_ISA_NEON;
    while (!torii_isa_supported((torii_isa)isa)) isa--;
    return (torii_isa)isa;
}

torii_isa torii_isa_best(void) {
    torii_isa forced;
    const char *name = getenv("TORII_ISA");
    if (name != NULL && torii_isa_parse(name, &forced) && torii_isa_supported(forced)) {
        return forced;
    }
    return torii_isa_widest();
}

static const char *const names[] = {
    [TORII_ISA_SCALAR] = "scalar",
    [TORII_ISA_AVX2] = "avx2",
    [TORII_ISA_AVXVNNI] = "avxvnni",
    [TORII_ISA_AVX512] = "avx512",
    [TORII_ISA_NEON] = "neon",
};

bool torii_isa_parse(const char *name, torii_isa *isa) {
    for (int candidate = TORII_ISA_SCALAR; candidate <= TORII_ISA_NEON; candidate++) {
        if (strcmp(name, names[candidate]) == 0) {
            *isa = (torii_isa)candidate;
            return true;
        }
    }
    return false;
}
