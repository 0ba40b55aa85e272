import KVCache
import Platform
import Scheduling
import TestSupport
import Testing
import WorkerProtocol

/// Whole sequences that are too large for a step.
@Suite struct PartedSequenceTests {
    /// An engine of four layers whose costs are known: 1 ms a token, 50 ns a key.
    private static func engine(
        blockCount: Int = 700,
        runningCount: Int = 16,
        perToken: Double = 1e-3
    ) -> VirtualEngine {
        var engine = VirtualEngine(
            blockCount: blockCount,
            limits: SchedulerLimits(
                layerCount: 4,
                runningCount: runningCount,
                queue: QueueLimits(
                    requestCount: 1000,
                    requestCountPerKey: 1000,
                    tokenCount: 1 << 20,
                    tokenCountPerKey: 1 << 20
                )
            )
        )
        engine.perToken = perToken
        return SchedulerTests.trained(engine)
    }

    private static func submit(
        _ count: Int,
        from first: Int,
        to engine: inout VirtualEngine,
        priority: PriorityClass = .normal,
        key: String = ""
    ) throws -> SequenceID {
        try engine.submit(
            SchedulerTests.prompt(count, from: Int32(first)),
            outputTokenCount: 0,
            account: GenerationAccount(key: key, priority: priority),
            isWhole: true,
            endRowCount: first.isMultiple(of: 2) ? count : 1
        )
    }

