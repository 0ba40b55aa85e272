#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "thread_pool.h"

#include "clock.h"

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
#include <unistd.h>

// How long a thread spins before it sleeps in the system. Between runs: longer than a decode loop
// needs from step to step, far shorter than anybody would notice as idle load. At a barrier the
// others are at work: the wait is long only when one of them was taken off its core, and then
// yielding lets it come back sooner than sleeping does.
#define IDLE_SPIN_NANOSECONDS 80000
#define BARRIER_SPIN_NANOSECONDS 2000000
#define YIELD_AFTER_NANOSECONDS 50000
#define PAUSES_PER_CLOCK_READ 64
// The start gate's value is the run's number and, in these low bits, how many threads take part.
#define COUNT_BITS 10
#define COUNT_MASK ((1u << COUNT_BITS) - 1)
// Two cache lines: the adjacent-line prefetcher moves pairs.
#define LINE 128

// A word that threads wait on until it changes: spin first, then sleep.
typedef struct {
    _Alignas(LINE) atomic_uint value;
    _Alignas(LINE) atomic_uint sleepers;
} gate;

// A thread of the pool; 0 is the caller of a run.
typedef struct {
    torii_pool *pool;
    int index;
    pthread_t thread;
    _Alignas(LINE) int64_t lost_nanoseconds;  // of the run
    // How many pieces of this thread's part it has taken itself, from the front (upper half), and
    // how many others have, from the back. Two phases take turns: while one counts, the next one's
    // is cleared.
    _Alignas(LINE) atomic_uint_least64_t taken[2];
} member;

struct torii_pool {
    gate start;  // changes when a run begins
    gate rest;   // changes when more threads take part in a run than in the one before
    gate phase;  // changes when a barrier opens
    _Alignas(LINE) atomic_int arrived;
    _Alignas(LINE) atomic_int next_piece;  // of those that are taken in order

    // Of the run, or the last one.
    _Alignas(LINE) torii_pool_body body;
    void *argument;
    int thread_count;
    int64_t started_nanoseconds;

    bool stopping;
    int member_count;
    member *members;
};

// How long this thread has slept at barriers since it started.
static _Thread_local int64_t slept_nanoseconds;

static inline void cpu_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

// Returns when the gate's value is no longer `seen`.
static void gate_wait(gate *g, unsigned seen, int64_t spin_nanoseconds) {
    int64_t first = 0, now = 0;
    do {
        for (int i = 0; i < PAUSES_PER_CLOCK_READ; i++) {
            if (atomic_load_explicit(&g->value, memory_order_acquire) != seen) return;
            cpu_pause();
        }
        now = now_nanoseconds();
        if (first == 0) first = now;
        if (now - first >= YIELD_AFTER_NANOSECONDS) sched_yield();
    } while (now - first < spin_nanoseconds);
    // The opener changes the value and then reads `sleepers`; this thread counts itself and then
    // the system compares the value again, so one of the two sees the other.
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->value) == seen) {
        syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
    atomic_fetch_sub(&g->sleepers, 1);
    slept_nanoseconds += now_nanoseconds() - now;
}

static void gate_open(gate *g, unsigned value) {
    atomic_store(&g->value, value);
    if (atomic_load(&g->sleepers) > 0) {
        syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
    }
}

void torii_pool_barrier(torii_pool *pool, int thread) {
    int count = pool->thread_count;
    unsigned seen = atomic_load_explicit(&pool->phase.value, memory_order_acquire);
    atomic_store_explicit(&pool->members[thread].taken[(seen + 1) % 2], 0, memory_order_relaxed);
    if (count == 1) {
        atomic_store_explicit(&pool->next_piece, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->phase.value, seen + 1, memory_order_relaxed);
        return;
    }
    if (atomic_fetch_add(&pool->arrived, 1) == count - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->next_piece, 0, memory_order_relaxed);
        gate_open(&pool->phase, seen + 1);
    } else {
        gate_wait(&pool->phase, seen, BARRIER_SPIN_NANOSECONDS);
    }
}

int torii_pool_take_next(torii_pool *pool) {
    return atomic_fetch_add_explicit(&pool->next_piece, 1, memory_order_relaxed);
}

