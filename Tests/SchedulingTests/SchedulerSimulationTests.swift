import KVCache
import Platform
import Scheduling
import TestSupport
import Testing
import WorkerProtocol

/// One seed drives arrivals, common prefixes, lengths, keys, classes, cancellations, memory grants
/// and pressure over the real scheduler, in virtual time.
///
/// The named invariants: content (a block table holds its sequence's tokens), no leak, bounded
/// queues, progress of the oldest, no starvation, exact accounting, the step's time.
@Suite(.serialized) struct SchedulerSimulationTests {
    #if DEBUG
    static let seedCount: UInt64 = 200
    #else
    static let seedCount: UInt64 = 10_000
    #endif
    private static let groupCount: UInt64 = 50

    @Test(arguments: 0..<groupCount as Range<UInt64>)
    func `everything finishes, shared exactly, in bounded time and without a leak`(
        group: UInt64
    ) async {
        for seed in stride(from: group, to: Self.seedCount, by: Int(Self.groupCount)) {
            var simulation = Simulation(seed: seed)
            simulation.run()
            // Thousands of seeds must not keep other tests from their turn.
            await Task.yield()
        }
    }

    private struct Simulation {
        struct Goal {
            let promptTokenCount: Int
            let final: Int
            let usesCache: Bool
            let hasDeadline: Bool
        }

        let seed: UInt64
        var random: SeededGenerator
        var engine: VirtualEngine
        let limits: SchedulerLimits
        let blockCount: Int
        var goals: [SequenceID: Goal] = [:]
        var arrivalsLeft: Int

        init(seed: UInt64) {
            self.seed = seed
            random = SeededGenerator(seed: seed)
            blockCount = random.int(in: 2...40)
            arrivalsLeft = random.int(in: 1...30)
            limits = SchedulerLimits(
                interTokenTarget: .milliseconds(random.int(in: 5...100)),
                promptStepTarget: .milliseconds(random.int(in: 5...200)),
                stepTokenCount: random.int(in: 40...512),
                minimumPromptTokenCount: random.int(in: 1...40),
                runningCount: random.int(in: 1...20),
                queue: QueueLimits(
                    requestCount: random.int(in: 1...30),
                    requestCountPerKey: random.int(in: 1...20),
                    tokenCount: random.int(in: 100...4000),
                    tokenCountPerKey: random.int(in: 100...4000)
                ),
                reservedOutputTokenCount: random.int(in: 1...100),
                turnInterval: .milliseconds(random.int(in: 1...2000)),
                cacheRetention: .milliseconds(random.int(in: 0...3000)),
                guessesTokens: random.chance(0.5),
                guessedTokenCount: random.int(in: 1...10)
            )
            // One slab holds the longest sequence; the others come and go.
            let pool = BlockPool(
                blockCount: blockCount * random.int(in: 1...3),
                slabBlockCount: blockCount,
                grantedSlabCount: 1
            )
            engine = VirtualEngine(Scheduler(pool: pool, limits: limits))
        }

        mutating func run() {
            while arrivalsLeft > 0 || !engine.scheduler.isIdle {
                arrive()
                cancelSomeone()
                moveMemory()
                step()
                engine.scheduler.checkInvariants()
                // Every step gives the oldest something, and a preempted one computes again.
                guard engine.stepCount < 50_000 else {
                    Issue.record("no starvation: no end in sight, seed \(seed)")
                    return
                }
            }
            #expect(goals.isEmpty, "no starvation, seed \(seed)")
            #expect(engine.scheduler.usedBlockCount == 0, "no leak, seed \(seed)")
            engine.now = engine.now.advanced(by: .seconds(10))
            _ = engine.scheduler.takeSurplus(now: engine.now)
            #expect(engine.scheduler.cachedBlockCount == 0, "no leak, seed \(seed)")
            engine.scheduler.checkInvariants()
        }

        /// Prompts are beginnings of few texts, so that they have much in common.
        mutating func prompt(_ count: Int) -> [Int32] {
            let common = random.int(in: 0...count)
            let text = Int32(random.int(in: 1...3) * 100)
            let own = Int32(random.int(in: 1...1_000_000))
            return (0..<count).map { $0 < common ? text + Int32($0 % 7) : own + Int32($0) }
        }

