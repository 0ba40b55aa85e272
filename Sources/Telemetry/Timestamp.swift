import Glibc

/// A moment of the wall clock, printed as RFC 3339 in UTC with milliseconds.
package struct Timestamp: Sendable, Equatable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package let milliseconds: Int64

    /// The moment `milliseconds` after 1970-01-01T00:00:00Z.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The present moment by the wall clock, for people to read; deadlines use the monotonic clock.
    package static func now() -> Timestamp {
        var time = timespec()
        // Safety: `time` outlives the call.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, the form of time in the HTTP API.
    package var seconds: Int { Int(Self.dividingDown(milliseconds, by: 1000).0) }

    /// The day in UTC, `2026-11-27`.
    package var day: String { String(description.prefix { $0 != "T" }) }

    package var description: String {
        let (days, rest) = Self.dividingDown(milliseconds, by: 86_400_000)
        let (year, month, day) = Self.civilDate(daysSince1970: days)
        let (second, millisecond) = rest.quotientAndRemainder(dividingBy: 1000)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2)
            + "T" + Self.padded(second / 3600, 2) + ":" + Self.padded(second / 60 % 60, 2)
            + ":" + Self.padded(second % 60, 2) + "." + Self.padded(millisecond, 3) + "Z"
    }

    /// The proleptic Gregorian date.
    ///
    /// Years are counted from March, so that the leap day comes last
    /// and the months before it have the same lengths in every year.
    private static func civilDate(
        daysSince1970 days: Int64
    ) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = dividingDown(days + 719_468, by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func dividingDown(_ value: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
