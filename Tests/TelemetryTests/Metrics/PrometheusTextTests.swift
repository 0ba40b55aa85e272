import Telemetry
import Testing

@Suite struct PrometheusTextTests {
    private func text(_ value: MetricSamples.Value, label: String = "") -> String {
        let description = MetricDescription(
            .gauge,
            "torii_size_bytes",
            labels: [MetricLabel("model")],
            help: "A size."
        )
        var samples = MetricSamples(description)
        samples.add(value, labels: [label])
        return PrometheusText.document([samples])
    }

    @Test func `writes help, type and series in the order of their labels`() {
        let counter = CounterFamily(
            counter: "torii_things_total",
            labels: [MetricLabel("model"), MetricLabel("code")],
            help: "Things, of \\ and\nmore."
        )
        counter.add(2, labels: ["b", "200"])
        counter.add(labels: ["a", "404"])
        counter.add(labels: ["", "200"])
        let expected = """
            # HELP torii_things_total Things, of \\\\ and\\nmore.
            # TYPE torii_things_total counter
            torii_things_total{code="200"} 1
            torii_things_total{model="a",code="404"} 1
            torii_things_total{model="b",code="200"} 2

            """
        #expect(PrometheusText.document([counter.samples]) == expected)
    }

    @Test func `writes a histogram with rising buckets, sum and count`() {
        let histogram = HistogramFamily(
            histogram: "torii_wait_seconds",
            labels: [MetricLabel("model")],
            bounds: [0.25, 1],
            help: "A wait."
        )
        for milliseconds in [250, 500, 2000, 3000] {
            histogram.record(.milliseconds(milliseconds), labels: ["a"])
        }
        let expected = """
            # HELP torii_wait_seconds A wait.
            # TYPE torii_wait_seconds histogram
            torii_wait_seconds_bucket{model="a",le="0.25"} 1
            torii_wait_seconds_bucket{model="a",le="1.0"} 2
            torii_wait_seconds_bucket{model="a",le="+Inf"} 4
            torii_wait_seconds_sum{model="a"} 5.75
            torii_wait_seconds_count{model="a"} 4

            """
        #expect(PrometheusText.document([histogram.samples]) == expected)
    }

    @Test func `writes a metric without labels without braces, from 0 on`() {
        let counter = CounterFamily(counter: "torii_all_total", help: "All.")
        #expect(PrometheusText.document([counter.samples]).hasSuffix("\ntorii_all_total 0\n"))
        let histogram = HistogramFamily(histogram: "torii_all_seconds", bounds: [1], help: "All.")
        histogram.record(.seconds(1), labels: [])
        let text = PrometheusText.document([histogram.samples])
        #expect(text.contains("\ntorii_all_seconds_bucket{le=\"1.0\"} 1\n"))
        #expect(text.hasSuffix("\ntorii_all_seconds_sum 1.0\ntorii_all_seconds_count 1\n"))
    }

    @Test(arguments: [
        ("a\"} 1\ntorii_forged 2", "a\\\"} 1\\ntorii_forged 2"), ("back\\slash", "back\\\\slash"),
        ("\\n", "\\\\n"), ("tab\tand\rreturn", "tab\tand\rreturn"), ("Grüße 🦊", "Grüße 🦊"),
        ("{x=\"y\"}", "{x=\\\"y\\\"}"),
        // One character to Swift, of which the first part must be escaped all the same.
        ("\"\u{301}", "\\\"\u{301}"), ("\r\n", "\r\\n"),
    ])
    func `lets no label value end its line or its quotes`(_ value: String, _ written: String) {
        let line = "torii_size_bytes{model=\"\(written)\"} 1\n"
        let text = text(.integer(1), label: value)
        #expect(
            Array(text.unicodeScalars.suffix(line.unicodeScalars.count)).elementsEqual(
                line.unicodeScalars
            )
        )
        #expect(text.utf8.count { $0 == 0x0A } == 3)
    }

    @Test(
        arguments: [
            (.integer(.max), "9223372036854775807"), (.number(0.5), "0.5"), (.number(-2), "-2.0"),
            (.number(1e21), "1e+21"), (.number(.nan), "NaN"), (.number(.infinity), "+Inf"),
            (.number(-.infinity), "-Inf"),
        ] as [(MetricSamples.Value, String)]
    )
    func `writes every number as Go reads it`(_ value: MetricSamples.Value, _ written: String) {
        #expect(text(value).hasSuffix("\ntorii_size_bytes \(written)\n"))
    }
}
