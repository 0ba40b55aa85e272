package import Platform
package import Telemetry
import WorkerProtocol

/// When the parts of one request's answer came from its worker, whatever its reader has read.
///
/// Pure. Every figure is handed out once: what `take` returned is not returned again, so that a
/// long answer can be counted while it grows.
package struct GenerationTimings: Sendable {
    /// What has been measured since the last look.
    package struct News: Sendable, Hashable {
        /// From the worker's acceptance of the first choice to the first step that computed one.
        package var queueDuration: Duration?
        /// When the first piece of output came.
        package var firstOutput: MonotonicInstant?
        /// Seconds between pieces of output, each choice by itself.
        ///
        /// A piece has one token, or several where guesses were right; a token whose text is held
        /// back comes with a later piece.
        package var intervals = HistogramTally(bounds: GenerationTimings.intervalBounds)
    }

    /// The ranges of `News.intervals`, in seconds.
    package static let intervalBounds: [Double] = [
        0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15,
        0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private var news = News()
    private var accepted: MonotonicInstant?
    private var hasStarted = false
    private var hasOutput = false
    private var lastOutputs: [Int: MonotonicInstant] = [:]

    /// Of a request that has just come.
    init() {}

    /// Notes what happened to a choice.
    mutating func receive(_ event: Event, choice: Int, now: MonotonicInstant) {
        switch event {
        case .accepted:
            accepted = accepted ?? now
        case .started:
            if !hasStarted { news.queueDuration = accepted.map { now.duration(since: $0) } }
            hasStarted = true
        case .output:
            if !hasOutput { news.firstOutput = now }
            hasOutput = true
            if let last = lastOutputs.updateValue(now, forKey: choice) {
                news.intervals.record(now.duration(since: last))
            }
        }
    }

    /// What is measured.
    enum Event: Sendable, Hashable {
        case accepted
        case started
        case output

        /// The part of a generation's event that is measured, if any.
        init?(_ event: GenerationEvent) {
            switch event {
            case .accepted: self = .accepted
            case .started: self = .started
            case .delta, .reasoning, .toolCall, .toolArguments: self = .output
            case .queued, .embedded, .finished, .failed: return nil
            }
        }
    }

    /// What has been measured since the last call.
    mutating func take() -> News {
        defer { news = News() }
        return news
    }
}
