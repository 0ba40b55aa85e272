import Platform
import WorkerProtocol

/// The events of one request that its reader has not taken yet.
///
/// Pure.
///
/// Bounded: text that piles up is joined into fewer events; above the high-water mark a clock runs,
/// and when it runs out, or at the maximum, the choice whose event came is failed. A reader that
/// keeps up never notices.
struct GenerationQueue {
    /// What a reader gets.
    enum Next {
        case element(GenerationStream.Element)
        case error(ModelServiceError)
        case end
    }

    /// How far the generations are, whatever the reader has read.
    private(set) var progress = GenerationProgress()
    /// When its parts came.
    var timings = GenerationTimings()
    private var elements: [GenerationStream.Element] = []
    private var head = 0
    private var byteCount = 0
    private var error: ModelServiceError?
    private var openChoices: Set<Int>
    private var aboveSince: MonotonicInstant?
    private let limits: ModelServiceLimits

    /// Unread events beyond which text is joined.
    private static let joinCount = 64

    init(choiceCount: Int, limits: ModelServiceLimits) {
        openChoices = Set(0..<choiceCount)
        self.limits = limits
    }

    /// Whether nothing more will be put in.
    var isComplete: Bool { openChoices.isEmpty || error != nil }

    /// The name that the client wrote means this model.
    mutating func putModel(_ id: String) { progress.resolve(model: id) }

    /// The worker is there.
    mutating func putLease(facts: ModelFacts, waited: Duration) {
        progress.lease()
        elements.append(.leased(facts, waited: waited))
    }

    /// The worker reads the model.
    mutating func putLoading(fraction: Double) {
        guard progress.load(fraction: fraction) else { return }
        if head < elements.count, case .loading = elements[elements.count - 1] {
            elements.removeLast()
        }
        elements.append(.loading(fraction: fraction))
    }

    /// There will be no worker.
    mutating func putError(_ error: ModelServiceError) {
        if self.error == nil { self.error = error }
    }

    /// Takes an event; false when the choice had to be failed because the reader is behind.
    ///
    /// Events of a choice that has ended are dropped.
    mutating func put(_ event: GenerationEvent, choice: Int, now: MonotonicInstant) -> Bool {
        guard openChoices.contains(choice) else { return true }
        progress.receive(event)
        if let event = GenerationTimings.Event(event) {
            timings.receive(event, choice: choice, now: now)
        }
        if event.isLast {
            openChoices.remove(choice)
        } else if isTooFarBehind(now: now) {
            openChoices.remove(choice)
            let failure = GenerationFailure(
                kind: .internalFailure,
                message: "The client reads its answer too slowly."
            )
            elements.append(.event(choice: choice, .failed(failure)))
            return false
        }
        byteCount += Self.cost(event)
        if !join(event, choice: choice) { elements.append(.event(choice: choice, event)) }
        return true
    }

    /// The next element; nil when the reader must wait.
    mutating func take() -> Next? {
        guard head < elements.count else {
            if let error { return .error(error) }
            return openChoices.isEmpty ? .end : nil
        }
        let element = elements[head]
        head += 1
        if case .event(_, let event) = element { byteCount -= Self.cost(event) }
        if byteCount <= limits.streamHighWaterByteCount { aboveSince = nil }
        if head == elements.count {
            elements.removeAll(keepingCapacity: head <= 1024)
            head = 0
        }
        return .element(element)
    }

    private mutating func isTooFarBehind(now: MonotonicInstant) -> Bool {
        guard byteCount > limits.streamHighWaterByteCount else {
            aboveSince = nil
            return false
        }
        guard let since = aboveSince else {
            aboveSince = now
            return byteCount > limits.maximumStreamByteCount
        }
        return byteCount > limits.maximumStreamByteCount
            || now.duration(since: since) > limits.streamStallTimeout
    }

    /// Adds the event's text to the last unread one of the same choice, or replaces an old position
    /// in the queue.
    private mutating func join(_ event: GenerationEvent, choice: Int) -> Bool {
        if case .queued = event, head < elements.count,
            case .event(choice, .queued) = elements[elements.count - 1]
        {
            elements[elements.count - 1] = .event(choice: choice, event)
            return true
        }
        guard elements.count - head >= Self.joinCount,
            case .event(choice, let last)? = elements.last, let joined = Self.joined(last, event)
        else { return false }
        elements[elements.count - 1] = .event(choice: choice, joined)
        return true
    }

    /// Two events of one choice as one, if they are of one kind.
    private static func joined(
        _ first: GenerationEvent,
        _ second: GenerationEvent
    ) -> GenerationEvent? {
        switch (first, second) {
        case (.delta(let text, let tokens), .delta(let moreText, let moreTokens)):
            .delta(text: text + moreText, tokens: tokens + moreTokens)
        case (.reasoning(let text), .reasoning(let more)): .reasoning(text: text + more)
        case (.toolArguments(let index, let text), .toolArguments(let other, let more))
        where index == other:
            .toolArguments(index: index, text: text + more)
        default: nil
        }
    }

    /// Roughly the memory that an event keeps, in bytes; additive, so that joined events cost the
    /// sum of theirs.
    private static func cost(_ event: GenerationEvent) -> Int {
        switch event {
        case .delta(let text, let tokens):
            tokens.reduce(text.utf8.count) { sum, token in
                sum + 64 + token.bytes.count + token.top.reduce(0) { $0 + 32 + $1.bytes.count }
            }
        case .reasoning(let text), .toolArguments(_, let text): text.utf8.count
        // Vectors end with the texts of the request, and whoever reads them keeps them all anyway.
        case .accepted, .queued, .started, .toolCall, .embedded, .finished, .failed: 0
        }
    }
}
