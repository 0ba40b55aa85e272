package import Platform

/// Decides what is given up when the machine runs out of memory, one step after the other.
///
/// Pure. While there is too little, each look that comes an interval after the last step takes the
/// next one: caches shrink, then idle models go, then new requests are refused, and only when almost
/// nothing is left running requests of the lowest class are ended. Each step but the refusal is
/// repeated by the next round; loads need no step, for there is no room for them.
package struct MemoryPressure: Sendable {
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
        /// Bytes that were read again because they had been dropped too early, since some time past.
        package var refaultedByteCount: Int

        /// Makes a value.
        package init(
            available: Int,
            reserve: Int,
            stall: Double = 0,
            refaultedByteCount: Int = 0
        ) {
            self.available = available
            self.reserve = reserve
            self.stall = stall
            self.refaultedByteCount = refaultedByteCount
        }
    }

    /// Somebody waits for memory a tenth of the time.
    private static let thrashingStall = 0.1
    /// Bytes a second that a slow disk can just do; for kernels without figures about stalls.
    private static let thrashingRefaults = 64.0 * 1024 * 1024

    /// Time between two steps, in which one takes effect.
    package var interval: Duration

    private struct Taken: Sendable, Hashable {
        let step: Step
        let time: MonotonicInstant
    }

    private var lastStep: Taken?
    private var lastRefaults: (byteCount: Int, time: MonotonicInstant)?

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
        let isThrashing = isThrashing(reading, now: now)
        guard
            reading.available < reading.reserve
                || (isThrashing && reading.available < reading.reserve * 2)
        else {
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

    /// Whether the machine spends its time on memory that it has dropped too early.
    private mutating func isThrashing(_ reading: Reading, now: MonotonicInstant) -> Bool {
        defer { lastRefaults = (reading.refaultedByteCount, now) }
        if reading.stall >= Self.thrashingStall { return true }
        guard let lastRefaults else { return false }
        let seconds = now.duration(since: lastRefaults.time) / .seconds(1)
        guard seconds > 0 else { return false }
        let byteCount = Double(reading.refaultedByteCount - lastRefaults.byteCount)
        return byteCount / seconds >= Self.thrashingRefaults
    }
}
