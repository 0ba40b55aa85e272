import ModelService
import Platform
import TestSupport
import Testing

/// Random models, requests and times against the policy, with a model service made of values.
@Suite(.timeLimit(.minutes(15))) struct ResidencySimulationTests {
    @Test func `never overcommits, hurts nobody, starves nobody and does not thrash`() {
        #if DEBUG
        let seeds = 0..<60
        #else
        let seeds = 0..<2000
        #endif
        for seed in seeds {
            var simulation = ResidencySimulation(seed: UInt64(seed))
            if let problem = simulation.run() {
                Issue.record("seed \(seed): \(problem)")
                return
            }
        }
    }
}

/// One random course of events; time runs in steps of 100 ms.
private struct ResidencySimulation {
    private enum State: Equatable {
        case away
        case waiting
        case loading(until: Int)
        case resident(since: Int)
        case leaving(until: Int?)
    }

    private struct Model {
        let byteCount: Int
        let isPinned: Bool
        let isHot: Bool
        let loadTime: Int
        var state = State.away
        /// When each waiting request came, and when each running one ends.
        var waiting: [Int] = []
        var running: [Int] = []
        var idleSince = 0
        var reclaimed: Int?
        var arrivals: [Int] = []
    }

    private var random: SeededGenerator
    private var models: [Model] = []
    private let capacity = 100
    private let policy = ResidencyPolicy(
        minimumResidence: .seconds(5),
        maximumSwapWait: .seconds(30)
    )
    private var now = 0
    private var problem: String?
    private let longestRequest = 60

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        for _ in 0..<random.int(in: 2...5) {
            models.append(
                Model(
                    byteCount: random.int(in: 20...70),
                    isPinned: random.chance(0.1),
                    isHot: random.chance(0.5),
                    loadTime: random.int(in: 1...30)
                )
            )
        }
    }

    mutating func run() -> String? {
        for step in 0..<3000 where problem == nil {
            now = step
            finish()
            request()
            decide()
            check()
        }
        return problem
    }

    private mutating func finish() {
        for index in models.indices {
            models[index].running.removeAll { $0 <= now }
            if models[index].running.isEmpty, case .resident = models[index].state {
                if models[index].idleSince < 0 { models[index].idleSince = now }
            }
            switch models[index].state {
            case .loading(let end) where end <= now:
                models[index].state = .resident(since: now)
                models[index].arrivals.append(now)
                models[index].idleSince = now
                start(index)
            case .leaving(nil) where models[index].running.isEmpty:
                models[index].state = .leaving(until: now + 2)
            case .leaving(.some(let end)) where end <= now:
                models[index].state = models[index].waiting.isEmpty ? .away : .waiting
                models[index].reclaimed = nil
            default: break
            }
        }
    }

    private mutating func start(_ index: Int) {
        for _ in models[index].waiting {
            models[index].running.append(now + random.int(in: 1...longestRequest))
        }
        if !models[index].waiting.isEmpty { models[index].idleSince = -1 }
        models[index].waiting = []
    }

    private mutating func request() {
        for index in models.indices where random.chance(models[index].isHot ? 0.3 : 0.01) {
            models[index].waiting.append(now)
            switch models[index].state {
            case .away: models[index].state = .waiting
            case .resident: start(index)
            case .waiting, .loading, .leaving: break
            }
        }
    }

    private mutating func decide() {
        let decision = policy.decide(
            waiting: models.indices.filter { models[$0].state == .waiting }.map { index in
                ResidencyPolicy.Waiting(
                    model: "\(index)",
                    byteCount: models[index].byteCount,
                    since: at(models[index].waiting.min() ?? now),
                    reclaimed: models[index].reclaimed.map { at($0) }
                )
            },
            residents: models.indices.compactMap { resident($0) },
            room: MemoryRoom(byteCount: capacity - held, limit: .budget),
            now: at(now)
        )
        for action in decision.actions { carryOut(action) }
        let blocked = models.contains { $0.state == .waiting }
        let changes = models.contains { model in
            switch model.state {
            case .loading, .leaving: true
            case .away, .waiting, .resident: !model.running.isEmpty
            }
        }
        if blocked, !changes, decision.nextLook == nil {
            problem = "somebody waits for nothing at \(now)"
        }
        if let look = decision.nextLook, look <= at(now) { problem = "looks at once again" }
    }

    private mutating func carryOut(_ action: ResidencyPolicy.Action) {
        switch action {
        case .load(let name):
            guard let index = Int(name) else { return }
            models[index].state = .loading(until: now + models[index].loadTime)
            models[index].reclaimed = nil
        case .drain(let name, _):
            guard let index = Int(name), case .resident(let since) = models[index].state else {
                problem = "drains \(name), which is not resident"
                return
            }
            if models[index].isPinned { problem = "drains a pinned model" }
            if now - since < 50 { problem = "drains \(name) too soon" }
            models[index].state = .leaving(until: nil)
        case .reclaim(let name):
            guard let index = Int(name) else { return }
            models[index].reclaimed = now
        case .refuse(let name, let plan):
            guard let index = Int(name) else { return }
            let pinned = models.filter(\.isPinned).filter {
                $0.state != .away && $0.state != .waiting
            }
            let most = capacity - pinned.reduce(0) { $0 + $1.byteCount }
            if plan.outcome != .neverFits || models[index].byteCount <= most {
                problem = "refuses \(name), which could fit"
            }
            models[index].waiting = []
            models[index].state = .away
        }
    }

    private mutating func check() {
        if held > capacity { problem = "overcommits at \(now)" }
        for (index, model) in models.enumerated() {
            // Its turn comes after the longest swap wait; others before it in the queue may each
            // take a drain, a load and a residence first.
            let bound = 300 + models.count * (longestRequest + 30 + 50 + 10) + 10
            if let oldest = model.waiting.min(), now - oldest > bound {
                problem = "model \(index) starves at \(now)"
            }
            for (first, second) in zip(model.arrivals, model.arrivals.dropFirst())
            where second - first < 50 {
                problem = "model \(index) came twice within its minimum residence"
            }
        }
    }

    private var held: Int {
        models.reduce(0) { sum, model in
            model.state == .away || model.state == .waiting ? sum : sum + model.byteCount
        }
    }

    private func resident(_ index: Int) -> ResidencyPlanner.Resident? {
        let model = models[index]
        let activity: ResidencyPlanner.Resident.Activity
        var since: MonotonicInstant?
        switch model.state {
        case .away, .waiting: return nil
        case .loading: activity = .loading
        case .leaving: activity = .leaving
        case .resident(let start):
            since = at(start)
            activity = model.running.isEmpty ? .idle(since: at(max(0, model.idleSince))) : .busy
        }
        return ResidencyPlanner.Resident(
            model: "\(index)",
            byteCount: model.byteCount,
            reclaimableByteCount: index % 2,
            activity: activity,
            isPinned: model.isPinned,
            residentSince: since,
            reload: .milliseconds(100 * model.loadTime)
        )
    }

    private func at(_ step: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: UInt64(step) * 100_000_000)
    }
}
