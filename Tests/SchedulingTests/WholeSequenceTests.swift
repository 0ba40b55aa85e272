import KVCache
import Platform
import Scheduling
import TestSupport
import Testing
import WorkerProtocol

/// Sequences that are computed whole, as the texts of an encoder are, and fit into a step.
@Suite struct WholeSequenceTests {
    private static func engine(_ blockCount: Int = 144, perToken: Double = 1e-4) -> VirtualEngine {
        var engine = VirtualEngine(
            blockCount: blockCount,
            limits: SchedulerLimits(
                runningCount: 128,
                queue: QueueLimits(requestCount: 1000, requestCountPerKey: 1000)
            )
        )
        engine.perToken = perToken
        return engine
    }

    @Test func `each is computed whole, and steps are filled`() throws {
        var engine = Self.engine()
        var random = SeededGenerator(seed: 3)
        var lengths: [SequenceID: Int] = [:]
        for number in 0..<300 {
            let prompt = SchedulerTests.prompt(
                random.int(in: 1...100),
                from: Int32(1000 * number)
            )
            let id = try engine.submit(prompt, outputTokenCount: 0, isWhole: true)
            lengths[id] = prompt.count
        }
        let total = lengths.values.reduce(0, +)
        var stepCount = 0
        while !engine.scheduler.isIdle {
            let plan = engine.step { _, _ in nil }
            engine.scheduler.checkInvariants()
            stepCount += 1
            #expect(plan.tokenCount <= 512)
            for entry in plan.entries {
                #expect(entry.firstPosition == 0 && entry.reachesEnd)
                #expect(lengths.removeValue(forKey: entry.id) == entry.tokens.count)
            }
            #expect(engine.scheduler.cachedBlockCount == 0, "nothing is kept")
        }
        #expect(lengths.isEmpty)
        // The first steps are small, since nothing is known about larger ones.
        #expect(stepCount <= total / 512 * 3 / 2 + 4)
    }

    @Test func `the time of a step holds for them`() throws {
        // 512 tokens would take half a second.
        var engine = SchedulerTests.trained(Self.engine(400, perToken: 1e-3))
        for number in 0..<40 {
            try engine.submit(
                SchedulerTests.prompt(50, from: Int32(1000 * number)),
                outputTokenCount: 0,
                isWhole: true
            )
        }
        while !engine.scheduler.isIdle {
            let start = engine.now
            let plan = engine.step { _, _ in nil }
            #expect(engine.now.duration(since: start) < .milliseconds(160))
            #expect(plan.entries.count == 2 || engine.scheduler.isIdle)
        }
    }

    @Test func `members of a request do not count, their request does`() throws {
        let limits = SchedulerLimits(
            runningCount: 8,
            queue: QueueLimits(requestCount: 2, tokenCount: 500)
        )
        var engine = VirtualEngine(blockCount: 40, limits: limits)
        let account = GenerationAccount(key: "a")
        let state = try engine.scheduler.admit(account, tokenCount: 400)
        #expect(state.remainingRequestCount == 1 && state.remainingTokenCount == 100)
        #expect(engine.scheduler.waitingTokenCount == 400)
        for number in 0..<3 {
            try engine.submit(
                SchedulerTests.prompt(100, from: Int32(1000 * number)),
                outputTokenCount: 0,
                account: account,
                isWhole: true,
                isMember: true
            )
        }
        engine.scheduler.checkInvariants()
        #expect(engine.scheduler.waitingTokenCount == 400)
        #expect(throws: Scheduler.Rejection.self) {
            try engine.scheduler.admit(account, tokenCount: 101)
        }
        while !engine.scheduler.isIdle { engine.step { _, _ in nil } }
        engine.scheduler.dismiss(account, tokenCount: 400, unsubmittedTokenCount: 100)
        #expect(engine.scheduler.waitingTokenCount == 0)
        let after = engine.scheduler.admissionState(of: "a")
        #expect(after.remainingRequestCount == 2 && after.remainingTokenCount == 500)
    }
}
