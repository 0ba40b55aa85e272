/// All series of one metric at one moment.
package struct MetricSamples: Sendable, Hashable {
    /// The value of one series.
    package enum Value: Sendable, Hashable {
        case integer(Int)
        case number(Double)
        case histogram(HistogramTally)
    }

    /// One series.
    package struct Series: Sendable, Hashable {
        /// One value for each label of the metric; empty means that the series lacks the label.
        package let labels: [String]
        /// Its value.
        package let value: Value
    }

    /// What the metric is.
    package let description: MetricDescription
    /// Its series; no two have the same labels.
    package private(set) var series: [Series] = []

    /// A metric without series.
    package init(_ description: MetricDescription) {
        self.description = description
    }

    /// Adds a series, with one value for each label of the metric.
    package mutating func add(_ value: Value, labels: [String] = []) {
        precondition(labels.count == description.labels.count, "every label has a value")
        series.append(Series(labels: labels, value: value))
    }
}
