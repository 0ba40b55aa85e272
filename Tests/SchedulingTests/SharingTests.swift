import KVCache
import Scheduling
import Testing
import WorkerProtocol

@Suite struct SharingTests {
    static func prompt(_ count: Int, from first: Int32 = 0) -> [Int32] {
        (0..<Int32(count)).map { first + $0 }
    }

    static func run(_ engine: inout VirtualEngine) {
        while !engine.scheduler.isIdle { engine.step { _, _ in nil } }
    }

    @Test func `a repeated prompt computes its last token only`() throws {
        for count in [1, 2, 5, 6, 31, 32, 33, 64, 65, 100] {
            var engine = VirtualEngine(blockCount: 20)
            for _ in 0..<2 {
                try engine.submit(Self.prompt(count))
                Self.run(&engine)
            }
            let cached = engine.cachedCounts.values.max() ?? 0
            // Fewer than four tokens are not worth the copy of a block.
            let tail = (count - 1) % 32
            #expect(cached == count - 1 - (tail < 4 ? tail : 0), "\(count) tokens")
            engine.scheduler.checkInvariants()
        }
    }

    @Test func `a longer conversation computes what is new, also after generated tokens`() throws {
        var engine = VirtualEngine(blockCount: 40)
        var text = Self.prompt(50)
        for turn in 0..<10 {
            let known = text.count
            let id = try engine.submit(text, outputTokenCount: 21)
            while !engine.scheduler.isIdle {
                engine.step { _, tokens in tokens.count < known + 20 ? 500 + Int32(turn) : nil }
            }
            // The last chosen token was computed to choose that nothing follows.
            if turn > 0 { #expect(engine.cachedCounts[id] == known - 13) }
            text += Array(repeating: 500 + Int32(turn), count: 20) + Self.prompt(13, from: 900)
        }
    }

    @Test func `requests that come together compute a common prompt once`() throws {
        var engine = VirtualEngine(blockCount: 200)
        engine = SchedulerTests.trained(engine)
        var ids: [SequenceID] = []
        for number in 0..<8 as Range<Int32> {
            ids.append(try engine.submit(Self.prompt(500) + [10_000 + number, 1, 2]))
        }
        Self.run(&engine)
        let computed = ids.map { engine.computedPromptCounts[$0] ?? 0 }
        #expect(computed.max() == 503)
        #expect(computed.reduce(0, +) == 503 + 7 * 3)
    }

    @Test func `answers of one prompt share its blocks until they differ`() throws {
        var engine = VirtualEngine(blockCount: 200)
        for _ in 0..<4 { try engine.submit(Self.prompt(320), outputTokenCount: 50) }
        for _ in 0..<30 { engine.step { id, _ in Int32(id.rawValue) } }
        #expect(engine.scheduler.runningCount == 4)
        #expect(engine.scheduler.usedBlockCount == 10 + 4, "ten shared, one of each")
        engine.scheduler.checkInvariants()
    }

    @Test func `namespaces do not share`() throws {
        var engine = VirtualEngine(blockCount: 40)
        for namespace in ["", "a", "b", "a"] {
            let account = GenerationAccount(cacheNamespace: namespace)
            try engine.submit(Self.prompt(120), account: account)
            Self.run(&engine)
        }
        let cached = engine.cachedCounts.sorted { $0.key < $1.key }.map(\.value)
        #expect(cached == [0, 0, 0, 119])
    }

    @Test func `a sequence that wants every position's logits takes nothing but gives`() throws {
        var engine = VirtualEngine(blockCount: 40)
        for usesCache in [false, false, true] {
            try engine.submit(Self.prompt(120), usesCache: usesCache)
            Self.run(&engine)
        }
        let cached = engine.cachedCounts.sorted { $0.key < $1.key }.map(\.value)
        #expect(cached == [0, 0, 119])
    }

    @Test func `what is used often outlives what came once`() throws {
        var engine = VirtualEngine(blockCount: 20)
        let system = Self.prompt(96)
        for number in 0..<40 as Range<Int32> {
            try engine.submit(system + [9_000 + number])
            Self.run(&engine)
            try engine.submit(Self.prompt(200, from: 10_000 * (number + 1)))
            Self.run(&engine)
        }
        let id = try engine.submit(system + [1])
        Self.run(&engine)
        #expect(engine.cachedCounts[id] == 96)
    }

    @Test func `surplus slabs are asked for, used and given back`() throws {
        let pool = BlockPool(blockCount: 64, slabBlockCount: 16, grantedSlabCount: 1)
        var engine = VirtualEngine(Scheduler(pool: pool))
        for number in 0..<4 as Range<Int32> {
            try engine.submit(Self.prompt(400, from: 1000 * number), outputTokenCount: 10)
        }
        for _ in 0..<200 where !engine.scheduler.isIdle {
            engine.step { _, tokens in tokens.count < 405 ? 1 : nil }
            engine.scheduler.grant(slabs: min(1, engine.scheduler.wantedSlabCount))
        }
        #expect(engine.scheduler.isIdle)
        #expect(engine.scheduler.cachedBlockCount > 16, "the cache keeps them for a while")
        #expect(engine.scheduler.takeSurplus(now: engine.now).slabCount == 0)
        engine.now = engine.now.advanced(by: .seconds(301))
        let surplus = engine.scheduler.takeSurplus(now: engine.now)
        #expect(surplus.slabCount == 3)
        #expect(surplus.emptiedBlocks == [0..<16, 16..<32, 32..<48, 48..<64])
    }
}
