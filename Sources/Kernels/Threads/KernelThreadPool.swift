import CKernels
package import Platform

/// Threads that run kernels together: the caller's and `threadCount - 1` of its own.
///
/// Between runs the threads spin for less than 100 µs and then sleep; an idle pool uses no
/// processor time. Confined to the thread that runs steps: one run at a time.
@safe
package final class KernelThreadPool {
    /// How many threads take part in a run, the caller included.
    package let threadCount: Int
    /// The instruction set whose kernels the pool's users choose.
    package let instructionSet: InstructionSet

    let pool: OpaquePointer

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: At least 1; more than the cores that are free for them makes every step
    ///     slower.
    ///   - instructionSet: One that this machine supports.
    /// - Throws: EAGAIN when the system refuses a thread.
    package init(
        threadCount: Int = ProcessorFacts.usableCoreCount(),
        instructionSet: InstructionSet = .best
    ) throws(SystemError) {
        precondition((1...512).contains(threadCount), "a pool has 1 to 512 threads")
        precondition(instructionSet.isSupported, "the pool's instruction set runs here")
        guard let pool = unsafe torii_pool_create(Int32(threadCount)) else {
            throw SystemError(call: "pthread_create", code: 11)
        }
        unsafe self.pool = unsafe pool
        self.threadCount = threadCount
        self.instructionSet = instructionSet
    }

    deinit {
        // Safety: made by `init`, and a run keeps its pool alive.
        unsafe torii_pool_destroy(pool)
    }

    /// Calls `body` on some of the threads, with the thread's index in `0 ..< threadCount` and that
    /// count, and returns when all calls have.
    ///
    /// - Parameters:
    ///   - threadCount: `1 ... self.threadCount`; nil: all. The others go on sleeping.
    ///   - body: What they do.
    package func run(
        threadCount: Int? = nil,
        _ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void
    ) {
        let threadCount = threadCount ?? self.threadCount
        precondition((1...self.threadCount).contains(threadCount), "the pool has so many threads")
        withoutActuallyEscaping(body) { body in
            // Safety: the pointer outlives the run, which ends before `withUnsafePointer` returns;
            // the closure is Sendable, so the threads may call it together.
            unsafe withUnsafePointer(to: body) { pointer in
                _ = unsafe torii_pool_run(
                    pool,
                    Int32(threadCount),
                    { argument, thread, threadCount in
                        guard let argument = unsafe argument else { return }
                        let body = unsafe argument.assumingMemoryBound(
                            to: (@Sendable (Int, Int) -> Void).self
                        )
                        unsafe body.pointee(Int(thread), Int(threadCount))
                    },
                    UnsafeMutableRawPointer(mutating: pointer)
                )
            }
        }
    }
}
