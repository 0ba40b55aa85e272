import ModelService
import Platform
import Telemetry
import WorkerProtocol

/// What the gateway counts about requests.
///
/// Safe from any thread. A request is counted once, at its end, with a few locks held for an
/// addition each; what takes its time until then, a look at the metrics fetches from it.
final class GatewayMetrics: Sendable {
    let requests = CounterFamily(
        counter: "torii_requests_total",
        labels: [.route, .model, .key, .code],
        help: "HTTP requests that have ended, by route and status; 499 if the client left before."
    )
    let errors = CounterFamily(
        counter: "torii_request_errors_total",
        labels: [.model, .error],
        help: "Requests that ended with an error, also after the head of a stream was sent; "
            + "without cancelled ones."
    )
    let rejected = CounterFamily(
        counter: "torii_requests_rejected_total",
        labels: [.model, .key, .reason],
        help: "Requests refused with 429: the model's queue (queue), the wait for its load "
            + "(load_queue) or the memory for request bodies (memory) was full, or the key's own "
            + "limit (key) was reached."
    )
    let cancelled = CounterFamily(
        counter: "torii_requests_cancelled_total",
        labels: [.model, .key, .phase, .reason],
        help: "Generation requests ended early, by where they were then, because the client left "
            + "(disconnect) or an operator ended them (admin)."
    )
    let generations = CounterFamily(
        counter: "torii_generations_total",
        labels: [.model, .key, .reason],
        help: "Generations that ended well, by the reason; each choice is one."
    )
    let embeddedTexts = CounterFamily(
        counter: "torii_embedded_texts_total",
        labels: [.model, .key, .task],
        help: "Texts of which vectors (embed) or scores beside a query (rerank) were made."
    )
    let promptTokens = CounterFamily(
        counter: "torii_prompt_tokens_total",
        labels: [.model, .key],
        help: "Prompt tokens of requests that have ended, as in their usage."
    )
    let cachedTokens = CounterFamily(
        counter: "torii_prompt_tokens_cached_total",
        labels: [.model, .key],
        help: "Prompt tokens of requests that have ended which needed no computation."
    )
    let outputTokens = CounterFamily(
        counter: "torii_generation_tokens_total",
        labels: [.model, .key],
        help: "Output tokens of requests that have ended, as in their usage."
    )
    let firstTokenTimes = HistogramFamily(
        histogram: "torii_time_to_first_token_seconds",
        labels: [.model, .key],
        bounds: GatewayMetrics.waitBounds,
        help: "From a request's arrival to the first piece of its answer, loading included."
    )
    let interTokenTimes = HistogramFamily(
        histogram: "torii_inter_token_latency_seconds",
        labels: [.model],
        bounds: GenerationTimings.intervalBounds,
        help: "Between two pieces of an answer as they come from the model; a piece is a token, or "
            + "several where guesses were right."
    )
    let tokenTimes = HistogramFamily(
        histogram: "torii_request_time_per_output_token_seconds",
        labels: [.model],
        bounds: GenerationTimings.intervalBounds,
        help: "Mean time per output token after the first, of generations that ended well."
    )
    let totalTimes = HistogramFamily(
        histogram: "torii_e2e_request_latency_seconds",
        labels: [.model, .key],
        bounds: GatewayMetrics.waitBounds,
        help: "From the arrival of a generation request that ended well to its end."
    )
    let queueTimes = HistogramFamily(
        histogram: "torii_request_queue_time_seconds",
        labels: [.model, .key],
        bounds: GatewayMetrics.waitBounds,
        help: "How long a request waited in the model's queue for its first step."
    )
    let loadTimes = HistogramFamily(
        histogram: "torii_request_load_time_seconds",
        labels: [.model],
        bounds: GatewayMetrics.waitBounds,
        help: "How long a request waited for its model; nearly 0 if it was in memory."
    )
    let prefillTimes = HistogramFamily(
        histogram: "torii_request_prefill_time_seconds",
        labels: [.model],
        bounds: GatewayMetrics.waitBounds,
        help: "From a generation's first step to its first token."
    )
    let decodeTimes = HistogramFamily(
        histogram: "torii_request_decode_time_seconds",
        labels: [.model],
        bounds: GatewayMetrics.waitBounds,
        help: "From a generation's first token to its last."
    )

    private static let waitBounds: [Double] = [
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160,
        320, 640,
    ]

    /// Everything that has been counted.
    var samples: [MetricSamples] {
        [
            requests.samples, errors.samples, rejected.samples, cancelled.samples,
            generations.samples, embeddedTexts.samples, promptTokens.samples, cachedTokens.samples,
            outputTokens.samples,
            firstTokenTimes.samples, interTokenTimes.samples, tokenTimes.samples,
            totalTimes.samples, queueTimes.samples, loadTimes.samples, prefillTimes.samples,
            decodeTimes.samples,
        ]
    }
}

extension MetricLabel {
    static let route = MetricLabel("route")
    static let code = MetricLabel("code")
    static let phase = MetricLabel("phase")
    static let reason = MetricLabel("reason")
    static let state = MetricLabel("state")
    static let kind = MetricLabel("kind")
    static let task = MetricLabel("task")
    /// Ids of the catalog, never what a client wrote; new files make new ones.
    static let model = MetricLabel("model", isOpen: true)
    /// Names of keys, which operators give.
    static let key = MetricLabel("key", isOpen: true)
    /// Codes of the error envelope.
    static let error = MetricLabel("error", isOpen: true)
}
