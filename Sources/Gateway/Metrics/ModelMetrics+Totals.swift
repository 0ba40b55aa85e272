import ModelService
import Telemetry
import WorkerProtocol

// What has happened since the start.
extension ModelMetrics {
    /// What the workers' engines have done, over all workers that a model has had.
    var work: [MetricSamples] {
        Self.workCounters.map { description, value in
            var samples = MetricSamples(description)
            for (id, totals) in totals { samples.add(value(totals.work), labels: [id]) }
            return samples
        }
    }

    private static let workCounters:
        [(MetricDescription, @Sendable (WorkerStatus) -> MetricSamples.Value)] = [
            (
                counter(
                    "torii_engine_prompt_tokens_total",
                    "Prompt tokens computed, as they are computed; without cached ones."
                ),
                { .integer($0.promptTokenTotal) }
            ),
            (
                counter(
                    "torii_engine_generation_tokens_total",
                    "Output tokens generated, as they are generated."
                ),
                { .integer($0.outputTokenTotal) }
            ),
            (
                counter(
                    "torii_engine_steps_total",
                    "Steps computed, each for a batch of sequences."
                ),
                { .integer($0.stepTotal) }
            ),
            (
                counter(
                    "torii_engine_busy_seconds_total",
                    "Time in which the model's engine computed: its rate is the model's share of "
                        + "the machine, 0 to 1."
                ),
                { .number(Double($0.busyNanosecondTotal) / 1e9) }
            ),
            (
                counter(
                    "torii_prefix_cache_queries_total",
                    "Prompt tokens that the prefix cache was asked for, counted as sequences end."
                ),
                { .integer($0.lookedUpTokenTotal) }
            ),
            (
                counter("torii_prefix_cache_hits_total", "How many of them it had."),
                { .integer($0.cachedTokenTotal) }
            ),
            (
                counter(
                    "torii_preemptions_total",
                    "Sequences whose keys and values were given up for others."
                ),
                { .integer($0.preemptionTotal) }
            ),
            (
                counter(
                    "torii_speculation_draft_tokens_total",
                    "Guessed tokens that were checked."
                ),
                { .integer($0.draftTokenTotal) }
            ),
            (
                counter(
                    "torii_speculation_accepted_tokens_total",
                    "Guessed tokens that were right."
                ),
                { .integer($0.acceptedDraftTokenTotal) }
            ),
        ]

    /// Loads, unloads and crashes.
    var past: [MetricSamples] {
        var loads = MetricSamples(Self.loads)
        var durations = MetricSamples(Self.loadDurations)
        var unloads = MetricSamples(Self.unloads)
        var crashes = MetricSamples(Self.crashes)
        var outOfMemory = MetricSamples(Self.outOfMemory)
        for (id, totals) in totals {
            for end in WorkerEnding.Load.allCases {
                loads.add(.integer(totals.loads[end] ?? 0), labels: [id, end.rawValue])
            }
            durations.add(.histogram(totals.loadDurations), labels: [id])
            for reason in UnloadReason.allCases {
                unloads.add(.integer(totals.unloads[reason] ?? 0), labels: [id, reason.rawValue])
            }
            crashes.add(.integer(totals.crashCount), labels: [id])
            outOfMemory.add(.integer(totals.outOfMemoryCount), labels: [id])
        }
        return [loads, durations, unloads, crashes, outOfMemory]
    }

    private static let loads = MetricDescription(
        .counter,
        "torii_model_loads_total",
        labels: [.model, MetricLabel("outcome")],
        help: "Loads that have ended: ok, failed, or cancelled, that is, unloaded before, refused "
            + "for want of memory, or wanted by nobody any more."
    )
    private static let loadDurations = MetricDescription(
        .histogram,
        "torii_model_load_duration_seconds",
        labels: [.model],
        help: "From the start of a worker until its model was in memory."
    )
    private static let unloads = MetricDescription(
        .counter,
        "torii_model_unloads_total",
        labels: [.model, .reason],
        help: "Unloads: on request, when idle, evicted for another model, under memory pressure, "
            + "because file or settings changed, or at shutdown."
    )
    private static let crashes = counter(
        "torii_worker_crashes_total",
        "Worker processes that died, or were killed because they fell silent."
    )
    private static let outOfMemory = counter(
        "torii_worker_out_of_memory_total",
        "Worker processes that the kernel killed because their memory had ended; it is known where "
            + "they have control groups."
    )

    private static func counter(_ name: String, _ help: String) -> MetricDescription {
        MetricDescription(.counter, name, labels: [.model], help: help)
    }
}
