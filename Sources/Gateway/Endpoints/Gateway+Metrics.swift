import HTTP
import ModelService
import Platform
import Telemetry
import WorkerProtocol

// The metrics, for Prometheus.
extension Gateway {
    /// `GET /metrics`.
    ///
    /// Asks no worker and looks at no directory: workers have told their counters with their last
    /// heartbeats.
    func metricsDocument() async -> Reply {
        for entry in requests.entries {
            guard let model = entry.monitor.progress.model else { continue }
            metrics.count(
                entry.monitor.takeTimings(),
                model: model,
                key: entry.account.key,
                arrival: entry.arrival
            )
        }
        let models = await modelMetrics().samples
        let document = PrometheusText.document(metrics.samples + models + processMetrics().samples)
        return Reply(contentType: PrometheusText.contentType, body: Array(document.utf8))
    }

    private func modelMetrics() async -> ModelMetrics {
        let models = await service.presentStatus()
        var processes: [String: ProcessUsage] = [:]
        for status in models {
            guard let process = status.pid else { continue }
            processes[status.entry.id] = ProcessUsage(of: process)
        }
        return ModelMetrics(
            models: models,
            totals: service.modelTotals,
            memory: service.memory,
            processes: processes
        )
    }

    private func processMetrics() -> ProcessMetrics {
        ProcessMetrics(
            version: configuration.version,
            start: startTime,
            usage: ProcessUsage.ofThisProcess(),
            openDescriptorCount: DescriptorUsage.openCount(),
            descriptorLimit: DescriptorUsage.limit(),
            openConnectionCount: connections.openCount,
            acceptedConnectionTotal: connections.acceptedTotal
        )
    }
}
