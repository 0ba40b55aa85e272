/// How many observations were how large: a count for each of a few fixed ranges.
///
/// A value: a request may fill its own and merge it into a shared one at its end.
package struct HistogramTally: Sendable, Hashable {
    /// Upper ends of the ranges, included, rising; above the last one comes one more range.
    package let bounds: [Double]
    /// Observations in each range, one more than bounds.
    package private(set) var counts: [Int]
    /// The sum of all observations.
    package private(set) var sum = 0.0

    /// A tally of nothing.
    package init(bounds: [Double]) {
        precondition(
            zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && bounds.allSatisfy(\.isFinite),
            "bounds rise"
        )
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// All observations.
    package var count: Int { counts.reduce(0, +) }

    /// Counts an observation; one that is no number is left out.
    package mutating func record(_ value: Double) {
        guard value.isFinite else { return }
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// Counts a length of time in seconds.
    package mutating func record(_ duration: Duration) { record(duration / .seconds(1)) }

    /// Adds everything that another tally with the same bounds has counted.
    package mutating func merge(_ other: HistogramTally) {
        precondition(bounds == other.bounds, "only tallies of the same ranges add up")
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}
