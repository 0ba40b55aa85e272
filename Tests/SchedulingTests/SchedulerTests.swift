import KVCache
import Platform
import Scheduling
import Testing
import WorkerProtocol

@Suite struct SchedulerTests {
    static func prompt(_ count: Int, from first: Int32 = 0) -> [Int32] {
        (0..<Int32(count)).map { first + $0 }
    }

    /// An engine whose costs are known to the scheduler.
    static func trained(_ engine: VirtualEngine) -> VirtualEngine {
        var engine = engine
        for count in [3, 500, 40, 150, 300, 1, 512] {
            _ = try? engine.submit(prompt(count, from: Int32(1_000_000 + count)))
            while !engine.scheduler.isIdle { engine.step { _, _ in nil } }
        }
        engine.now = engine.now.advanced(by: .seconds(10_000))
        _ = engine.scheduler.takeSurplus(now: engine.now)
        return engine
    }

    @Test func `a prompt is computed in chunks of whole blocks and then token by token`() throws {
        var engine = VirtualEngine(blockCount: 40)
        engine.perToken = 1e-3
        engine = Self.trained(engine)
        try engine.submit(Self.prompt(300), outputTokenCount: 4)
        var counts: [Int] = []
        while !engine.scheduler.isIdle {
            let plan = engine.step { _, _ in 7 }
            counts += plan.entries.map(\.tokens.count)
        }
        // 150 ms at 1 ms a token and 2 ms a step.
        #expect(counts == [128, 128, 44, 1, 1, 1])
    }

    @Test func `a long prompt leaves the others their time`() throws {
        var engine = VirtualEngine(blockCount: 400)
        engine.perToken = 1e-3
        engine = Self.trained(engine)
        let fast = try engine.submit(Self.prompt(5), outputTokenCount: 100)
        engine.step { _, _ in 1 }
        try engine.submit(Self.prompt(3000, from: 50_000))
        for _ in 0..<20 {
            let start = engine.now
            let plan = engine.step { _, _ in 1 }
            #expect(plan.entries.first?.id == fast)
            #expect(plan.entries.count == 2)
            #expect(plan.tokenCount >= 33, "the time is used")
            #expect(engine.now.duration(since: start) < .milliseconds(62))
        }
    }

    @Test func `admission keeps the order of arrival and the reserve`() throws {
        let limits = SchedulerLimits(runningCount: 8, reservedOutputTokenCount: 32)
        var engine = VirtualEngine(blockCount: 4, limits: limits)
        let first = try engine.submit(Self.prompt(32), outputTokenCount: 96)
        let second = try engine.submit(Self.prompt(64, from: 100), outputTokenCount: 64)
        let third = try engine.submit([1], outputTokenCount: 1)
        // The first needs two blocks with its reserve, the second would need three; the third must
        // not pass it.
        #expect(engine.step { _, _ in 1 }.entries.map(\.id) == [first])
        engine.finish(first)
        #expect(engine.step { _, _ in 1 }.entries.map(\.id) == [second, third])
    }

    @Test func `the youngest gives way when blocks run out, and resumes from the cache`() throws {
        let limits = SchedulerLimits(runningCount: 8, reservedOutputTokenCount: 1)
        var engine = VirtualEngine(blockCount: 4, limits: limits)
        let first = try engine.submit(Self.prompt(31), outputTokenCount: 65)
        let second = try engine.submit(Self.prompt(31, from: 100), outputTokenCount: 65)
        var resumed: StepPlan.Entry?
        for _ in 0..<300 where !engine.scheduler.isIdle {
            let plan = engine.step { _, _ in 9 }
            if engine.preempted == [second], resumed == nil {
                resumed = plan.entries.first { $0.id == second }
            }
            engine.scheduler.checkInvariants()
        }
        #expect(engine.preempted == [second])
        #expect(engine.starts.count == 2, "it started once")
        #expect(engine.scheduler.isIdle)
        #expect(resumed.map { $0.firstPosition >= 32 } == true)
        #expect(engine.cachedCounts == [first: 0, second: 0], "its own blocks are not a saving")
    }

    @Test func `what is too much for the queue or the blocks is rejected`() throws {
        let queue = QueueLimits(
            requestCount: 3,
            requestCountPerKey: 2,
            tokenCount: 100,
            tokenCountPerKey: 50
        )
        var engine = VirtualEngine(blockCount: 4, limits: SchedulerLimits(queue: queue))
        #expect(throws: Scheduler.Rejection.tooLong(maximumTokenCount: 128)) {
            try engine.submit(Self.prompt(129))
        }
        #expect(throws: Scheduler.Rejection.tooLong(maximumTokenCount: 128)) {
            try engine.submit([1], outputTokenCount: 128)
        }
        let first = try engine.submit(Self.prompt(60))
        func rejection(_ count: Int, _ key: String) -> AdmissionState? {
            do {
                try engine.submit(Self.prompt(count), account: GenerationAccount(key: key))
            } catch Scheduler.Rejection.overloaded(let state) {
                return state
            } catch {
                Issue.record("\(error)")
            }
            return nil
        }
        let state = try #require(rejection(1, ""), "more tokens than the key's limit")
        #expect(state.remainingTokenCount == 0)
        #expect(state.remainingRequestCount == 1)
        #expect(state.drainDuration > .zero)
        #expect(rejection(41, "other") != nil, "more tokens than the limit of all")
        #expect(rejection(20, "other") == nil)
        #expect(rejection(1, "other") == nil)
        #expect(rejection(1, "third")?.remainingRequestCount == 0)
        engine.finish(first)
        #expect(rejection(1, "other") != nil, "the key's requests")
        #expect(rejection(1, "third") == nil)
    }

    @Test func `who waits too long is told, and who has started is not`() throws {
        var engine = VirtualEngine(blockCount: 10, limits: SchedulerLimits(runningCount: 1))
        let first = try engine.submit([1], outputTokenCount: 50, queueTimeout: .milliseconds(10))
        let second = try engine.submit([2], queueTimeout: .milliseconds(10))
        var timedOut: [SequenceID] = []
        for _ in 0..<20 { timedOut += engine.step { _, _ in 1 }.timedOut }
        #expect(timedOut == [second])
        #expect(engine.tokens[first] != nil)
        #expect(engine.scheduler.waitingCount == 0)
    }

    @Test func `a sequence's own limit bounds its chunks`() throws {
        var engine = Self.trained(VirtualEngine(blockCount: 40))
        try engine.submit(Self.prompt(50), maximumChunkTokenCount: 32)
        #expect(engine.step { _, _ in nil }.entries.map(\.tokens.count) == [32])
    }
}
