package import WorkerProtocol

/// The right to use a resident model.
///
/// The model stays resident while a lease lives; the lease ends when the last reference to it goes
/// away.
///
/// Safe from any thread. When the worker dies meanwhile, everything asked through the lease fails
/// with `workerDied`, and a new lease gets a new worker.
package final class ModelLease: Sendable {
    /// The catalog's id of the model.
    package let model: String
    /// What the worker knows about the model.
    package let facts: ModelFacts
    let worker: WorkerProcess
    /// How long a generation may wait for its first step.
    let queueTimeout: Duration
    private let limits: ModelServiceLimits
    private let ended: @Sendable () -> Void

    init(
        model: String,
        facts: ModelFacts,
        worker: WorkerProcess,
        queueTimeout: Duration,
        limits: ModelServiceLimits,
        ended: @escaping @Sendable () -> Void
    ) {
        self.model = model
        self.facts = facts
        self.worker = worker
        self.queueTimeout = queueTimeout
        self.limits = limits
        self.ended = ended
    }

    deinit { ended() }

    /// Submits the generations of one request, one choice each, and returns their events.
    package func generate(_ requests: [GenerationRequest]) -> GenerationStream {
        let exchange = GenerationExchange(choiceCount: requests.count, limits: limits)
        exchange.begin(requests.map { .generation($0) }, on: self, waited: .zero)
        return GenerationStream(exchange, lease: nil)
    }

    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - specialTokens: Whether names of control tokens in it become those tokens.
    ///   - addsBeginningToken: Whether the model's beginning token, if it wants one, comes first.
    /// - Returns: Token ids.
    /// - Throws: What the worker answered, or `workerDied`.
    package func tokenize(
        _ text: String,
        specialTokens: Bool,
        addsBeginningToken: Bool
    ) async throws(GenerationFailure) -> [Int32] {
        let answer = try await worker.ask { id in
            .tokenize(
                id: id,
                text: text,
                specialTokens: specialTokens,
                addsBeginningToken: addsBeginningToken
            )
        }
        guard case .tokens(let tokens) = answer else { throw .wrongAnswer }
        return tokens
    }

    /// The bytes of each of some tokens; of a control token those of its name.
    package func pieces(of tokens: [Int32]) async throws(GenerationFailure) -> [[UInt8]] {
        let answer = try await worker.ask { .pieces(id: $0, tokens: tokens) }
        guard case .pieces(let pieces) = answer, pieces.count == tokens.count else {
            throw .wrongAnswer
        }
        return pieces
    }

    /// The text of tokens.
    package func detokenize(_ tokens: [Int32]) async throws(GenerationFailure) -> String {
        try await text { .detokenize(id: $0, tokens: tokens) }
    }

    /// The prompt that the model's chat template makes of a conversation.
    package func applyTemplate(_ prompt: ChatPrompt) async throws(GenerationFailure) -> String {
        try await text { .applyTemplate(id: $0, prompt) }
    }

    /// The tokens that a prompt has, those included that the model wants around it.
    package func countTokens(of prompt: Prompt) async throws(GenerationFailure) -> Int {
        let answer = try await worker.ask { .countTokens(id: $0, prompt) }
        guard case .count(let count) = answer else { throw .wrongAnswer }
        return count
    }

    private func text(
        _ message: (UInt64) -> GatewayMessage
    ) async throws(GenerationFailure) -> String {
        guard case .text(let text) = try await worker.ask(message) else { throw .wrongAnswer }
        return text
    }
}

extension GenerationFailure {
    fileprivate static let wrongAnswer = GenerationFailure(
        kind: .internalFailure,
        message: "The process that runs this model answered another question."
    )
}