    @Test(arguments: [2000, 4001]) func `a long one keeps nobody waiting`(_ count: Int) throws {
        var engine = Self.engine()
        let long = try Self.submit(count, from: 100_000, to: &engine)
        var arrivals: [SequenceID: Int] = [:]
        var ends: [SequenceID: Int] = [:]
        var stepCount = 0
        while !engine.scheduler.isIdle {
            if ends[long] == nil {
                let id = try Self.submit(50, from: 200_000 + 100 * stepCount, to: &engine)
                arrivals[id] = stepCount
            }
            let start = engine.now
            let plan = engine.step { _, _ in nil }
            engine.scheduler.checkInvariants()
            #expect(engine.now.duration(since: start) < .milliseconds(165))
            for entry in plan.entries where entry.reachesEnd { ends[entry.id] = stepCount }
            stepCount += 1
            try #require(stepCount < 400)
        }
        for (id, arrival) in arrivals { #expect(try #require(ends[id]) - arrival <= 1) }
        // It has at least half of the time: its own is 2 or 4 s, at 75 ms a step.
        #expect(try #require(ends[long]) < count / 60)
        #expect(engine.scheduler.usedBlockCount == 0 && engine.scheduler.cachedBlockCount == 0)
    }

    @Test func `alone it has the whole step`() throws {
        var engine = Self.engine()
        _ = try Self.submit(3000, from: 0, to: &engine)
        var durations: [Duration] = []
        while !engine.scheduler.isIdle {
            let start = engine.now
            engine.step { _, _ in nil }
            durations.append(engine.now.duration(since: start))
        }
        // 3 s for its tokens and 0.23 s for its keys.
        #expect(durations.count < 30)
        #expect(durations.allSatisfy { $0 < .milliseconds(160) })
    }

    @Test func `a few of them take turns`() throws {
        var engine = Self.engine()
        let ids = try (0..<6).map { number in
            try Self.submit(number == 3 ? 700 : 2000, from: 10_000 * number, to: &engine)
        }
        var begun: Set<SequenceID> = []
        var order: [SequenceID] = []
        while !engine.scheduler.isIdle {
            for entry in engine.step(next: { _, _ in nil }).entries {
                begun.insert(entry.id)
                if entry.reachesEnd { order.append(entry.id) }
            }
            engine.scheduler.checkInvariants()
            #expect(begun.count - order.count <= 4, "the others wait for a place")
        }
        #expect(order.first == ids[3], "the shortest of the first four is not the last of them")
        #expect(Set(order) == Set(ids))
    }

    @Test func `few tokens are computed in parts too if they take long`() throws {
        var engine = Self.engine(perToken: 1e-2)
        for number in 0..<5 { _ = try Self.submit(100, from: 1000 * number, to: &engine) }
        var partCount = 0
        while !engine.scheduler.isIdle {
            let start = engine.now
            partCount += engine.step { _, _ in nil }.entries.count { $0.part != nil }
            #expect(engine.now.duration(since: start) < .milliseconds(300))
        }
        // 5 s at 150 ms.
        #expect((30..<80).contains(partCount))
    }

    @Test func `more urgent ones have the whole step, and still it goes on`() throws {
        var engine = Self.engine()
        let long = try Self.submit(2000, from: 100_000, to: &engine, priority: .batch)
        engine.step { _, _ in nil }
        var work = 0
        for number in 0..<40 {
            _ = try Self.submit(
                70,
                from: 1000 * number,
                to: &engine,
                priority: .interactive,
                key: "other"
            )
            _ = try Self.submit(
                70,
                from: 1000 * number + 500,
                to: &engine,
                priority: .interactive,
                key: "other"
            )
            let plan = engine.step { _, _ in nil }
            #expect(plan.entries.count { $0.part == nil } == 2)
            let part = try #require(plan.entries.first { $0.id == long }?.part)
            work += part.work.count
        }
        #expect(work >= 40 * 32)
    }

    @Test func `together they leave blocks for a step`() throws {
        // A step's 16 + 16, and 63 for each of two long ones.
        var engine = Self.engine(blockCount: 32 + 2 * 63)
        for number in 0..<4 { _ = try Self.submit(2000, from: 10_000 * number, to: &engine) }
        var number = 0
        while !engine.scheduler.isIdle {
            if number < 20 {
                let short = try Self.submit(60, from: 100_000 + 100 * number, to: &engine)
                let plan = engine.step { _, _ in nil }
                #expect(plan.entries.contains { $0.id == short })
                #expect(plan.entries.count { $0.part != nil } <= 2)
            } else {
                engine.step { _, _ in nil }
            }
            number += 1
            engine.scheduler.checkInvariants()
        }
        #expect(engine.preempted.isEmpty)
    }

    @Test func `ending one in the middle leaves nothing`() throws {
        var engine = Self.engine()
        let long = try Self.submit(4000, from: 0, to: &engine)
        for _ in 0..<5 { engine.step { _, _ in nil } }
        #expect(engine.scheduler.usedBlockCount == 125)
        engine.finish(long)
        engine.scheduler.checkInvariants()
        #expect(engine.scheduler.isIdle && engine.scheduler.usedBlockCount == 0)
    }

    @Test(arguments: 1...6) func `all are computed, whatever comes`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var engine = Self.engine(
            blockCount: random.int(in: 32 + 94...300),
            perToken: [1e-4, 1e-3, 4e-3][random.int(in: 0...2)]
        )
        var open: Set<SequenceID> = []
        var number = 0
        while number < 80 || !engine.scheduler.isIdle {
            for _ in 0..<random.int(in: 0...2) where number < 80 {
                let count = random.int(in: 0...3) == 0 ? 3000 : 100
                let id = try Self.submit(
                    random.int(in: 1...count),
                    from: 10_000 * number,
                    to: &engine,
                    priority: PriorityClass.allCases[random.int(in: 0...2)],
                    key: "\(random.int(in: 0...2))"
                )
                open.insert(id)
                number += 1
            }
            let plan = engine.step { _, _ in nil }
            engine.scheduler.checkInvariants()
            for entry in plan.entries where entry.reachesEnd { open.remove(entry.id) }
            if random.int(in: 0...9) == 0, let id = open.randomElement(using: &random) {
                engine.finish(id)
                open.remove(id)
            }
            try #require(engine.stepCount < 20_000)
        }
        #expect(open.isEmpty && engine.scheduler.usedBlockCount == 0)
    }
}
