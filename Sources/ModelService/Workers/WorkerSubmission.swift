import WorkerProtocol

/// What a worker can be asked to compute, whose events come back over time.
enum WorkerSubmission: Sendable {
    /// Text that goes on from a prompt.
    case generation(GenerationRequest)
    /// Vectors or scores of texts.
    case embedding(EmbeddingRequest)

    /// On whose behalf.
    var account: GenerationAccount {
        switch self {
        case .generation(let request): request.account
        case .embedding(let request): request.account
        }
    }

    /// The same computed with an adapter.
    func adapted(by name: String?) -> WorkerSubmission {
        switch self {
        case .generation(var request):
            request.adapter = name
            return .generation(request)
        case .embedding(var request):
            request.adapter = name
            return .embedding(request)
        }
    }

    /// The message that submits it under an id.
    ///
    /// - Parameters:
    ///   - id: Unique among what the worker has not answered.
    ///   - queueTimeout: How long it may wait for its first step if it doesn't say so itself.
    /// - Returns: The message.
    func message(id: UInt64, queueTimeout: Duration) -> GatewayMessage {
        switch self {
        case .generation(var request):
            request.id = id
            request.queueTimeout = request.queueTimeout ?? queueTimeout
            return .generate(request)
        case .embedding(var request):
            request.id = id
            request.queueTimeout = request.queueTimeout ?? queueTimeout
            return .embed(request)
        }
    }
}
