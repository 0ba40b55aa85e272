import CKernels
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct SharedPiecesTests {
    /// What the threads of one run took, phase by phase.
    private final class Taker: Sendable {
        let pool: Pool
        /// How many pieces each phase has.
        let counts: [Int]
        /// A thread that takes nothing in any phase before all others have found nothing left.
        let lateThread: Int?
        let taken: Mutex<[[(thread: Int, piece: Int)]]>
        private let emptyHanded = Atomic(0)

        init(_ pool: Pool, counts: [Int], lateThread: Int? = nil) {
            self.pool = pool
            self.counts = counts
            self.lateThread = lateThread
            taken = Mutex(counts.map { _ in [] })
        }

        func run(thread: Int, of threadCount: Int) {
            for (phase, count) in counts.enumerated() {
                if thread == lateThread {
                    let others = (phase + 1) * (threadCount - 1)
                    while emptyHanded.load(ordering: .acquiring) < others {}
                }
                while true {
                    let piece = torii_pool_take_piece(pool.pool, Int32(thread), Int32(count))
                    if piece < 0 { break }
                    taken.withLock { $0[phase].append((thread, Int(piece))) }
                }
                if thread != lateThread { emptyHanded.add(1, ordering: .releasing) }
                // The last phase ends with the run.
                if phase + 1 < counts.count { torii_pool_barrier(pool.pool, Int32(thread)) }
            }
        }

        func run(threadCount: Int) -> [[(thread: Int, piece: Int)]] {
            _ = torii_pool_run(
                pool.pool,
                Int32(threadCount),
                { argument, thread, threadCount in
                    guard let argument else { return }
                    Unmanaged<Taker>.fromOpaque(argument).takeUnretainedValue()
                        .run(thread: Int(thread), of: Int(threadCount))
                },
                Unmanaged.passUnretained(self).toOpaque()
            )
            return taken.withLock { $0 }
        }
    }

    // Safety: the pointer is constant, and the pool is made for many threads.
    private final class Pool: @unchecked Sendable {
        let pool: OpaquePointer

        init(threadCount: Int) throws {
            pool = try #require(torii_pool_create(Int32(threadCount)))
        }

        deinit { torii_pool_destroy(pool) }
    }

    @Test func `every piece is taken once, however many threads and pieces there are`() throws {
        let pool = try Pool(threadCount: 5)
        var generator = SeededGenerator(seed: 7)
        for round in 0..<300 {
            // Threads that pause for a run come back to phases of either parity.
            let threadCount = Int.random(in: 1...5, using: &generator)
            let phases = Int.random(in: 1...4, using: &generator)
            let counts = (0..<phases).map { _ in Int.random(in: 0...40, using: &generator) }
            let taken = Taker(pool, counts: counts).run(threadCount: threadCount)
            for (count, pieces) in zip(counts, taken) {
                #expect(
                    pieces.map(\.piece).sorted() == Array(0..<count),
                    "round \(round), \(threadCount) threads"
                )
            }
        }
    }

    @Test func `a thread goes through its own part in order`() throws {
        let taken = Taker(try Pool(threadCount: 3), counts: [60, 31]).run(threadCount: 3)
        for (count, pieces) in zip([60, 31], taken) {
            for thread in 0..<3 {
                let part = count * thread / 3..<count * (thread + 1) / 3
                let own = pieces.filter { $0.thread == thread }.map(\.piece).filter(part.contains)
                #expect(own == own.sorted())
            }
        }
    }

    @Test func `what a late thread has not come to others do, from its end`() throws {
        let taker = Taker(try Pool(threadCount: 2), counts: [10, 7], lateThread: 1)
        let taken = taker.run(threadCount: 2)
        #expect(taken[0].map(\.thread) == Array(repeating: 0, count: 10))
        #expect(taken[0].map(\.piece) == [0, 1, 2, 3, 4, 9, 8, 7, 6, 5])
        #expect(taken[1].map(\.piece) == [0, 1, 2, 6, 5, 4, 3])
    }
}
