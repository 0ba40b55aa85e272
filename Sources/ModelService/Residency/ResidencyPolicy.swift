package import Platform

/// Decides which waiting model is loaded next, and who goes for it.
///
/// Pure: a snapshot goes in, what to do now and when to look again comes out.
///
/// 1. Models are considered in the order of their oldest requests. Whoever fits is loaded at once,
///    also beside other loads.
/// 2. Whoever does not fit: first caches shrink, then idle models go (the set that is cheapest to
///    load again), none of them before it was resident for the minimum residence.
/// 3. Running requests are never hurt. But once a model's oldest request has waited for the longest
///    swap wait, busy models in its way are closed: they take no further requests, finish theirs,
///    and go. From then on nobody overtakes the one that waits.
/// 4. What can never fit is refused at once.
///
/// So no model starves, and a pair of models that cannot be resident together changes places at most
/// once in a minimum residence.
package struct ResidencyPolicy: Sendable, Hashable {
    /// How long a model stays before it may go for another's sake.
    package var minimumResidence: Duration
    /// How long a model's oldest request waits before busy models are closed for it.
    package var maximumSwapWait: Duration
    /// How long caches have to shrink before models go.
    package var reclaimTime: Duration

    /// A policy.
    package init(
        minimumResidence: Duration = .seconds(5),
        maximumSwapWait: Duration = .seconds(30),
        reclaimTime: Duration = .milliseconds(200)
    ) {
        self.minimumResidence = minimumResidence
        self.maximumSwapWait = maximumSwapWait
        self.reclaimTime = reclaimTime
    }

    /// A model whose worker waits for memory.
    package struct Waiting: Sendable, Hashable {
        /// The model's id.
        package var model: String
        /// What it will take.
        package var byteCount: Int
        /// When the oldest request for it came.
        package var since: MonotonicInstant
        /// Whether others may go for it.
        package var mayEvict: Bool
        /// When caches were asked to shrink for it.
        package var reclaimed: MonotonicInstant?

        /// Makes a value.
        package init(
            model: String,
            byteCount: Int,
            since: MonotonicInstant,
            mayEvict: Bool = true,
            reclaimed: MonotonicInstant? = nil
        ) {
            self.model = model
            self.byteCount = byteCount
            self.since = since
            self.mayEvict = mayEvict
            self.reclaimed = reclaimed
        }
    }

    /// What to do.
    package enum Action: Sendable, Hashable {
        /// Reserve the model's memory and let it load.
        case load(model: String)
        /// Close the first model, which goes once its requests have ended, for the second's sake.
        case drain(model: String, for: String)
        /// Ask every worker to give back what its cache only keeps.
        case reclaim(for: String)
        /// Refuse the model's requests: it does not fit.
        case refuse(model: String, ResidencyPlan)
    }

    /// What to do now, and when to decide again if nothing happens before.
    package struct Decision: Sendable, Hashable {
        /// What to do, in this order.
        package var actions: [Action] = []
        /// When to decide again; nil if only an event changes anything.
        package var nextLook: MonotonicInstant?
        /// Bytes that waiting models lay claim to; they are not for caches to grow into.
        package var claimedByteCount = 0

        mutating func look(at instant: MonotonicInstant) {
            nextLook = min(nextLook ?? instant, instant)
        }
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - waiting: Models whose workers wait for memory, in any order.
    ///   - residents: Every other model with a worker.
    ///   - room: What is free now.
    ///   - now: The present time.
    /// - Returns: What to do, in this order.
    package func decide(
        waiting: [Waiting],
        residents: [ResidencyPlanner.Resident],
        room: MemoryRoom,
        now: MonotonicInstant
    ) -> Decision {
        var decision = Decision()
        let present = (residents: residents, room: room)
        var residents = residents
        var room = room
        for wish in waiting.sorted(by: { ($0.since, $0.model) < ($1.since, $1.model) }) {
            // Whether it can fit at all has nothing to do with who else is waiting.
            let alone = plan(for: wish, present.residents, present.room, now: now)
            if [.neverFits, .evictionNotAllowed].contains(alone.outcome) {
                decision.actions.append(.refuse(model: wish.model, alone))
                continue
            }
            let plan = plan(for: wish, residents, room, now: now)
            switch plan.outcome {
            case .fits:
                decision.actions.append(.load(model: wish.model))
                room = MemoryRoom(byteCount: room.byteCount - wish.byteCount, limit: room.limit)
            case .evict, .wait, .neverFits, .evictionNotAllowed:
                decision.claimedByteCount += wish.byteCount
                makeRoom(for: wish, plan, &residents, &decision, now: now)
                // Once its turn has come, nobody behind it takes what it waits for.
                guard now < turn(of: wish) else { return decision }
                claim(wish.byteCount, &residents, &room)
            }
        }
        return decision
    }

    private func plan(
        for wish: Waiting,
        _ residents: [ResidencyPlanner.Resident],
        _ room: MemoryRoom,
        now: MonotonicInstant
    ) -> ResidencyPlan {
        ResidencyPlanner.plan(
            byteCount: wish.byteCount,
            mayEvict: wish.mayEvict,
            residents: residents,
            room: room,
            now: now
        )
    }

    /// When busy models are closed for a model, and nobody overtakes it any more.
    private func turn(of wish: Waiting) -> MonotonicInstant {
        wish.since.advanced(by: maximumSwapWait)
    }

    /// If those who are leaving make room for a model, what is free now and what they give back is
    /// for those behind it only as far as it is too much.
    private func claim(
        _ byteCount: Int,
        _ residents: inout [ResidencyPlanner.Resident],
        _ room: inout MemoryRoom
    ) {
        let leaving = residents.indices.filter { residents[$0].activity == .leaving }
        let surplus =
            leaving.reduce(room.byteCount) { $0 + residents[$1].byteCount } - byteCount
        guard surplus >= 0 else { return }
        room = MemoryRoom(byteCount: min(room.byteCount, surplus), limit: room.limit)
        for index in leaving { residents[index].byteCount = 0 }
    }

    private func makeRoom(
        for wish: Waiting,
        _ plan: ResidencyPlan,
        _ residents: inout [ResidencyPlanner.Resident],
        _ decision: inout Decision,
        now: MonotonicInstant
    ) {
        // Whoever is leaving already makes the room.
        guard !plan.victims.isEmpty else { return }
        if plan.outcome == .wait {
            guard now >= turn(of: wish) else { return decision.look(at: turn(of: wish)) }
        }
        if residents.contains(where: { $0.reclaimableByteCount > 0 }) {
            guard let reclaimed = wish.reclaimed else {
                decision.actions.append(.reclaim(for: wish.model))
                return decision.look(at: now.advanced(by: reclaimTime))
            }
            let end = reclaimed.advanced(by: reclaimTime)
            guard now >= end else { return decision.look(at: end) }
        }
        let models = Set(plan.victims.map(\.model))
        let victims = residents.indices.filter { models.contains(residents[$0].model) }
        let arrivals = victims.compactMap { residents[$0].residentSince }
        // Who is still loading cannot go yet; its end is an event of its own.
        guard arrivals.count == victims.count, let last = arrivals.max() else { return }
        let end = last.advanced(by: minimumResidence)
        guard now >= end else { return decision.look(at: end) }
        for index in victims {
            decision.actions.append(.drain(model: residents[index].model, for: wish.model))
            residents[index].activity = .leaving
        }
    }
}
