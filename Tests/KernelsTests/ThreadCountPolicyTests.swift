import Kernels
import Platform
import TestSupport
import Testing

/// The policy beside simulated neighbours: steps whose times are given by how many threads they have
/// and how many processors others take.
@Suite struct ThreadCountPolicyTests {
    /// Steps of one model on one machine, one after the other.
    private struct Machine {
        let processorCount: Int
        /// Processors that others want all of; they get half of one that a thread wants too.
        var takenCount = 0
        /// How many times longer a step takes with a thread that shares its processor.
        var holdUp = 2.5
        /// What a step takes one thread alone, and what it takes however many there are.
        let divisible = Duration.milliseconds(5)
        let indivisible = Duration.milliseconds(1)
        var policy: ThreadCountPolicy
        var now = MonotonicInstant(nanoseconds: 1)
        var noise = SeededGenerator(seed: 1)

        init(processorCount: Int) {
            self.processorCount = processorCount
            policy = ThreadCountPolicy(limit: processorCount)
        }

        /// Runs steps for a while, and says how many threads they had on average.
        mutating func run(
            for duration: Duration,
            kind: (Int) -> Int = { _ in 1 }
        ) -> Double {
            let end = now.advanced(by: duration)
            var (stepCount, threadCount) = (0, 0)
            while now < end {
                let count = policy.threadCount
                let sharedCount = max(0, count + takenCount - processorCount)
                var elapsed = indivisible + divisible / count
                // All wait for the threads that have half a processor.
                if sharedCount > 0 { elapsed = elapsed * holdUp }
                elapsed = elapsed * Double.random(in: 0.95...1.05, using: &noise)
                now = now.advanced(by: elapsed)
                policy.record(
                    .init(rowCount: kind(stepCount), logitRowCount: 1),
                    elapsed: elapsed,
                    lost: elapsed / 2 * sharedCount,
                    now: now
                )
                stepCount += 1
                threadCount += count
            }
            return Double(threadCount) / Double(stepCount)
        }
    }

    @Test(arguments: [1, 2, 16])
    func `a machine without neighbours has all threads in every step`(processorCount: Int) {
        var machine = Machine(processorCount: processorCount)
        #expect(machine.run(for: .seconds(60)) == Double(processorCount))
    }

    @Test func `a neighbour gets a processor of its own, and when it leaves all threads are back`()
    {
        var machine = Machine(processorCount: 2)
        _ = machine.run(for: .seconds(5))
        machine.takenCount = 1
        _ = machine.run(for: .milliseconds(200))
        #expect(machine.policy.threadCount == 1)
        #expect(machine.run(for: .seconds(60)) < 1.05)
        machine.takenCount = 0
        _ = machine.run(for: .seconds(3))
        #expect(machine.run(for: .seconds(60)) == 2)
    }

    @Test func `threads that lose time and are still worth it stay`() {
        var machine = Machine(processorCount: 2)
        machine.takenCount = 1
        machine.holdUp = 1.3
        #expect(machine.run(for: .seconds(60)) > 1.95)
    }

    @Test(arguments: 0..<13)
    func `as many threads remain as there are free processors`(takenCount: Int) {
        var machine = Machine(processorCount: 16)
        machine.takenCount = takenCount
        _ = machine.run(for: .seconds(5))
        let average = machine.run(for: .seconds(60))
        #expect(abs(average - Double(16 - takenCount)) < 0.5)
        machine.takenCount = 0
        _ = machine.run(for: .seconds(5))
        #expect(machine.policy.threadCount == 16)
    }

    @Test func `steps of different kinds are not compared`() {
        var machine = Machine(processorCount: 2)
        machine.takenCount = 1
        #expect(machine.run(for: .seconds(10)) { $0 } == 2)
    }

    @Test func `a trial ends with its kind of step`() {
        var machine = Machine(processorCount: 2)
        machine.takenCount = 1
        while machine.policy.threadCount == 2 { _ = machine.run(for: .milliseconds(1)) }
        _ = machine.run(for: .milliseconds(1)) { _ in 7 }
        #expect(machine.policy.threadCount == 2)
    }
}
