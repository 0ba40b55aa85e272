import APIKeys
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

/// What is known about one request in the end: one line of the log, the `server-timing` header, and
/// what metrics count.
struct RequestRecord {
    /// Why a request ended early that nothing was wrong with.
    enum Cancellation: String, CaseIterable {
        /// Its client has gone.
        case disconnect
        /// An operator has ended it.
        case admin
    }

    /// What was full when a request was refused with 429.
    enum Rejection: String, CaseIterable {
        /// The model's queue, for the key or for all.
        case queue
        /// The wait for the model's load.
        case loadQueue = "load_queue"
        /// The memory for the bodies of requests under way.
        case memory
        /// What the key may use in a minute, or at the same time.
        case key
    }

    var routePath = "none"
    /// Whether this is a probe, which nobody wants to read about.
    var isProbe = false
    /// The model as the client wrote it.
    var model: String?
    /// The catalog's id of the model, of a request without generations.
    var modelID: String?
    /// A look at the request's generations, if it has any.
    var monitor: GenerationMonitor?
    /// The name of the API key, if one was asked for.
    var key: String?
    /// What was asked for of how many texts, if it is no text.
    var embedding: (task: ModelTask, textCount: Int)?
    /// The limits that the request counts for, if it does.
    var limits: KeyTerms?
    /// Whether it has begun to, and must end.
    var isMetered = false
    var load: Duration?
    var queue: Duration?
    var prefill: Duration?
    var decode: Duration?
    var promptTokenCount = 0
    var outputTokenCount = 0
    /// What the client was told about the tokens of the finished generations.
    var usage = UsageTotals()
    /// The generations that ended well.
    var finished: [(reason: FinishReason, usage: GenerationUsage)] = []
    var errorCode: String?
    var cancellation: Cancellation?
    var rejection: Rejection?

    /// Adds a finished generation; of several, the longest times count.
    mutating func add(_ usage: GenerationUsage) {
        queue = max(queue ?? .zero, usage.queueDuration)
        prefill = max(prefill ?? .zero, usage.prefillDuration)
        decode = max(decode ?? .zero, usage.decodeDuration)
        promptTokenCount += usage.promptTokenCount
        outputTokenCount += usage.outputTokenCount
    }

    /// The tokens that the request has used.
    ///
    /// What a request that was cut short has used is known nearly: what of it had arrived.
    var consumption: UsageBook.Counts {
        let isWhole = errorCode == nil && cancellation == nil
        let seen = isWhole ? GenerationProgress() : monitor?.progress ?? GenerationProgress()
        return UsageBook.Counts(
            requests: 1,
            promptTokens: max(usage.promptTokenCount, seen.promptTokenCount),
            cachedTokens: max(usage.cachedTokenCount, seen.cachedTokenCount),
            outputTokens: max(usage.outputTokenCount, seen.outputTokenCount)
        )
    }

    /// The value of `server-timing` (W3C Server Timing): milliseconds of what is known so far, and
    /// the time since the request arrived.
    func serverTiming(total: Duration) -> String {
        let parts: [(String, Duration?)] = [
            ("queue", queue), ("load", load), ("prefill", prefill), ("decode", decode),
            ("total", total),
        ]
        return parts.compactMap { name, duration in
            duration.map { "\(name);dur=\(Self.milliseconds($0))" }
        }
        .joined(separator: ", ")
    }

    /// Milliseconds with one decimal.
    static func milliseconds(_ duration: Duration) -> String {
        let tenths = max(duration / .microseconds(100), 0).rounded()
        return String(tenths / 10)
    }
}
