import KVCache
import Platform
import Scheduling
import Testing
import WorkerProtocol

@Suite struct FairnessTests {
    static func prompt(_ count: Int, from first: Int32) -> [Int32] {
        (0..<Int32(count)).map { first + $0 }
    }

    @Test func `a noisy neighbour costs a short prompt one chunk`() throws {
        var engine = SchedulerTests.trained(VirtualEngine(blockCount: 8000))
        for number in 0..<50 as Range<Int32> {
            try engine.submit(
                Self.prompt(4000, from: 10_000 * number),
                outputTokenCount: 200,
                account: GenerationAccount(key: "noisy")
            )
        }
        for _ in 0..<300 { engine.step { _, _ in 1 } }
        let sent = engine.now
        let id = try engine.submit(
            Self.prompt(100, from: 900_000),
            outputTokenCount: 5,
            account: GenerationAccount(key: "quiet")
        )
        while engine.firstTokens[id] == nil { engine.step { _, _ in 1 } }
        let first = try #require(engine.firstTokens[id])
        // Alone it takes 2 + 100 · 0.3 ms; the step of everybody takes at most 60 ms.
        #expect(first.duration(since: sent) <= .milliseconds(65))
    }

    @Test func `a newcomer gets a place though one key has them all`() throws {
        let limits = SchedulerLimits(runningCount: 4)
        var engine = VirtualEngine(blockCount: 1000, limits: limits)
        for number in 0..<20 as Range<Int32> {
            try engine.submit(
                Self.prompt(40, from: 1000 * number),
                outputTokenCount: 400,
                account: GenerationAccount(key: "many")
            )
        }
        for _ in 0..<20 { engine.step { _, _ in 1 } }
        #expect(engine.scheduler.runningCount == 4)
        let id = try engine.submit(
            Self.prompt(40, from: 900_000),
            outputTokenCount: 5,
            account: GenerationAccount(key: "one")
        )
        engine.step { _, _ in 1 }
        engine.step { _, _ in 1 }
        #expect(engine.firstTokens[id] != nil)
        #expect(engine.preempted.count == 1)
        for _ in 0..<40 { engine.step { _, _ in 1 } }
        #expect(engine.preempted.count == 1, "nobody is sent back and forth")
    }

    @Test func `compute is shared by weight, and by user within a key`() throws {
        let limits = SchedulerLimits(runningCount: 2)
        var engine = VirtualEngine(blockCount: 1000, limits: limits)
        engine.perKey = 0
        engine = SchedulerTests.trained(engine)
        func submit(_ key: String, _ user: String, _ weight: Float, _ count: Int) throws {
            for _ in 0..<count {
                let first = Int32(engine.starts.count + engine.tokens.count) * 1000
                try engine.submit(
                    Self.prompt(400, from: first),
                    account: GenerationAccount(key: key, user: user, weight: weight)
                )
            }
        }
        try submit("heavy", "", 3, 60)
        try submit("light", "a", 1, 40)
        try submit("light", "b", 1, 20)
        let owners = engine.tokens.keys.sorted()
        for _ in 0..<40 { engine.step { _, _ in nil } }
        let ended = Set(engine.cachedCounts.keys)
        let heavy = owners.prefix(60).count { ended.contains($0) }
        let first = owners.dropFirst(60).prefix(40).count { ended.contains($0) }
        let second = owners.suffix(20).count { ended.contains($0) }
        #expect(abs(heavy - 3 * (first + second)) <= 4, "\(heavy) to \(first + second)")
        #expect(abs(first - second) <= 1, "\(first) to \(second)")
        #expect(heavy + first + second >= 35)
    }

    @Test func `classes come in order, and waiting makes equal`() throws {
        let limits = SchedulerLimits(runningCount: 1, turnInterval: .seconds(1))
        var engine = SchedulerTests.trained(VirtualEngine(blockCount: 100, limits: limits))
        func submit(_ priority: PriorityClass) throws -> SequenceID {
            try engine.submit(
                Self.prompt(60, from: Int32(engine.tokens.count) * 100),
                outputTokenCount: 1,
                account: GenerationAccount(priority: priority)
            )
        }
        let batch = try submit(.batch)
        let normal = try submit(.normal)
        let interactive = try submit(.interactive)
        while !engine.scheduler.isIdle { engine.step { _, _ in nil } }
        let order = [batch, normal, interactive].sorted {
            (engine.firstTokens[$0]?.nanoseconds ?? 0) < (engine.firstTokens[$1]?.nanoseconds ?? 0)
        }
        #expect(order == [interactive, normal, batch])

        let patient = try submit(.batch)
        var served: [SequenceID] = []
        var urgent: [SequenceID] = []
        while engine.firstTokens[patient] == nil, urgent.count < 1000 {
            urgent.append(try submit(.interactive))
            served += engine.step { _, _ in nil }.entries.map(\.id)
        }
        #expect(engine.firstTokens[patient] != nil, "no starvation")
        #expect(urgent.count > 20, "it waited for its turn")
    }

    @Test func `an interactive request takes the place of batch work`() throws {
        var engine = VirtualEngine(blockCount: 100, limits: SchedulerLimits(runningCount: 2))
        for number in 0..<2 as Range<Int32> {
            try engine.submit(
                Self.prompt(40, from: 100 * number),
                outputTokenCount: 300,
                account: GenerationAccount(priority: .batch)
            )
        }
        engine.step { _, _ in 1 }
        engine.step { _, _ in 1 }
        let id = try engine.submit(
            Self.prompt(40, from: 9000),
            account: GenerationAccount(priority: .interactive)
        )
        engine.step { _, _ in 1 }
        engine.step { _, _ in 1 }
        #expect(engine.firstTokens[id] != nil)
        #expect(engine.preempted.count == 1)
    }

    @Test func `a short prompt is not kept out by what long ones have reserved`() throws {
        // Room for two of the long prompts; slabs are granted one at a time, or not at all.
        for isGranted in [true, false] {
            let pool = BlockPool(blockCount: 2600, slabBlockCount: 26, grantedSlabCount: 10)
            var engine = SchedulerTests.trained(VirtualEngine(Scheduler(pool: pool)))
            for number in 0..<20 as Range<Int32> {
                try engine.submit(
                    Self.prompt(4000, from: 10_000 * number),
                    outputTokenCount: 64,
                    account: GenerationAccount(key: "noisy")
                )
            }
            for round in 0..<10 as Range<Int32> {
                for _ in 0..<17 { engine.step(grant: isGranted) }
                let sent = engine.now
                let id = try engine.submit(
                    Self.prompt(100, from: 900_000 + 1000 * round),
                    outputTokenCount: 5,
                    account: GenerationAccount(key: "quiet")
                )
                while engine.tokens[id] != nil { engine.step(grant: isGranted) }
                let first = try #require(engine.firstTokens[id])
                #expect(first.duration(since: sent) <= .milliseconds(250), "round \(round)")
            }
        }
    }
}

extension VirtualEngine {
    /// Computes a step after a slab was granted or refused, if one is wanted.
    fileprivate mutating func step(grant isGranted: Bool) {
        if scheduler.wantedSlabCount > 0 { scheduler.grant(slabs: isGranted ? 1 : 0) }
        if stepCount % 10 == 0 { _ = scheduler.takeSurplus(now: now) }
        step { _, _ in 1 }
    }
}
