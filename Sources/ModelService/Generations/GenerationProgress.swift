package import WorkerProtocol

/// How far one request's generations are: what a waiting client and an operator are told.
///
/// A snapshot. Of several choices, the one that is furthest counts, and tokens are added up.
package struct GenerationProgress: Sendable, Hashable {
    /// Where the request is.
    ///
    /// It only moves down this list.
    package enum State: Sendable, Hashable {
        /// It waits for its model; the fraction loaded, 0...1.
        case loading(fraction: Double)
        /// It waits for its first step as the `position`th, 1...; nil while the worker has not said.
        case queued(position: Int?)
        /// Its prompt is computed.
        case prefill
        /// Its answer grows.
        case decoding
    }

    /// The catalog's id of its model; nil before the name that the client wrote is known.
    package private(set) var model: String?
    /// Where the request is.
    package private(set) var state = State.loading(fraction: 0)
    /// How full the queue was when the worker accepted it; nil before.
    package private(set) var admission: AdmissionState?
    /// Prompt tokens of the choices that have started.
    package private(set) var promptTokenCount = 0
    /// How many of them needed no computation.
    package private(set) var cachedTokenCount = 0
    /// Output tokens so far; a piece of text without token details counts as one.
    package private(set) var outputTokenCount = 0

    /// A request that has just come.
    package init() {}

    /// Whether the worker has taken the request: only defects can fail it from now on, and time.
    package var isAccepted: Bool {
        switch state {
        case .loading, .queued: admission != nil
        case .prefill, .decoding: true
        }
    }

    /// Notes which model is meant.
    mutating func resolve(model id: String) { model = id }

    /// Notes how much of the model is loaded; false if that is no news in whole percent.
    mutating func load(fraction: Double) -> Bool {
        guard case .loading(let known) = state else { return false }
        state = .loading(fraction: min(max(fraction, 0), 1))
        return Int(known * 100) != Int(fraction * 100)
    }

    /// Notes that the model is there.
    mutating func lease() { state = .queued(position: nil) }

    /// Notes what happened to a choice.
    mutating func receive(_ event: GenerationEvent) {
        switch event {
        case .accepted(let admission):
            self.admission = admission
        case .queued(let position):
            if case .queued = state { state = .queued(position: max(position, 1)) }
        case .started(let promptTokenCount, let cachedTokenCount):
            self.promptTokenCount += promptTokenCount
            self.cachedTokenCount += cachedTokenCount
            if case .queued = state { state = .prefill }
        case .delta(_, let tokens):
            outputTokenCount += max(tokens.count, 1)
            state = .decoding
        case .reasoning, .toolCall, .toolArguments:
            outputTokenCount += 1
            state = .decoding
        case .embedded, .finished, .failed: break
        }
    }
}

/// A look at one request's generations from outside, and the means to end them.
///
/// Safe from any thread; does not keep the generations alive.
package struct GenerationMonitor: Sendable {
    private let exchange: GenerationExchange

    init(_ exchange: GenerationExchange) {
        self.exchange = exchange
    }

    /// How far they are now.
    package var progress: GenerationProgress { exchange.progress }

    /// What has been measured since the last call by anybody.
    package func takeTimings() -> GenerationTimings.News { exchange.takeTimings() }

    /// Ends them, wherever they are; the stream's reader gets `ModelServiceError.cancelled`.
    package func cancel() { exchange.cancel() }
}
