#pragma once
// Threads that run one function together, with a barrier between its phases.
//
// The thread that calls torii_pool_run takes part as thread 0. Between runs the others spin for
// a short while (a decode loop starts its next step within microseconds) and then sleep, so an
// idle pool uses no processor time.

#include <stdbool.h>
#include <stdint.h>

typedef struct torii_pool torii_pool;

/// A function that threads of the pool run together: thread_index is in 0 ..< thread_count.
typedef void (*torii_pool_body)(void *argument, int thread_index, int thread_count);

/// What a run took.
typedef struct {
    /// From the call until the last thread returned from the body.
    int64_t elapsed_nanoseconds;
    /// How long threads of the run were kept off the processors by others, all threads together:
    /// neither computing nor asleep of their own accord.
    int64_t lost_nanoseconds;
} torii_pool_times;

/// Starts thread_count - 1 threads (thread_count >= 1, at most 512).
/// NULL if a thread or the memory cannot be had.
torii_pool *torii_pool_create(int thread_count);

/// Ends and joins the threads. No run may be under way.
void torii_pool_destroy(torii_pool *pool);

/// Runs body on threads 0 ..< thread_count, which is 1 ... the pool's count, and returns when all
/// have returned from it. The pool's other threads go on sleeping. One caller at a time.
torii_pool_times torii_pool_run(torii_pool *pool, int thread_count, torii_pool_body body,
                                void *argument);

/// Waits, as thread `thread`, until every thread of the run has arrived; what they wrote before is
/// visible after. Every thread must arrive at the same barriers.
void torii_pool_barrier(torii_pool *pool, int thread);

/// Takes the next piece of work in order: returns 0, 1, 2, ... to whichever thread asks, from 0
/// again after each barrier.
int torii_pool_take_next(torii_pool *pool);

/// Takes one of `count` pieces of work until the next barrier: thread `thread` gets those of its
/// own even part in order, then what others have not come to yet, from the ends of their parts; -1
/// when all are taken. All threads must ask with the same count. So each thread goes through memory
/// in order, and none waits for another for longer than for a piece.
int torii_pool_take_piece(torii_pool *pool, int thread, int count);
