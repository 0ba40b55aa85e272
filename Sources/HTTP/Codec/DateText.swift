import Glibc
import Synchronization

/// The `Date` field's value, IMF-fixdate (RFC 9110 §5.6.7), made once per second.
///
/// Safe from any thread; holds a lock for a comparison, and once a second for the formatting.
final class DateText: Sendable {
    private let cache = Mutex<(second: Int, text: [UInt8])>((-1, []))

    /// The text for the wall clock's current second.
    func current() -> [UInt8] {
        var time = timespec()
        // Safety: `time` is a valid timespec for the length of the call.
        _ = unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        let second = Int(time.tv_sec)
        return cache.withLock { cache in
            if cache.second != second { cache = (second, Array(Self.format(second: second).utf8)) }
            return cache.text
        }
    }

    /// Formats seconds since 1970-01-01, leap seconds not counted, not negative.
    static func format(second: Int) -> String {
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let days = second / 86_400
        let time = second % 86_400
        // The calendar repeats every 400 years of 146,097 days; counting from 1 March puts the leap
        // day last in its year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 2 : marchMonth - 10
        let year = yearOfEra + era * 400 + (month < 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(weekdays[days % 7]), \(two(day)) \(months[month]) \(year) "
            + "\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT"
    }
}
