import ModelService
import Platform
import Testing

@Suite struct ResidencyPlannerTests {
    typealias Resident = ResidencyPlanner.Resident

    @Test func `evicts nobody while there is room`() {
        let plan = plan(40, room: 40, [idle("a", 60)])
        #expect(plan.outcome == .fits && plan.victims.isEmpty && plan.neededByteCount == 40)
    }

    @Test func `evicts the smallest sufficient model, not the oldest`() {
        let big = idle("big", 80, since: -300, reload: .seconds(8))
        let small = idle("small", 30, since: -10, reload: .seconds(3))
        let plan = plan(40, room: 15, [big, small])
        #expect(plan.outcome == .evict && plan.victims.map(\.model) == ["small"])
        #expect(plan.victims[0].byteCount == 30 && plan.victims[0].idle == .seconds(10))
    }

    @Test func `evicts what nobody has used for hours rather than what is in use`() {
        let big = idle("big", 80, since: -7200, reload: .seconds(8))
        let small = idle("small", 30, since: -10, reload: .seconds(3))
        #expect(plan(40, room: 15, [big, small]).victims.map(\.model) == ["big"])
    }

    @Test func `evicts several only if one is not enough`() {
        let residents = [idle("a", 10), idle("b", 20), idle("c", 30)]
        #expect(plan(45, room: 0, residents).victims.map(\.model) == ["b", "c"])
        #expect(plan(60, room: 0, residents).victims.map(\.model) == ["a", "b", "c"])
    }

    @Test func `waits for busy models, and names them`() {
        let plan = plan(50, room: 10, [busy("a", 60), idle("b", 10)])
        #expect(plan.outcome == .wait && plan.victims.map(\.model) == ["a"])
    }

    @Test func `waits for models that are leaving, and evicts nobody else`() {
        let leaving = Resident(model: "a", byteCount: 60, activity: .leaving)
        let plan = plan(50, room: 10, [leaving, idle("b", 100)])
        #expect(plan.outcome == .wait && plan.victims.isEmpty && plan.leavingByteCount == 60)
    }

    @Test func `refuses what fits never, and says how much is missing`() {
        var pinned = idle("pinned", 50)
        pinned.isPinned = true
        let plan = plan(100, room: 20, [pinned, busy("a", 30), idle("b", 10)])
        #expect(plan.outcome == .neverFits && plan.missingByteCount == 40)
        #expect(plan.victims.isEmpty)
    }

    @Test func `says whom it would have to evict if that is not allowed`() {
        let plan = plan(50, room: 10, [idle("a", 60)], mayEvict: false)
        #expect(plan.outcome == .evictionNotAllowed && plan.victims.map(\.model) == ["a"])
    }

    @Test func `finds room among many models`() {
        let residents = (0..<40).map { index in
            idle("m\(index)", 10 + index, reload: .seconds(1 + index))
        }
        let plan = plan(300, room: 0, residents)
        let freed = plan.victims.reduce(0) { $0 + $1.byteCount }
        #expect(plan.outcome == .evict && freed >= 300)
        // Nobody goes who need not.
        #expect(plan.victims.allSatisfy { freed - $0.byteCount < 300 })
    }

    @Test func `bears figures at the ends of their ranges`() {
        #expect(plan(.max, room: -5, [idle("a", 10)]).outcome == .neverFits)
        let room = MemoryRoom(budget: 10, held: .max, available: 5, reserve: 9, uncommitted: .max)
        #expect(room.byteCount < 0)
    }

    @Test func `takes the lesser of what the budget and the machine leave`() {
        let budget = MemoryRoom(budget: 100, held: 60, available: 99, reserve: 9, uncommitted: 20)
        #expect(budget == MemoryRoom(byteCount: 40, limit: .budget))
        let machine = MemoryRoom(budget: 100, held: 60, available: 60, reserve: 9, uncommitted: 20)
        #expect(machine == MemoryRoom(byteCount: 31, limit: .machine))
    }

    private func plan(
        _ byteCount: Int,
        room: Int,
        _ residents: [Resident],
        mayEvict: Bool = true
    ) -> ResidencyPlan {
        ResidencyPlanner.plan(
            byteCount: byteCount,
            mayEvict: mayEvict,
            residents: residents,
            room: MemoryRoom(byteCount: room, limit: .budget),
            now: at(0)
        )
    }

    private func idle(
        _ model: String,
        _ byteCount: Int,
        since: Int = 0,
        reload: Duration = .seconds(1)
    ) -> Resident {
        Resident(
            model: model,
            byteCount: byteCount,
            activity: .idle(since: at(since)),
            residentSince: at(-10_000),
            reload: reload
        )
    }

    private func busy(_ model: String, _ byteCount: Int) -> Resident {
        Resident(model: model, byteCount: byteCount, activity: .busy, residentSince: at(-10_000))
    }
}

private func at(_ seconds: Int) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: UInt64(100_000 + seconds) * 1_000_000_000)
}
