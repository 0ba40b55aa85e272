package import Platform

/// Decides what is given up when the machine runs out of memory, one step after the other.
///
/// Pure. While there is too little, each look that comes an interval after the last step takes the
/// next one: caches shrink, then idle models go, then new requests are refused, and only when almost
/// nothing is left running requests of the lowest class are ended. Each step but the refusal is
/// repeated by the next round; loads need no step, for there is no room for them.
package struct MemoryPressure: Sendable, Hashable {
    /// What to give up.
    package enum Step: Sendable, Hashable {
        case shrinkCaches
        case evictIdleModel
        case refuseRequests
        case cancelLowestClass
    }

    /// How things are.
    package struct Reading: Sendable, Hashable {
        /// Bytes that the machine, or the process's control group, has left.
        package var available: Int
        /// Bytes of them that are not for models.
        package var reserve: Int
        /// The share of the last ten seconds in which somebody waited for memory, 0...1.
        package var stall: Double

        /// Makes a value.
        package init(available: Int, reserve: Int, stall: Double = 0) {
            self.available = available
            self.reserve = reserve
            self.stall = stall
        }

        /// Less than the reserve is left, or not much more and the machine is already thrashing.
        var isTooLittle: Bool {
            available < reserve || (stall >= 0.1 && available < reserve * 2)
        }
    }

    /// Time between two steps, in which one takes effect.
    package var interval: Duration

    private struct Taken: Sendable, Hashable {
        let step: Step
        let time: MonotonicInstant
    }

    private var lastStep: Taken?

    /// No pressure yet.
    package init(interval: Duration = .seconds(2)) {
        self.interval = interval
    }

    /// Whether new requests are refused for now.
    package var refusesRequests: Bool {
        switch lastStep?.step {
        case .refuseRequests, .cancelLowestClass: true
        case .shrinkCaches, .evictIdleModel, nil: false
        }
    }

    /// The step to take now, if one is due; `canEvict` says whether an idle model could go.
    package mutating func look(
        _ reading: Reading,
        canEvict: Bool,
        now: MonotonicInstant
    ) -> Step? {
        guard reading.isTooLittle else {
            lastStep = nil
            return nil
        }
        if let lastStep, now < lastStep.time.advanced(by: interval) { return nil }
        let step: Step
        switch lastStep?.step {
        case nil: step = .shrinkCaches
        case .shrinkCaches, .evictIdleModel: step = canEvict ? .evictIdleModel : .refuseRequests
        case .refuseRequests, .cancelLowestClass:
            step = reading.available < reading.reserve / 4 ? .cancelLowestClass : .refuseRequests
        }
        lastStep = Taken(step: step, time: now)
        return step
    }
}
