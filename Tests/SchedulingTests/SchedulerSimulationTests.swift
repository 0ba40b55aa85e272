import Scheduling
import TestSupport
import Testing

/// One seed drives arrivals, lengths, cancellations and memory pressure over the real scheduler.
@Suite struct SchedulerSimulationTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func `everything finishes, in bounded time and without a leak`(seed: UInt64) {
        var simulation = Simulation(seed: seed)
        simulation.run()
    }

    private struct Simulation {
        struct Goal {
            var known: Int
            let final: Int
            var computed = 0
        }

        var random: SeededGenerator
        var scheduler: Scheduler
        var goals: [SequenceID: Goal] = [:]
        var arrivalsLeft: Int
        var nextID: UInt64 = 0
        var work = 0
        let blockCount: Int

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            blockCount = random.int(in: 1...40)
            arrivalsLeft = random.int(in: 1...60)
            scheduler = Scheduler(
                blockCount: blockCount,
                limits: SchedulerLimits(
                    stepTokenCount: random.int(in: 1...300),
                    stepPromptTokenCountWhileDecoding: random.int(in: 1...100),
                    runningCount: random.int(in: 1...20),
                    waitingCount: random.int(in: 1...30),
                    reservedOutputTokenCount: random.int(in: 1...100)
                )
            )
        }

        mutating func run() {
            var steps = 0
            while arrivalsLeft > 0 || !scheduler.isIdle {
                arrive()
                cancelSomeone()
                step()
                scheduler.checkInvariants()
                steps += 1
                // The oldest gets at least one token in each step; recomputation multiplies.
                guard steps < 200_000 else {
                    Issue.record("no end in sight")
                    return
                }
            }
            #expect(goals.isEmpty)
            #expect(scheduler.usedBlockCount == 0)
        }

        mutating func arrive() {
            while arrivalsLeft > 0, random.chance(0.4) {
                arrivalsLeft -= 1
                nextID += 1
                let longest = blockCount * 32
                let prompt = random.int(in: 1...longest)
                let final = min(longest, prompt + random.int(in: 0...150))
                let id = SequenceID(rawValue: nextID)
                do {
                    try scheduler.submit(
                        id,
                        promptTokenCount: prompt,
                        maximumTokenCount: final,
                        maximumChunkTokenCount: random.chance(0.2) ? random.int(in: 1...40) : .max
                    )
                    goals[id] = Goal(known: prompt, final: final)
                } catch {
                    #expect(error == .overloaded)
                }
            }
        }

        mutating func cancelSomeone() {
            guard random.chance(0.03), let id = goals.keys.min(by: { $0 < $1 }) else { return }
            goals[id] = nil
            scheduler.finish(id)
        }

        mutating func step() {
            let plan = scheduler.schedule()
            for id in plan.preempted { goals[id]?.computed = 0 }
            #expect(plan.isEmpty == goals.isEmpty)
            if let oldest = goals.keys.min() {
                #expect(plan.entries.first?.id == oldest, "the oldest progresses")
            }
            #expect(Set(plan.entries.map(\.id)).count == plan.entries.count)
            #expect(plan.tokenCount <= scheduler.limits.stepTokenCount)
            #expect(Set(plan.preempted).isDisjoint(with: plan.entries.map(\.id)))
            scheduler.commit(plan)
            for entry in plan.entries { apply(entry) }
        }

        mutating func apply(_ entry: StepPlan.Entry) {
            guard var goal = goals[entry.id] else {
                Issue.record("a plan names an unknown sequence")
                return
            }
            #expect(entry.firstPosition == goal.computed, "no token is skipped or repeated")
            #expect(entry.tokenCount > 0)
            goal.computed += entry.tokenCount
            #expect(goal.computed <= goal.known)
            #expect(entry.reachesEnd == (goal.computed == goal.known))
            goals[entry.id] = goal
            guard entry.reachesEnd else { return }
            if goal.known < goal.final {
                goals[entry.id]?.known += 1
                scheduler.append(to: entry.id)
            } else {
                goals[entry.id] = nil
                scheduler.finish(entry.id)
            }
        }
    }
}
