import ModelService
import Platform
import Telemetry
import WorkerProtocol

/// The metrics of models: what they do and hold now, and what has happened to them.
///
/// Pure.
struct ModelMetrics {
    /// Every model of the catalog.
    let models: [ModelStatus]
    /// What has happened to those that were used.
    let totals: [String: ModelTotals]
    /// Who holds how much memory.
    let memory: MemoryLedger
    /// What the worker processes use, by model.
    let processes: [String: ProcessUsage]

    /// Everything, in the order of the document.
    var samples: [MetricSamples] { present + kvCache + held + work + past }

    // MARK: Now

    private var present: [MetricSamples] {
        var states = MetricSamples(Self.states)
        var resident = MetricSamples(Self.resident)
        var facts = MetricSamples(Self.facts)
        for state in Self.stateNames {
            states.add(.integer(models.count { $0.state.name == state }), labels: [state])
        }
        for status in models where totals[status.entry.id] != nil {
            resident.add(
                .integer(status.state == .resident ? 1 : 0),
                labels: [status.entry.id]
            )
            guard let known = status.facts else { continue }
            // The file's own words may be long.
            facts.add(
                .integer(1),
                labels: [
                    status.entry.id, String(known.architecture.prefix(64)),
                    String(known.quantization.prefix(64)), String(known.contextLength),
                ]
            )
        }
        let gauges = Self.gauges.map { description, value in
            var samples = MetricSamples(description)
            for status in models where totals[status.entry.id] != nil {
                samples.add(.integer(value(status)), labels: [status.entry.id])
            }
            return samples
        }
        return [states, resident, facts] + gauges
    }

    /// All values of `ModelStatus.State.name`.
    private static let stateNames = [
        "unloaded", "waiting", "loading", "resident", "draining", "failed",
    ]
    private static let states = MetricDescription(
        .gauge,
        "torii_models",
        labels: [.state],
        help: "Models of the catalog by state: unloaded, waiting (for memory), loading, resident, "
            + "draining, failed."
    )
    private static let resident = MetricDescription(
        .gauge,
        "torii_model_resident",
        labels: [.model],
        help: "1 if the model is in memory, else 0; of models that were used since the start."
    )
    private static let facts = MetricDescription(
        .gauge,
        "torii_model_info",
        labels: [
            .model, MetricLabel("architecture"), MetricLabel("quantization"),
            MetricLabel("context_length"),
        ],
        help: "Always 1: what a model in memory is."
    )
    private static let gauges: [(MetricDescription, @Sendable (ModelStatus) -> Int)] = [
        (
            gauge("torii_requests_running", "Sequences being computed; each choice is one."),
            { $0.worker?.runningCount ?? 0 }
        ),
        (
            gauge("torii_requests_waiting", "Sequences in the model's queue."),
            { $0.worker?.waitingCount ?? 0 }
        ),
        (
            gauge("torii_waiting_prompt_tokens", "Prompt tokens of the sequences in the queue."),
            { $0.worker?.waitingTokenCount ?? 0 }
        ),
        (
            gauge("torii_requests_waiting_for_load", "Requests that wait for the model to load."),
            { $0.waitingCount }
        ),
        (
            gauge("torii_requests_in_flight", "Requests that use the model, from lease to end."),
            { $0.leaseCount }
        ),
    ]

    private static func gauge(_ name: String, _ help: String) -> MetricDescription {
        MetricDescription(.gauge, name, labels: [.model], help: help)
    }

    private var kvCache: [MetricSamples] {
        var blocks = MetricSamples(Self.kvBlocks)
        var usage = MetricSamples(Self.kvUsage)
        for status in models {
            guard let worker = status.worker, worker.kvBlockCount > 0 else { continue }
            let (used, cached) = (worker.kvBlocksInUse, worker.kvBlocksCached)
            let free = max(0, worker.kvBlockCount - used - cached)
            for (state, count) in [("used", used), ("cached", cached), ("free", free)] {
                blocks.add(.integer(count), labels: [status.entry.id, state])
            }
            usage.add(
                .number(Double(used) / Double(worker.kvBlockCount)),
                labels: [status.entry.id]
            )
        }
        return [blocks, usage]
    }

    private static let kvBlocks = MetricDescription(
        .gauge,
        "torii_kv_blocks",
        labels: [.model, .state],
        help: "Blocks of keys and values: used by sequences, cached for later prompts that begin "
            + "alike, and free."
    )
    private static let kvUsage = gauge(
        "torii_kv_cache_usage_ratio",
        "Share of the blocks that sequences use, 0 to 1."
    )

    // MARK: Memory

    private var held: [MetricSamples] {
        var capacity = MetricSamples(Self.capacity)
        capacity.add(.integer(memory.capacity))
        var free = MetricSamples(Self.free)
        free.add(.integer(memory.freeByteCount))
        var planned = MetricSamples(Self.planned)
        var measured = MetricSamples(Self.measured)
        var processorTimes = MetricSamples(Self.processorTimes)
        for status in models {
            let id = status.entry.id
            if let memory = status.memory {
                for (kind, byteCount) in Self.plan(memory) {
                    planned.add(.integer(byteCount), labels: [id, kind])
                }
            }
            guard let usage = processes[id] else { continue }
            let byteCount = status.memory?.residentByteCount ?? usage.residentByteCount
            measured.add(.integer(byteCount), labels: [id])
            processorTimes.add(.number(usage.processorTime / .seconds(1)), labels: [id])
        }
        return [capacity, free, planned, measured, processorTimes]
    }

    /// What a model may take now, by what it is for.
    private static func plan(_ memory: ModelStatus.Memory) -> [(kind: String, byteCount: Int)] {
        let footprint = memory.need.footprint
        let granted = max(0, memory.heldByteCount - memory.need.byteCount)
        let (kv, overflows) = footprint.keptKVByteCount.addingReportingOverflow(granted)
        return [
            ("weights", footprint.weightByteCount),
            ("scratch", footprint.scratchByteCount),
            ("kv", overflows ? .max : kv),
            ("process", memory.need.overheadByteCount),
        ]
    }

    private static let capacity = MetricDescription(
        .gauge,
        "torii_memory_capacity_bytes",
        help: "What the weights, keys and values of all models together may take."
    )
    private static let free = MetricDescription(
        .gauge,
        "torii_memory_free_bytes",
        help: "How much of it nobody holds."
    )
    private static let planned = MetricDescription(
        .gauge,
        "torii_model_memory_planned_bytes",
        labels: [.model, .kind],
        help: "What the model may take: its weights, the scratch of its steps, its keys and values "
            + "(kv) with what was granted besides, and the process itself."
    )
    private static let measured = gauge(
        "torii_model_memory_resident_bytes",
        "What the model's worker process has in memory, as the system counts it."
    )
    private static let processorTimes = MetricDescription(
        .counter,
        "torii_worker_cpu_seconds_total",
        labels: [.model],
        help: "Processor time of the model's worker process, all threads together."
    )
}
