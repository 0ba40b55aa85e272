import Telemetry
import Testing

@Suite struct MetricFamilyTests {
    @Test func `counts an observation in the first range whose end is not below it`() {
        var tally = HistogramTally(bounds: [1, 2])
        for value in [-1, 0, 1, 1.5, 2, 2.5, .nan, .infinity] { tally.record(value) }
        #expect(tally.counts == [3, 2, 1] && tally.count == 6 && tally.sum == 6)
    }

    @Test func `merges tallies as if one had counted everything`() {
        var (first, second, both) = (
            HistogramTally(bounds: [1, 2]), HistogramTally(bounds: [1, 2]),
            HistogramTally(bounds: [1, 2])
        )
        for (index, value) in [0.5, 1.5, 3, 0.25, 8].enumerated() {
            if index.isMultiple(of: 2) { first.record(value) } else { second.record(value) }
            both.record(value)
        }
        first.merge(second)
        #expect(first == both)
    }

    @Test func `folds the open labels of new series once there are too many`() {
        let family = CounterFamily(
            counter: "torii_things_total",
            labels: [MetricLabel("key", isOpen: true), MetricLabel("code")],
            maximumSeriesCount: 2,
            help: "Things."
        )
        for key in ["a", "b", "c", "d", "a"] { family.add(labels: [key, "200"]) }
        family.add(labels: ["e", "500"])
        family.add(labels: ["", "500"])
        let series = family.samples.series.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
        #expect(
            series.map(\.labels) == [
                ["", "500"], ["a", "200"], ["b", "200"], ["other", "200"], ["other", "500"],
            ]
        )
        #expect(series.map(\.value) == [1, 2, 1, 2, 1].map { .integer($0) })
        #expect(family.total == 7)
    }

    @Test func `loses no count when many threads add at once`() async {
        let counter = CounterFamily(
            counter: "torii_things_total",
            labels: [MetricLabel("model")],
            help: "Things."
        )
        let histogram = HistogramFamily(
            histogram: "torii_wait_seconds",
            bounds: [1],
            help: "A wait."
        )
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.add(labels: ["\(task % 2)"])
                        histogram.record(.seconds(1), labels: [])
                    }
                }
            }
        }
        #expect(counter.samples.series.map(\.value) == [.integer(4000), .integer(4000)])
        #expect(histogram.accumulators.map(\.count) == [8000])
    }

    @Test func `adds nothing for an empty tally`() {
        let family = HistogramFamily(histogram: "torii_wait_seconds", bounds: [1], help: "A wait.")
        family.merge(HistogramTally(bounds: [1]), labels: [])
        #expect(family.samples.series.isEmpty)
    }
}