        mutating func arrive() {
            while arrivalsLeft > 0, random.chance(0.4) {
                arrivalsLeft -= 1
                let longest = blockCount * 32
                let count = random.int(in: 1...longest)
                let final = min(longest, count + random.int(in: 0...150))
                let hasDeadline = random.chance(0.1)
                let usesCache = random.chance(0.9)
                let account = GenerationAccount(
                    key: "key \(random.int(in: 0...3))",
                    user: "user \(random.int(in: 0...2))",
                    weight: Float(random.int(in: 1...4)),
                    priority: PriorityClass(rawValue: UInt8(random.int(in: 0...2))) ?? .normal,
                    cacheNamespace: random.chance(0.2) ? "private" : ""
                )
                do {
                    let id = try engine.submit(
                        prompt(count),
                        outputTokenCount: final - count,
                        account: account,
                        queueTimeout: hasDeadline ? .milliseconds(random.int(in: 0...500)) : nil,
                        maximumChunkTokenCount: random.chance(0.2) ? random.int(in: 1...40) : .max,
                        usesCache: usesCache
                    )
                    goals[id] = Goal(
                        promptTokenCount: count,
                        final: final,
                        usesCache: usesCache,
                        hasDeadline: hasDeadline
                    )
                } catch Scheduler.Rejection.overloaded(let state) {
                    let isFull =
                        state.remainingRequestCount == 0 || state.remainingTokenCount < count
                    #expect(isFull, "bounded queues: refused only when full, seed \(seed)")
                } catch {
                    Issue.record("\(error), seed \(seed)")
                }
            }
        }

        mutating func cancelSomeone() {
            guard random.chance(0.03), let id = goals.keys.min(by: { $0 < $1 }) else { return }
            goals[id] = nil
            engine.finish(id)
        }

        mutating func moveMemory() {
            if engine.scheduler.wantedSlabCount > 0, random.chance(0.3) {
                engine.scheduler.grant(slabs: 1)
            }
            if random.chance(0.05) { _ = engine.scheduler.takeSurplus(now: engine.now) }
        }

        mutating func step() {
            let before = engine.scheduler.costs
            let plan = engine.step { [goals] id, tokens in
                guard let goal = goals[id], tokens.count < goal.final else { return nil }
                return 100 + Int32(tokens.count % 5)
            }
            #expect(plan.isEmpty == (goals.isEmpty || plan.timedOut.count == goals.count))
            #expect(Set(plan.entries.map(\.id)).count == plan.entries.count)
            #expect(plan.tokenCount <= limits.stepTokenCount)
            #expect(Set(plan.preempted).isDisjoint(with: plan.entries.map(\.id)))
            checkTime(plan, before)
            for id in plan.timedOut {
                #expect(goals[id]?.hasDeadline == true && engine.starts[id] == nil)
                goals[id] = nil
            }
            for id in Array(goals.keys) where engine.tokens[id] == nil {
                checkAccounting(id)
                goals[id] = nil
            }
        }

        /// A step with prompt tokens beyond the minimum is expected to end in time.
        func checkTime(_ plan: StepPlan, _ costs: StepCostModel) {
            let prompts = plan.entries.filter { $0.tokens.count - $0.guessedTokenCount > 1 }
            let promptTokens = prompts.reduce(0) { $0 + $1.tokens.count }
            guard promptTokens > limits.minimumPromptTokenCount else { return }
            let others = plan.entries.filter { $0.tokens.count - $0.guessedTokenCount == 1 }
            let alone = others.reduce(StepCostModel.Size()) { $0 + $1.size }
            let longest = max(
                limits.interTokenTarget / .milliseconds(1),
                limits.promptStepTarget / .milliseconds(1),
                1.3e3 * costs.seconds(alone)
            )
            #expect(costs.seconds(plan.size) * 1e3 <= longest + 1e-6, "in time, seed \(seed)")
        }

        /// What was not taken from the cache was computed, once.
        func checkAccounting(_ id: SequenceID) {
            guard let goal = goals[id] else { return }
            let computed = engine.computedPromptCounts[id] ?? 0
            let cached = engine.cachedCounts[id] ?? 0
            let isExact =
                engine.preempted.contains(id)
                ? computed + cached >= goal.promptTokenCount
                : computed + cached == goal.promptTokenCount
            #expect(isExact, "exact accounting, seed \(seed)")
            #expect(cached < goal.promptTokenCount, "the last token is computed, seed \(seed)")
            #expect(goal.usesCache || cached == 0, "exact accounting, seed \(seed)")
        }
    }
}
