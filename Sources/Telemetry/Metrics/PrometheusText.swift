/// Metrics as Prometheus reads them: its text format 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
package enum PrometheusText {
    /// The format's media type.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The document of these metrics: every one with its help and type, series in the order of
    /// their labels.
    package static func document(_ metrics: [MetricSamples]) -> String {
        var text = ""
        for metric in metrics {
            let description = metric.description
            text += "# HELP \(description.name) \(escaped(description.help, quotes: false))\n"
            text += "# TYPE \(description.name) \(description.kind.rawValue)\n"
            let series = metric.series.sorted {
                $0.labels.lexicographicallyPrecedes($1.labels)
            }
            for entry in series { append(entry, of: description, to: &text) }
        }
        return text
    }

    private static func append(
        _ series: MetricSamples.Series,
        of description: MetricDescription,
        to text: inout String
    ) {
        let name = description.name
        var labels = zip(description.labels, series.labels)
            .filter { !$1.isEmpty }
            .map { "\($0.name)=\"\(escaped($1, quotes: true))\"" }
            .joined(separator: ",")
        switch series.value {
        case .integer(let value): text += name + braced(labels) + " \(value)\n"
        case .number(let value): text += name + braced(labels) + " \(number(value))\n"
        case .histogram(let tally):
            let totals = braced(labels)
            if !labels.isEmpty { labels += "," }
            var count = 0
            for (bound, added) in zip(tally.bounds + [.infinity], tally.counts) {
                count += added
                text += "\(name)_bucket{\(labels)le=\"\(number(bound))\"} \(count)\n"
            }
            text += "\(name)_sum\(totals) \(number(tally.sum))\n"
            text += "\(name)_count\(totals) \(count)\n"
        }
    }

    private static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    /// Only a line feed ends a line, and only a quote ends a value; all else may stand for itself.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: result.append(contentsOf: "\\\"".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
