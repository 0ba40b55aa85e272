import TestSupport
import Testing

@testable import ComputeTurns

/// Virtual workers that compute in virtual time, one at a time.
@Suite(.timeLimit(.minutes(15)))
struct TurnPolicyTests {
    /// A worker with steps of random length that wants to compute for a while and rests for a while.
    private struct VirtualWorker {
        var weight: UInt32 = 1000
        var step: ClosedRange<Int> = 5_000_000...5_000_000
        /// When it wants to compute, in virtual nanoseconds.
        var wanted: [Range<UInt64>] = [0..<UInt64.max]

        var used: UInt64 = 0
        var computed: UInt64 = 0
        var wants = false

        func wants(at time: UInt64) -> Bool { wanted.contains { $0.contains(time) } }
    }

    /// Runs the workers; `observe` gets them before each step.
    private static func simulate(
        _ workers: [VirtualWorker],
        until end: UInt64,
        seed: UInt64 = 1,
        observe: (UInt64, [VirtualWorker]) -> Void = { _, _ in }
    ) -> [VirtualWorker] {
        var workers = workers
        var random = SeededGenerator(seed: seed)
        var time: UInt64 = 0
        var floor: UInt64 = 0
        var holder: Int?
        while time < end {
            for seat in workers.indices {
                let wants = workers[seat].wants(at: time)
                if wants, !workers[seat].wants {
                    workers[seat].used = TurnPolicy.returning(workers[seat].used, floor: floor)
                }
                workers[seat].wants = wants
            }
            if let seat = holder, !workers[seat].wants { holder = nil }
            let waiting = workers.indices.reduce(UInt64(0)) { mask, seat in
                workers[seat].wants && seat != holder ? mask | 1 << UInt64(seat) : mask
            }
            let decision = TurnPolicy.decide(holder: holder, waiting: waiting, floor: floor) {
                workers[$0].used
            }
            precondition(decision.floor >= floor, "the floor never sinks")
            floor = decision.floor
            holder = decision.seat
            observe(time, workers)
            guard let seat = holder else {
                time += 1_000_000
                continue
            }
            let duration = UInt64(random.int(in: workers[seat].step))
            workers[seat].used = TurnPolicy.charged(
                workers[seat].used,
                nanoseconds: duration,
                weight: workers[seat].weight
            )
            workers[seat].computed += duration
            time += duration
        }
        return workers
    }

    private static let second: UInt64 = 1_000_000_000

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `time and not steps are shared equally`(seed: UInt64) {
        let workers = Self.simulate(
            [
                VirtualWorker(step: 1_000_000...9_000_000),
                VirtualWorker(step: 20_000_000...150_000_000),
                VirtualWorker(step: 300_000...500_000),
            ],
            until: 60 * Self.second,
            seed: seed
        )
        for worker in workers {
            // No further apart than the longest step and the lead.
            let share = Double(worker.computed) / Double(60 * Self.second)
            #expect(abs(share - 1.0 / 3) < 0.004, "\(workers.map(\.computed))")
        }
    }

    @Test func `time is shared in proportion to weights`() {
        let workers = Self.simulate(
            [
                VirtualWorker(weight: 3000, step: 4_000_000...9_000_000),
                VirtualWorker(weight: 1000, step: 30_000_000...60_000_000),
            ],
            until: 100 * Self.second
        )
        let share = Double(workers[0].computed) / Double(workers[1].computed)
        #expect(abs(share - 3) < 0.05, "\(share)")
    }

    @Test func `a worker alone has all of it`() {
        let workers = Self.simulate([VirtualWorker()], until: 10 * Self.second)
        #expect(workers[0].computed == 10 * Self.second)
    }

    @Test func `who rested has saved nothing up and lost nothing`() {
        let rested = 600 * Self.second
        var before: [UInt64] = []
        let workers = Self.simulate(
            [
                VirtualWorker(step: 5_000_000...15_000_000),
                VirtualWorker(
                    step: 5_000_000...15_000_000,
                    wanted: [0..<Self.second, rested..<UInt64.max]
                ),
            ],
            until: rested + 10 * Self.second
        ) { time, workers in
            if before.isEmpty, time >= rested { before = workers.map(\.computed) }
        }
        for (worker, start) in zip(workers, before) {
            let share = Double(worker.computed - start) / Double(10 * Self.second)
            #expect(abs(share - 0.5) < 0.01, "\(share)")
        }
    }

    @Test func `who waits is served within one step of each other and the lead`() {
        var since: UInt64?
        var longest: UInt64 = 0
        var computed: UInt64 = 0
        _ = Self.simulate(
            [
                VirtualWorker(step: 100_000_000...100_000_000),
                VirtualWorker(step: 100_000_000...100_000_000),
                VirtualWorker(step: 1_000_000...1_000_000),
            ],
            until: 20 * Self.second
        ) { time, workers in
            if workers[2].computed != computed {
                computed = workers[2].computed
                since = nil
            } else if let since {
                longest = max(longest, time - since)
            } else {
                since = time
            }
        }
        #expect(longest <= 300_000_000)
    }

    @Test func `a holder goes on until it is ahead by more than a change costs`() {
        func decide(_ holder: UInt64, _ other: UInt64) -> Int? {
            TurnPolicy.decide(holder: 0, waiting: 0b10, floor: 0) { $0 == 0 ? holder : other }.seat
        }
        #expect(decide(0, 0) == 0)
        #expect(decide(4_999_999, 0) == 0)
        #expect(decide(5_000_000, 0) == 1)
        #expect(decide(5_000_000, 1) == 0)
        #expect(TurnPolicy.decide(holder: nil, waiting: 0, floor: 7) { _ in 0 }.seat == nil)
    }

    @Test func `absurd numbers from a stranger trap nobody`() {
        #expect(TurnPolicy.charged(.max, nanoseconds: .max, weight: 0) != 0)
        let decision = TurnPolicy.decide(holder: 0, waiting: 1 << 62, floor: .max) { _ in .max }
        #expect(decision == TurnPolicy.Decision(seat: 0, floor: .max))
    }
}
