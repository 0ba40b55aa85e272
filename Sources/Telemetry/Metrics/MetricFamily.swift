import Synchronization

/// What a series adds up.
package protocol MetricAccumulator: Sendable {
    /// The sum so far.
    var sample: MetricSamples.Value { get }
}

extension Int: MetricAccumulator {
    package var sample: MetricSamples.Value { .integer(self) }
}

extension HistogramTally: MetricAccumulator {
    package var sample: MetricSamples.Value { .histogram(self) }
}

/// A metric that this process adds up itself, one value for each combination of labels.
///
/// Safe from any thread; an update holds a lock for a look-up and an addition, so it is meant for
/// what happens once per request, not per token. Bounded: once there are `maximumSeriesCount` series,
/// new ones have `other` in place of the values of their open labels.
package final class MetricFamily<Accumulator: MetricAccumulator>: Sendable {
    /// What the metric is.
    package let description: MetricDescription
    private let initial: Accumulator
    private let maximumSeriesCount: Int
    private let series = Mutex<[[String]: Accumulator]>([:])

    fileprivate init(
        _ description: MetricDescription,
        initial: Accumulator,
        maximumSeriesCount: Int
    ) {
        self.description = description
        self.initial = initial
        self.maximumSeriesCount = maximumSeriesCount
    }

    /// Changes the value of the series with these labels, of which there is one value for each
    /// label of the metric.
    package func update(_ labels: [String], _ change: (inout Accumulator) -> Void) {
        precondition(labels.count == description.labels.count, "every label has a value")
        series.withLock { series in
            let isKnown = series[labels] != nil || series.count < maximumSeriesCount
            change(&series[isKnown ? labels : folded(labels), default: initial])
        }
    }

    /// Begins the series with these labels, if there is none yet: what begins only with its first
    /// count has risen from nothing, which Prometheus does not see.
    package func begin(_ labels: [String]) { update(labels) { _ in } }

    /// Every series now.
    package var samples: MetricSamples {
        var samples = MetricSamples(description)
        for (labels, value) in series.withLock({ $0 }) { samples.add(value.sample, labels: labels) }
        return samples
    }

    /// The accumulators of all series, to add them up.
    package var accumulators: [Accumulator] { series.withLock { Array($0.values) } }

    private func folded(_ values: [String]) -> [String] {
        zip(description.labels, values).map { label, value in
            label.isOpen && !value.isEmpty ? "other" : value
        }
    }
}

/// A counter for each combination of labels.
package typealias CounterFamily = MetricFamily<Int>

extension MetricFamily<Int> {
    /// Counters without series yet, of which there will be at most `maximumSeriesCount` and a few
    /// of the others together; a metric without labels begins with 0.
    package convenience init(
        counter name: String,
        labels: [MetricLabel] = [],
        maximumSeriesCount: Int = 1000,
        help: String
    ) {
        self.init(
            MetricDescription(.counter, name, labels: labels, help: help),
            initial: 0,
            maximumSeriesCount: maximumSeriesCount
        )
        if labels.isEmpty { add(0, labels: []) }
    }

    /// Adds to the counter with these labels.
    package func add(_ count: Int = 1, labels: [String]) {
        precondition(count >= 0, "a counter only grows")
        update(labels) { $0 += count }
    }

    /// The sum of all series.
    package var total: Int { accumulators.reduce(0, +) }
}

/// A histogram for each combination of labels.
package typealias HistogramFamily = MetricFamily<HistogramTally>

extension MetricFamily<HistogramTally> {
    /// Histograms without series yet, of which there will be at most `maximumSeriesCount` and a few
    /// of the others together.
    package convenience init(
        histogram name: String,
        labels: [MetricLabel] = [],
        bounds: [Double],
        maximumSeriesCount: Int = 100,
        help: String
    ) {
        self.init(
            MetricDescription(.histogram, name, labels: labels, help: help),
            initial: HistogramTally(bounds: bounds),
            maximumSeriesCount: maximumSeriesCount
        )
    }

    /// Counts a length of time in the histogram with these labels.
    package func record(_ duration: Duration, labels: [String]) {
        update(labels) { $0.record(duration) }
    }

    /// Adds what was counted elsewhere to the histogram with these labels.
    package func merge(_ tally: HistogramTally, labels: [String]) {
        guard tally.count > 0 else { return }
        update(labels) { $0.merge(tally) }
    }
}