// One of the `count` pieces of a thread's part, from the front or the back; or -1.
static int take_end(atomic_uint_least64_t *taken, int count, bool is_front) {
    uint_least64_t seen = atomic_load_explicit(taken, memory_order_relaxed), next;
    int from_front, from_back;
    do {
        from_front = (int)(seen >> 32);
        from_back = (int)(seen & UINT32_MAX);
        if (from_front + from_back >= count) return -1;
        next = seen + (is_front ? (uint_least64_t)1 << 32 : 1);
    } while (!atomic_compare_exchange_weak_explicit(taken, &seen, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return is_front ? from_front : count - 1 - from_back;
}

int torii_pool_take_piece(torii_pool *pool, int thread, int count) {
    unsigned phase = atomic_load_explicit(&pool->phase.value, memory_order_relaxed);
    int64_t threads = pool->thread_count;
    for (int64_t i = 0; i < threads; i++) {
        int64_t owner = (thread + i) % threads;
        int first = (int)(count * owner / threads), end = (int)(count * (owner + 1) / threads);
        atomic_uint_least64_t *taken = &pool->members[owner].taken[phase % 2];
        int piece = take_end(taken, end - first, owner == thread);
        if (piece >= 0) return first + piece;
    }
    return -1;
}

// Runs the body as one of its threads, and notes how long others kept it from that: from the run's
// start on, so a thread that was to be there at once and came late has lost time too.
static void run_body(torii_pool *pool, int index) {
    int64_t slept = slept_nanoseconds, computed = read_clock(CLOCK_THREAD_CPUTIME_ID);
    pool->body(pool->argument, index, pool->thread_count);
    int64_t elapsed = now_nanoseconds() - pool->started_nanoseconds;
    computed = read_clock(CLOCK_THREAD_CPUTIME_ID) - computed;
    int64_t lost = elapsed - computed - (slept_nanoseconds - slept);
    pool->members[index].lost_nanoseconds = lost > 0 ? lost : 0;
    torii_pool_barrier(pool, index);
}

static void *member_main(void *argument) {
    const member *self = argument;
    torii_pool *pool = self->pool;
    // By the thread itself: naming another one takes a file, which a locked-in process cannot open.
    pthread_setname_np(pthread_self(), "torii-kernel");
    unsigned seen = 0;  // of the start gate
    for (;;) {
        // In this order: a run in which this thread takes part again is seen in one of the two.
        unsigned rest = atomic_load(&pool->rest.value);
        unsigned start = atomic_load(&pool->start.value);
        bool takes_part = (unsigned)self->index < (start & COUNT_MASK);
        if (!takes_part) {
            gate_wait(&pool->rest, rest, 0);
        } else if (start == seen) {
            gate_wait(&pool->start, seen, IDLE_SPIN_NANOSECONDS);
        } else if (pool->stopping) {
            return NULL;
        } else {
            seen = start;
            run_body(pool, self->index);
        }
    }
}

// Nothing of a run's work is taken yet. A thread that was not in the last one has not cleared its
// counts.
static void forget_taken(torii_pool *pool, int count) {
    for (int index = 0; index < count; index++) {
        for (int phase = 0; phase < 2; phase++) {
            atomic_store_explicit(&pool->members[index].taken[phase], 0, memory_order_relaxed);
        }
    }
}

// Lets threads 0 ..< count run the body; the others may not even notice.
static void start_run(torii_pool *pool, int count) {
    unsigned before = atomic_load_explicit(&pool->start.value, memory_order_relaxed);
    unsigned number = (before >> COUNT_BITS) + 1;
    gate_open(&pool->start, number << COUNT_BITS | (unsigned)count);
    if ((unsigned)count > (before & COUNT_MASK)) {
        gate_open(&pool->rest, atomic_load_explicit(&pool->rest.value, memory_order_relaxed) + 1);
    }
}

torii_pool_times torii_pool_run(torii_pool *pool, int thread_count, torii_pool_body body,
                                void *argument) {
    pool->body = body;
    pool->argument = argument;
    pool->thread_count = thread_count;
    pool->started_nanoseconds = now_nanoseconds();
    forget_taken(pool, thread_count);
    if (thread_count > 1) start_run(pool, thread_count);
    run_body(pool, 0);
    torii_pool_times times = {now_nanoseconds() - pool->started_nanoseconds, 0};
    for (int index = 0; index < thread_count; index++) {
        times.lost_nanoseconds += pool->members[index].lost_nanoseconds;
    }
    return times;
}

static bool start_member(torii_pool *pool, int index) {
    // Signals belong to the threads that ask for them, never to a kernel thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    member *self = &pool->members[index];
    *self = (member){.pool = pool, .index = index};
    int failure = pthread_create(&self->thread, NULL, member_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure == 0;
}

// Zeroed, at the start of a line.
static void *allocate_lines(size_t byte_count) {
    size_t rounded = (byte_count + LINE - 1) / LINE * LINE;
    void *memory = aligned_alloc(LINE, rounded);
    if (memory != NULL) memset(memory, 0, rounded);
    return memory;
}

torii_pool *torii_pool_create(int thread_count) {
    if (thread_count < 1 || thread_count > 512) return NULL;
    torii_pool *pool = allocate_lines(sizeof *pool);
    if (pool == NULL) return NULL;
    pool->members = allocate_lines((size_t)thread_count * sizeof *pool->members);
    pool->member_count = 1;
    if (pool->members == NULL) {
        torii_pool_destroy(pool);
        return NULL;
    }
    for (int index = 1; index < thread_count; index++) {
        if (!start_member(pool, index)) {
            torii_pool_destroy(pool);
            return NULL;
        }
        pool->member_count = index + 1;
    }
    return pool;
}

void torii_pool_destroy(torii_pool *pool) {
    if (pool == NULL) return;
    pool->stopping = true;
    start_run(pool, pool->member_count);
    for (int index = 1; index < pool->member_count; index++) {
        pthread_join(pool->members[index].thread, NULL);
    }
    free(pool->members);
    free(pool);
}
