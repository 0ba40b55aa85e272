#pragma once
// Threads that run one function together, with a barrier between its phases.
//
// The thread that calls torii_pool_run takes part as thread 0. Between runs the others spin for
// a short while (a decode loop starts its next step within microseconds) and then sleep, so an
// idle pool uses no processor time.

#include <stdbool.h>

typedef struct torii_pool torii_pool;

/// A function that every thread of the pool runs: thread_index is in 0 ..< the pool's count.
typedef void (*torii_pool_body)(void *argument, int thread_index);

/// Starts thread_count - 1 threads (thread_count >= 1, at most 512).
/// NULL if a thread or the memory cannot be had.
torii_pool *torii_pool_create(int thread_count);

/// Ends and joins the threads. No run may be under way.
void torii_pool_destroy(torii_pool *pool);

/// The number of threads that run a body, the caller included.
int torii_pool_thread_count(const torii_pool *pool);

/// Runs body on every thread and returns when all have returned from it. One caller at a time.
void torii_pool_run(torii_pool *pool, torii_pool_body body, void *argument);

/// Waits until every thread of the running body has arrived; what they wrote before is visible
/// after. Every thread must arrive at the same barriers.
void torii_pool_barrier(torii_pool *pool);

/// Takes a unit of work: returns 0, 1, 2, ... to whichever thread asks, from 0 again after each
/// barrier.
int torii_pool_take(torii_pool *pool);
