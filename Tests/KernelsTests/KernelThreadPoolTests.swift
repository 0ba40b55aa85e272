import CKernels
import Dispatch
import Foundation
import Kernels
import Platform
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct KernelThreadPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func `every thread runs every body once`(threadCount: Int) throws {
        let pool = try KernelThreadPool(threadCount: threadCount)
        let calls = Mutex([Int](repeating: 0, count: threadCount))
        for _ in 0..<200 {
            pool.run { thread, count in
                calls.withLock { $0[thread] += count == threadCount ? 1 : 1000 }
            }
        }
        #expect(calls.withLock { $0 } == [Int](repeating: 200, count: threadCount))
    }

    @Test func `any number of the threads may take part in a run`() throws {
        let pool = try KernelThreadPool(threadCount: 8)
        var generator = SeededGenerator(seed: 1)
        var expected = [Int](repeating: 0, count: 8)
        let calls = Mutex([Int](repeating: 0, count: 8))
        for round in 0..<2000 {
            let count = Int.random(in: 1...8, using: &generator)
            pool.run(threadCount: count) { thread, _ in calls.withLock { $0[thread] += 1 } }
            for thread in 0..<count { expected[thread] += 1 }
            #expect(calls.withLock { $0 } == expected, "round \(round), \(count) threads")
            // Long enough for threads to fall asleep.
            if round % 100 == 0 { compute(for: .milliseconds(1)) }
        }
    }

    @Test func `time in which a thread neither computes nor waits for the others is lost`() throws {
        let pool = try #require(torii_pool_create(2))
        defer { torii_pool_destroy(pool) }
        let event = DispatchSemaphore(value: 0)
        let times = torii_pool_run(
            pool,
            2,
            { argument, thread, _ in
                guard let argument else { return }
                let event = Unmanaged<DispatchSemaphore>.fromOpaque(argument)
                    .takeUnretainedValue()
                if thread == 1 {
                    event.wait()
                } else {
                    compute(for: .milliseconds(20))
                    event.signal()
                }
            },
            Unmanaged.passUnretained(event).toOpaque()
        )
        #expect(times.elapsed_nanoseconds >= 20_000_000)
        #expect(times.lost_nanoseconds >= 15_000_000)
    }

    @Test(arguments: [1, 2, 3, 5])
    func `what was written before a barrier is seen after it`(threadCount: Int) throws {
        let pool = try #require(torii_pool_create(Int32(threadCount)))
        defer { torii_pool_destroy(pool) }
        let roundCount = 300
        let check = BarrierCheck(pool: pool, threadCount: threadCount, roundCount: roundCount)
        _ = torii_pool_run(
            pool,
            Int32(threadCount),
            { argument, thread, _ in
                guard let argument else { return }
                Unmanaged<BarrierCheck>.fromOpaque(argument).takeUnretainedValue()
                    .run(thread: Int(thread))
            },
            Unmanaged.passUnretained(check).toOpaque()
        )
        #expect(check.failureCount.load(ordering: .relaxed) == 0)
    }

    @Test func `an idle pool sleeps`() throws {
        let pool = try KernelThreadPool(threadCount: 3)
        pool.run { _, _ in }
        // The state of a kernel thread in /proc/self/task/N/stat, behind the name in parentheses.
        func kernelThreadStates() -> [Character] {
            let tasks =
                (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            return tasks.compactMap { task in
                let path = "/proc/self/task/\(task)/stat"
                guard let stat = try? String(contentsOfFile: path, encoding: .utf8),
                    stat.contains("(torii-kernel)"), let end = stat.lastIndex(of: ")")
                else { return nil }
                return stat[end...].dropFirst(2).first
            }
        }
        // Pools of tests beside this one may be at work: wait until two of all threads sleep.
        while kernelThreadStates().count(where: { $0 == "S" }) < 2 { sched_yield() }
        pool.run { _, _ in }
    }
}

private func compute(for duration: Duration) {
    let end = MonotonicInstant.now().advanced(by: duration)
    while MonotonicInstant.now() < end {}
}

// Safety: each thread writes its own counter; the barrier under test orders the reads.

/// Each thread writes its own counter and reads everybody's behind the barrier.
private final class BarrierCheck: @unchecked Sendable {
    let failureCount = Atomic(0)
    private let rounds: UnsafeMutablePointer<Int>
    private let pool: OpaquePointer
    private let threadCount: Int
    private let roundCount: Int

    init(pool: OpaquePointer, threadCount: Int, roundCount: Int) {
        self.pool = pool
        self.threadCount = threadCount
        self.roundCount = roundCount
        rounds = .allocate(capacity: threadCount)
        rounds.initialize(repeating: 0, count: threadCount)
    }

    deinit {
        rounds.deallocate()
    }

    func run(thread: Int) {
        for round in 1...roundCount {
            rounds[thread] = round
            torii_pool_barrier(pool, Int32(thread))
            for other in 0..<threadCount where rounds[other] != round {
                failureCount.add(1, ordering: .relaxed)
            }
            torii_pool_barrier(pool, Int32(thread))
        }
    }
}
