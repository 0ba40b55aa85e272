import Scheduling
import Testing

@Suite struct SchedulerTests {
    static func id(_ number: UInt64) -> SequenceID { SequenceID(rawValue: number) }

    /// Computes a plan: every sequence that reached its end gets a token.
    static func compute(_ plan: StepPlan, in scheduler: inout Scheduler) {
        scheduler.commit(plan)
        for entry in plan.entries where entry.reachesEnd { scheduler.append(to: entry.id) }
        scheduler.checkInvariants()
    }

    @Test func `a prompt is computed in chunks and then token by token`() throws {
        var scheduler = Scheduler(
            blockCount: 10,
            limits: SchedulerLimits(stepTokenCount: 40, runningCount: 4)
        )
        try scheduler.submit(Self.id(1), promptTokenCount: 100, maximumTokenCount: 110)
        var positions: [Int] = []
        var counts: [Int] = []
        for _ in 0..<5 {
            let plan = scheduler.schedule()
            #expect(plan.entries.count == 1)
            positions.append(plan.entries[0].firstPosition)
            counts.append(plan.entries[0].tokenCount)
            #expect(plan.entries[0].reachesEnd == (plan.entries[0].firstPosition >= 80))
            #expect(
                plan.entries[0].blockTable.count
                    == (plan.entries[0].firstPosition + plan.entries[0].tokenCount + 31) / 32
            )
            Self.compute(plan, in: &scheduler)
        }
        #expect(positions == [0, 40, 80, 100, 101])
        #expect(counts == [40, 40, 20, 1, 1])
        scheduler.finish(Self.id(1))
        #expect(scheduler.isIdle)
        #expect(scheduler.usedBlockCount == 0)
        #expect(scheduler.schedule().isEmpty)
    }

    @Test func `decoding goes on while a long prompt is computed`() throws {
        let limits = SchedulerLimits(
            stepTokenCount: 200,
            stepPromptTokenCountWhileDecoding: 16,
            runningCount: 4
        )
        var scheduler = Scheduler(blockCount: 100, limits: limits)
        try scheduler.submit(Self.id(1), promptTokenCount: 5, maximumTokenCount: 50)
        Self.compute(scheduler.schedule(), in: &scheduler)
        try scheduler.submit(Self.id(2), promptTokenCount: 100, maximumTokenCount: 150)
        for step in 0..<6 {
            let plan = scheduler.schedule()
            #expect(plan.entries.map(\.id) == [Self.id(1), Self.id(2)])
            #expect(plan.entries.map(\.tokenCount) == [1, 16])
            #expect(plan.started == (step == 0 ? [Self.id(2)] : []))
            Self.compute(plan, in: &scheduler)
        }
    }

    @Test func `admission keeps the order of arrival and the reserve`() throws {
        let limits = SchedulerLimits(runningCount: 8, reservedOutputTokenCount: 32)
        var scheduler = Scheduler(blockCount: 4, limits: limits)
        try scheduler.submit(Self.id(1), promptTokenCount: 32, maximumTokenCount: 128)
        try scheduler.submit(Self.id(2), promptTokenCount: 64, maximumTokenCount: 128)
        try scheduler.submit(Self.id(3), promptTokenCount: 1, maximumTokenCount: 2)
        // 1 needs two blocks with its reserve, 2 would need three, 3 must not pass it.
        #expect(scheduler.schedule().entries.map(\.id) == [Self.id(1)])
        scheduler.finish(Self.id(1))
        #expect(scheduler.schedule().entries.map(\.id) == [Self.id(2), Self.id(3)])
    }

    @Test func `the youngest gives way when blocks run out and starts over`() throws {
        let limits = SchedulerLimits(runningCount: 8, reservedOutputTokenCount: 1)
        var scheduler = Scheduler(blockCount: 3, limits: limits)
        try scheduler.submit(Self.id(1), promptTokenCount: 31, maximumTokenCount: 96)
        try scheduler.submit(Self.id(2), promptTokenCount: 31, maximumTokenCount: 96)
        var preempted: [SequenceID] = []
        for _ in 0..<200 {
            let plan = scheduler.schedule()
            preempted += plan.preempted
            #expect(plan.entries.first?.id == Self.id(1))
            scheduler.commit(plan)
            for entry in plan.entries {
                let known = entry.firstPosition + entry.tokenCount
                if known == 95 {
                    scheduler.finish(entry.id)
                } else if entry.reachesEnd {
                    scheduler.append(to: entry.id)
                }
            }
            scheduler.checkInvariants()
            if scheduler.runningCount == 0 { break }
        }
        #expect(preempted == [Self.id(2)])
        let again = scheduler.schedule()
        #expect(again.entries.map(\.id) == [Self.id(2)])
        #expect(again.entries.map(\.firstPosition) == [0])
        #expect(again.started == [], "it started before")
    }

    @Test func `a full queue and a sequence larger than the pool are rejected`() throws {
        var scheduler = Scheduler(blockCount: 2, limits: SchedulerLimits(waitingCount: 2))
        #expect(throws: Scheduler.Rejection.tooLong(maximumTokenCount: 64)) {
            try scheduler.submit(Self.id(1), promptTokenCount: 65, maximumTokenCount: 65)
        }
        #expect(throws: Scheduler.Rejection.tooLong(maximumTokenCount: 64)) {
            try scheduler.submit(Self.id(2), promptTokenCount: 1, maximumTokenCount: 65)
        }
        try scheduler.submit(Self.id(3), promptTokenCount: 1, maximumTokenCount: 64)
        try scheduler.submit(Self.id(4), promptTokenCount: 1, maximumTokenCount: 64)
        #expect(throws: Scheduler.Rejection.overloaded) {
            try scheduler.submit(Self.id(5), promptTokenCount: 1, maximumTokenCount: 2)
        }
        scheduler.finish(Self.id(4))
        try scheduler.submit(Self.id(6), promptTokenCount: 1, maximumTokenCount: 2)
        #expect(scheduler.waitingCount == 2)
    }

    @Test func `a sequence's own limit bounds its chunks`() throws {
        var scheduler = Scheduler(blockCount: 10)
        try scheduler.submit(
            Self.id(1),
            promptTokenCount: 50,
            maximumTokenCount: 60,
            maximumChunkTokenCount: 32
        )
        #expect(scheduler.schedule().entries.map(\.tokenCount) == [32])
    }
}
