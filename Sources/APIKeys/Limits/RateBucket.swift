package import Platform

/// A token bucket: so much a minute, all of it at once if nothing was used for a minute; pure.
package struct RateBucket: Sendable, Hashable {
    /// How much a minute, and how much at once.
    package let perMinute: Int
    private var level: Double
    private var updated: MonotonicInstant

    /// A full bucket.
    package init(perMinute: Int, now: MonotonicInstant) {
        self.perMinute = perMinute
        level = Double(perMinute)
        updated = now
    }

    private var perSecond: Double { Double(perMinute) / 60 }

    /// Adds what has come since the last call.
    private mutating func refill(_ now: MonotonicInstant) {
        let seconds = max(0, now.duration(since: updated) / .seconds(1))
        level = min(Double(perMinute), level + seconds * perSecond)
        updated = max(updated, now)
    }

    /// How long until `amount` is there; zero if it is.
    package mutating func wait(for amount: Double, now: MonotonicInstant) -> Duration {
        refill(now)
        return level >= amount ? .zero : .seconds((amount - level) / perSecond)
    }

    /// Takes so much, also more than there is: the debt delays what comes after.
    package mutating func take(_ amount: Double, now: MonotonicInstant) {
        refill(now)
        level -= amount
    }

    /// What could be taken now, and how long until the bucket is full.
    package mutating func state(now: MonotonicInstant) -> (remaining: Int, reset: Duration) {
        refill(now)
        return (max(0, Int(level)), .seconds((Double(perMinute) - level) / perSecond))
    }
}
