import OpenAIAPI
import Platform
import WorkerProtocol

/// What is known about one request in the end: one line of the log, and the `server-timing` header.
struct RequestRecord {
    var routePath = "none"
    /// Whether this is a probe, which nobody wants to read about.
    var isProbe = false
    var model: String?
    /// The name of the API key, if one was asked for.
    var key: String?
    var load: Duration?
    var queue: Duration?
    var prefill: Duration?
    var decode: Duration?
    var promptTokenCount = 0
    var outputTokenCount = 0
    var errorCode: String?

    /// Adds a finished generation; of several, the longest times count.
    mutating func add(_ usage: GenerationUsage) {
        queue = max(queue ?? .zero, usage.queueDuration)
        prefill = max(prefill ?? .zero, usage.prefillDuration)
        decode = max(decode ?? .zero, usage.decodeDuration)
        promptTokenCount += usage.promptTokenCount
        outputTokenCount += usage.outputTokenCount
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
