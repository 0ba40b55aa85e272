import Platform
import Telemetry

/// The metrics of this process, under the names that every Prometheus exporter gives them, and of
/// its server.
///
/// Pure.
struct ProcessMetrics {
    let version: String
    let start: Timestamp
    /// What cannot be read is left out.
    let usage: ProcessUsage?
    let openDescriptorCount: Int?
    let descriptorLimit: Int?
    let openConnectionCount: Int
    let acceptedConnectionTotal: Int

    /// Everything, in the order of the document.
    var samples: [MetricSamples] {
        var build = MetricSamples(Self.build)
        build.add(.integer(1), labels: [version])
        return [
            build,
            gauge(
                "torii_http_connections",
                .integer(openConnectionCount),
                "Connections that are open."
            ),
            counter(
                "torii_http_connections_accepted_total",
                .integer(acceptedConnectionTotal),
                "Connections accepted."
            ),
            gauge(
                "process_start_time_seconds",
                .number(Double(start.milliseconds) / 1000),
                "When this process started, in seconds since 1970."
            ),
            counter(
                "process_cpu_seconds_total",
                usage.map { .number($0.processorTime / .seconds(1)) },
                "Processor time of the gateway, without its workers."
            ),
            gauge(
                "process_resident_memory_bytes",
                usage.map { .integer($0.residentByteCount) },
                "What the gateway has in memory, without its workers."
            ),
            gauge(
                "process_open_fds",
                openDescriptorCount.map { .integer($0) },
                "Open file descriptors."
            ),
            gauge(
                "process_max_fds",
                descriptorLimit.map { .integer($0) },
                "The most file descriptors that may be open."
            ),
        ]
    }

    private static let build = MetricDescription(
        .gauge,
        "torii_build_info",
        labels: [MetricLabel("version")],
        help: "Always 1: which version this is."
    )

    private func gauge(
        _ name: String,
        _ value: MetricSamples.Value?,
        _ help: String
    ) -> MetricSamples {
        samples(MetricDescription(.gauge, name, help: help), value)
    }

    private func counter(
        _ name: String,
        _ value: MetricSamples.Value?,
        _ help: String
    ) -> MetricSamples {
        samples(MetricDescription(.counter, name, help: help), value)
    }

    private func samples(
        _ description: MetricDescription,
        _ value: MetricSamples.Value?
    ) -> MetricSamples {
        var samples = MetricSamples(description)
        if let value { samples.add(value) }
        return samples
    }
}
