import Glibc

/// A point on the machine's monotonic clock, which no change of the wall clock moves.
package struct MonotonicInstant: Comparable, Hashable, Sendable {
    /// Nanoseconds since some fixed moment before the start of the process.
    package let nanoseconds: UInt64

    /// The instant `nanoseconds` after the clock's origin.
    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Reads CLOCK_MONOTONIC.
    package static func now() -> MonotonicInstant {
        var time = timespec()
        // Safety: `time` is a valid timespec for the length of the call, which cannot fail here.
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        )
    }

    /// The instant `duration` later (or earlier, if negative), held to the clock's range.
    package func advanced(by duration: Duration) -> MonotonicInstant {
        let offset = duration.wholeNanoseconds
        let distance = offset.magnitude
        if offset >= 0 {
            let (sum, overflow) = nanoseconds.addingReportingOverflow(distance)
            return MonotonicInstant(nanoseconds: overflow ? .max : sum)
        }
        return MonotonicInstant(nanoseconds: distance > nanoseconds ? 0 : nanoseconds - distance)
    }

    /// The time from `earlier` to this instant; negative if `earlier` is later.
    package func duration(since earlier: MonotonicInstant) -> Duration {
        if self >= earlier {
            return .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
        }
        return .zero - .nanoseconds(Int64(clamping: earlier.nanoseconds - nanoseconds))
    }

    package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// The duration in nanoseconds, rounded towards zero and held to the range of `Int64`.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let limit: Int64 = seconds < 0 ? .min : .max
        if overflow { return limit }
        let (sum, sumOverflow) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return sumOverflow ? limit : sum
    }
}
