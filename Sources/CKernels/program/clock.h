// Time in nanoseconds. Private.
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t now_nanoseconds(void) {
    return read_clock(CLOCK_MONOTONIC);
}
