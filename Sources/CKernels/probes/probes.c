// Memory bandwidth and integer peak, measured with plain threads.
#include "probes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "../matmul/layout.h"
#include "loops.h"

enum { MAXIMUM_THREADS = 256, RUNS = 5 };

// Several times any share of a last-level cache that a tenant is likely to have.
static const size_t buffer_bytes = (size_t)256 << 20;

// What the threads of one run wait for before they start, so that they all measure the same time.
typedef enum { GATE_CLOSED, GATE_OPEN, GATE_CANCELLED } gate_state;

typedef struct {
    atomic_int *gate;
    const uint8_t *bytes;  // NULL: the integer loop
    size_t byte_count;
    probe_read_way way;
    torii_isa isa;
    const probe_products *products;  // NULL: the dot product alone
    int type;                        // of the products' weights
    long iterations;
    uint64_t digest;
    double ran;   // seconds on the processor: what others take of the machine doesn't count
    double took;  // seconds by the clock
} probe_part;

// Seconds that a run takes.
typedef struct {
    double best;  // the slowest thread in the quickest run, on the processor
    double mean;  // of all threads and runs, by the clock
} probe_duration;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *run_part(void *argument) {
    probe_part *part = argument;
    int gate;
    while ((gate = atomic_load(part->gate)) == GATE_CLOSED) {
        sched_yield();
    }
    if (gate == GATE_OPEN) {
        double ran = seconds(CLOCK_THREAD_CPUTIME_ID), took = seconds(CLOCK_MONOTONIC);
        if (part->bytes != NULL) {
            part->digest ^= probe_read(part->way, part->bytes, part->byte_count);
        } else if (part->products != NULL) {
            part->products->run(part->type, part->iterations);
        } else {
            part->digest ^= probe_dot(part->isa, part->iterations);
        }
        part->took = seconds(CLOCK_MONOTONIC) - took;
        part->ran = seconds(CLOCK_THREAD_CPUTIME_ID) - ran;
    }
    return NULL;
}

// Runs all parts at the same time. False: not enough threads.
static bool run_parts(probe_part *parts, int threads) {
    pthread_t ids[MAXIMUM_THREADS];
    atomic_int gate = GATE_CLOSED;
    int started = 0;
    for (int i = 0; i < threads; i++) {
        parts[i].gate = &gate;
    }
    while (started < threads - 1
           && pthread_create(&ids[started], NULL, run_part, &parts[started + 1]) == 0) {
        started++;
    }
    bool complete = started == threads - 1;
    atomic_store(&gate, complete ? GATE_OPEN : GATE_CANCELLED);
    run_part(&parts[0]);
    for (int i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
    }
    return complete;
}

// Runs the parts several times. Zeros: not enough threads.
static probe_duration time_parts(probe_part *parts, int threads) {
    probe_duration result = {0};
    for (int run = 0; run < RUNS; run++) {
        if (!run_parts(parts, threads)) return (probe_duration){0};
        double longest = 0;
        for (int i = 0; i < threads; i++) {
            longest = parts[i].ran > longest ? parts[i].ran : longest;
            result.mean += parts[i].took / (RUNS * threads);
        }
        result.best = run == 0 || longest < result.best ? longest : result.best;
    }
    return result;
}

static torii_probe_rate rate_of(double work, probe_duration duration) {
    if (duration.best <= 0) return (torii_probe_rate){0};
    return (torii_probe_rate){work / duration.best, work / duration.mean};
}

torii_probe_rate torii_probe_memory_bandwidth(int threads) {
    probe_part parts[MAXIMUM_THREADS] = {{0}};
    if (threads < 1 || threads > MAXIMUM_THREADS) {
        return (torii_probe_rate){0};
    }
    uint8_t *buffer = mmap(
        NULL, buffer_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        return (torii_probe_rate){0};
    }
    // Huge pages as the weights have them; written, because unwritten pages are all one zero page.
    madvise(buffer, buffer_bytes, MADV_HUGEPAGE);
    for (size_t offset = 0; offset < buffer_bytes; offset += 4096) {
        buffer[offset] = 1;
    }
    size_t share = buffer_bytes / (size_t)threads / 512 * 512;
    torii_probe_rate fastest = {0};
    for (probe_read_way way = 0; way < PROBE_READ_WAYS; way++) {
        for (int i = 0; i < threads; i++) {
            parts[i].bytes = buffer + (size_t)i * share;
            parts[i].byte_count = share;
            parts[i].way = way;
        }
        double work = (double)share * threads;
        torii_probe_rate rate = rate_of(work, time_parts(parts, threads));
        fastest.best = rate.best > fastest.best ? rate.best : fastest.best;
        fastest.mean = rate.mean > fastest.mean ? rate.mean : fastest.mean;
    }
    munmap(buffer, buffer_bytes);
    return fastest;
}

// Operations per second of an integer loop with `operations` multiply-adds an iteration; about
// 20 ms a run.
static torii_probe_rate integer_rate(probe_part loop, double operations, int threads) {
    probe_part parts[MAXIMUM_THREADS] = {{0}};
    loop.iterations = (long)((loop.isa == TORII_ISA_SCALAR ? 150e6 : 3e9) / operations);
    for (int i = 0; i < threads; i++) {
        parts[i] = loop;
    }
    double work = 2 * operations * (double)loop.iterations * threads;
    return rate_of(work, time_parts(parts, threads));
}

torii_probe_rate torii_probe_integer_peak(torii_isa isa, int threads) {
    if (threads < 1 || threads > MAXIMUM_THREADS || !torii_isa_supported(isa)) {
        return (torii_probe_rate){0};
    }
    return integer_rate((probe_part){.isa = isa}, (double)probe_dot_operations(isa), threads);
}

torii_probe_rate torii_probe_product_peak(torii_isa isa, int type, int threads) {
    const probe_products *products = probe_products_for(isa);
    if (threads < 1 || threads > MAXIMUM_THREADS || !torii_isa_supported(isa) || products == NULL
        || !torii_matrix_supported(type, 1, SUPERBLOCK)) {
        return (torii_probe_rate){0};
    }
    probe_part loop = {.isa = isa, .products = products, .type = type};
    return integer_rate(loop, (double)products->operations, threads);
}
