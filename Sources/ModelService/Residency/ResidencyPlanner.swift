package import Platform

/// Says what it takes to make a model resident.
///
/// Pure: the residents and the room go in, a plan comes out, and nothing changes.
package enum ResidencyPlanner {
    /// A model that has a worker.
    package struct Resident: Sendable, Hashable {
        /// What it does.
        package enum Activity: Sendable, Hashable {
            /// Nobody has used it since then.
            case idle(since: MonotonicInstant)
            /// Requests run.
            case busy
            /// It is being loaded, and its memory is reserved.
            case loading
            /// It ends once its requests have.
            case leaving
        }

        /// The model's id.
        package var model: String
        /// Bytes that it holds by the ledger.
        package var byteCount: Int
        /// Those of them that its cache may hold only for the sake of later requests.
        package var reclaimableByteCount: Int
        /// What it does.
        package var activity: Activity
        /// Whether it never goes for the sake of others.
        package var isPinned: Bool
        /// Since when it is resident; nil while it is loading.
        package var residentSince: MonotonicInstant?
        /// How long it takes to load it again, as far as is known.
        package var reload: Duration

        /// Makes a value.
        package init(
            model: String,
            byteCount: Int,
            reclaimableByteCount: Int = 0,
            activity: Activity,
            isPinned: Bool = false,
            residentSince: MonotonicInstant? = nil,
            reload: Duration = .seconds(1)
        ) {
            self.model = model
            self.byteCount = byteCount
            self.reclaimableByteCount = reclaimableByteCount
            self.activity = activity
            self.isPinned = isPinned
            self.residentSince = residentSince
            self.reload = reload
        }

        /// What it will probably cost to have it gone, in seconds.
        func expectedCost(now: MonotonicInstant) -> Double {
            VictimSelection.expectedCost(reload: reload, idle: idleTime(now: now))
        }

        /// How long nobody has used it.
        func idleTime(now: MonotonicInstant) -> Duration {
            guard case .idle(let since) = activity else { return .zero }
            return max(.zero, now.duration(since: since))
        }
    }

    /// The plan for a model that takes `byteCount` bytes.
    ///
    /// - Parameters:
    ///   - byteCount: What the model takes.
    ///   - mayEvict: Whether others may go for it.
    ///   - residents: Every other model with a worker.
    ///   - room: What is free now.
    ///   - now: The present time.
    /// - Returns: Whether it fits, and who would have to go.
    package static func plan(
        byteCount: Int,
        mayEvict: Bool = true,
        residents: [Resident],
        room: MemoryRoom,
        now: MonotonicInstant
    ) -> ResidencyPlan {
        let leaving = residents.filter { $0.activity == .leaving }.reduce(0) { $0 + $1.byteCount }
        func plan(
            _ outcome: ResidencyPlan.Outcome,
            _ victims: [ResidencyPlan.Victim] = [],
            missing: Int = 0
        ) -> ResidencyPlan {
            ResidencyPlan(
                outcome: outcome,
                neededByteCount: byteCount,
                room: room,
                leavingByteCount: leaving,
                victims: victims,
                missingByteCount: missing
            )
        }
        guard byteCount > room.byteCount else { return plan(.fits) }
        let short = byteCount.subtractingReportingOverflow(room.byteCount)
        let missing = (short.overflow ? Int.max / 2 : short.partialValue) - leaving
        guard missing > 0 else { return plan(.wait) }
        let mayGo = residents.filter { !$0.isPinned && $0.activity != .leaving }
        let idle = mayGo.filter { if case .idle = $0.activity { true } else { false } }
        if let victims = cheapest(of: idle, givingBack: missing, now: now) {
            return mayEvict ? plan(.evict, victims) : plan(.evictionNotAllowed, victims)
        }
        if let victims = cheapest(of: mayGo, givingBack: missing, now: now) {
            return mayEvict ? plan(.wait, victims) : plan(.evictionNotAllowed, victims)
        }
        return plan(.neverFits, missing: missing - mayGo.reduce(0) { $0 + $1.byteCount })
    }

    private static func cheapest(
        of residents: [Resident],
        givingBack byteCount: Int,
        now: MonotonicInstant
    ) -> [ResidencyPlan.Victim]? {
        let candidates = residents.map { resident in
            VictimSelection.Candidate(
                model: resident.model,
                byteCount: resident.byteCount,
                cost: resident.expectedCost(now: now)
            )
        }
        guard let chosen = VictimSelection.cheapest(of: candidates, givingBack: byteCount) else {
            return nil
        }
        let models = Set(chosen.map(\.model))
        return residents.filter { models.contains($0.model) }.map { resident in
            ResidencyPlan.Victim(
                model: resident.model,
                byteCount: resident.byteCount,
                idle: resident.idleTime(now: now),
                reload: resident.reload
            )
        }
    }
}
