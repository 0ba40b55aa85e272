#include "thread_pool.h"

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// How long a thread spins before it sleeps in the system. Between runs: longer than a decode loop
// needs from step to step, far shorter than anybody would notice as idle load. At a barrier the
// others are at work: the wait is long only when one of them was taken off its core, and then
// yielding lets it come back sooner than sleeping does.
#define IDLE_SPIN_NANOSECONDS 80000
#define BARRIER_SPIN_NANOSECONDS 2000000
#define YIELD_AFTER_NANOSECONDS 50000
#define PAUSES_PER_CLOCK_READ 64
// Two cache lines: the adjacent-line prefetcher moves pairs.
#define LINE 128

// A word that threads wait on until it changes: spin first, then sleep.
typedef struct {
    _Alignas(LINE) atomic_uint value;
    _Alignas(LINE) atomic_uint sleepers;
} gate;

struct torii_pool {
    gate start;    // changes when a run begins
    gate phase;    // changes when a barrier opens
    _Alignas(LINE) atomic_int arrived;
    _Alignas(LINE) atomic_int taken;  // units of work since the last barrier
    _Alignas(LINE) torii_pool_body body;
    void *argument;
    bool stopping;
    int thread_count;
    pthread_t *threads;
};

typedef struct {
    torii_pool *pool;
    int index;
} member;

static inline void cpu_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t now_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Returns when the gate's value is no longer `seen`.
static void gate_wait(gate *g, unsigned seen, int64_t spin_nanoseconds) {
    int64_t limit = 0;
    for (;;) {
        for (int i = 0; i < PAUSES_PER_CLOCK_READ; i++) {
            if (atomic_load_explicit(&g->value, memory_order_acquire) != seen) return;
            cpu_pause();
        }
        int64_t now = now_nanoseconds();
        if (limit == 0) limit = now + spin_nanoseconds;
        if (now >= limit) break;
        if (now >= limit - spin_nanoseconds + YIELD_AFTER_NANOSECONDS) sched_yield();
    }
    // The opener changes the value and then reads `sleepers`; this thread counts itself and then
    // the system compares the value again, so one of the two sees the other.
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->value) == seen) {
        syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
    atomic_fetch_sub(&g->sleepers, 1);
}

static void gate_open(gate *g) {
    atomic_fetch_add(&g->value, 1);
    if (atomic_load(&g->sleepers) > 0) {
        syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
    }
}

void torii_pool_barrier(torii_pool *pool) {
    int count = pool->thread_count;
    if (count == 1) {
        atomic_store_explicit(&pool->taken, 0, memory_order_relaxed);
        return;
    }
    unsigned seen = atomic_load_explicit(&pool->phase.value, memory_order_acquire);
    if (atomic_fetch_add(&pool->arrived, 1) == count - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->taken, 0, memory_order_relaxed);
        gate_open(&pool->phase);
    } else {
        gate_wait(&pool->phase, seen, BARRIER_SPIN_NANOSECONDS);
    }
}

int torii_pool_take(torii_pool *pool) {
    return atomic_fetch_add_explicit(&pool->taken, 1, memory_order_relaxed);
}

static void *member_main(void *argument) {
    member self = *(member *)argument;
    free(argument);
    torii_pool *pool = self.pool;
    // By the thread itself: naming another one takes a file, which a locked-in process cannot open.
    pthread_setname_np(pthread_self(), "torii-kernel");
    unsigned seen = 0;
    for (;;) {
        gate_wait(&pool->start, seen, IDLE_SPIN_NANOSECONDS);
        seen += 1;
        if (pool->stopping) return NULL;
        pool->body(pool->argument, self.index);
        torii_pool_barrier(pool);
    }
}

void torii_pool_run(torii_pool *pool, torii_pool_body body, void *argument) {
    if (pool->thread_count > 1) {
        pool->body = body;
        pool->argument = argument;
        gate_open(&pool->start);
    }
    body(argument, 0);
    torii_pool_barrier(pool);
}

int torii_pool_thread_count(const torii_pool *pool) {
    return pool->thread_count;
}

static bool start_member(torii_pool *pool, int index) {
    member *self = malloc(sizeof *self);
    if (self == NULL) return false;
    *self = (member){.pool = pool, .index = index};
    // Signals belong to the threads that ask for them, never to a kernel thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&pool->threads[index], NULL, member_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        free(self);
        return false;
    }
    return true;
}

torii_pool *torii_pool_create(int thread_count) {
    if (thread_count < 1 || thread_count > 512) return NULL;
    torii_pool *pool = aligned_alloc(LINE, (sizeof *pool + LINE - 1) / LINE * LINE);
    if (pool == NULL) return NULL;
    memset(pool, 0, sizeof *pool);
    pool->threads = calloc((size_t)thread_count, sizeof *pool->threads);
    pool->thread_count = 1;
    if (pool->threads == NULL) {
        torii_pool_destroy(pool);
        return NULL;
    }
    for (int index = 1; index < thread_count; index++) {
        if (!start_member(pool, index)) {
            torii_pool_destroy(pool);
            return NULL;
        }
        pool->thread_count = index + 1;
    }
    return pool;
}

void torii_pool_destroy(torii_pool *pool) {
    if (pool == NULL) return;
    pool->stopping = true;
    gate_open(&pool->start);
    for (int index = 1; index < pool->thread_count; index++) {
        pthread_join(pool->threads[index], NULL);
    }
    free(pool->threads);
    free(pool);
}
