import Platform
import Scheduling
import WorkerProtocol

/// One embedding request inside the engine: its texts wait, are computed as sequences, and are done.
struct EmbeddingState {
    let embedding: Embedding
    /// Tokens of all texts.
    let tokenCount: Int
    /// The texts that the scheduler knows.
    var submitted: Set<SequenceID> = []
    /// Tokens of those.
    var submittedTokenCount = 0
    /// The text that is submitted next.
    private(set) var nextText = 0
    /// Tokens of the texts from there on.
    private(set) var unsubmittedTokenCount: Int
    /// Tokens that needed no computation.
    var cachedTokenCount = 0
    /// The place in the queue that the client was told last.
    var announcedPosition: Int?

    private let arrival: MonotonicInstant
    private var started: MonotonicInstant?

    init(_ embedding: Embedding, now: MonotonicInstant) {
        self.embedding = embedding
        tokenCount = embedding.tokenCount
        unsubmittedTokenCount = tokenCount
        arrival = now
    }

    var request: EmbeddingRequest { embedding.request }

    /// Whether any text has been computed, or is.
    var hasStarted: Bool { started != nil }

    /// Whether every text is done.
    var isComplete: Bool { submitted.isEmpty && nextText == embedding.texts.count }

    mutating func start(now: MonotonicInstant) { started = started ?? now }

    /// The next text that the scheduler shall know; nil if there is none.
    mutating func takeText() -> (index: Int, tokens: [Int32])? {
        guard nextText < embedding.texts.count else { return nil }
        defer { nextText += 1 }
        let tokens = embedding.texts[nextText]
        unsubmittedTokenCount -= tokens.count
        return (nextText, tokens)
    }

    func usage(now: MonotonicInstant) -> GenerationUsage {
        GenerationUsage(
            promptTokenCount: tokenCount,
            cachedTokenCount: cachedTokenCount,
            outputTokenCount: 0,
            queueDuration: (started ?? now).duration(since: arrival),
            prefillDuration: started.map { now.duration(since: $0) } ?? .zero
        )
    }
}

/// One text of an embedding request while the scheduler knows it.
struct EmbeddedText {
    /// The request's id.
    let request: UInt64
    /// Its number among the request's texts.
    let index: Int
    let tokenCount: Int
    let adapter: AttachedAdapter?
    /// What has been pooled of its hidden states.
    var pool: HiddenStatePool
}
