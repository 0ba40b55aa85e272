import WorkerProtocol

/// What a fake embedding does, by its first text.
///
/// Any text: the vectors `(0.1, -2.5e-08, i, n)` of text number i with n bytes or tokens, the last
/// first; or the scores 1 / n. `!die`: the process dies. `!hang`: accepted, then nothing. `!overloaded`,
/// `!long`, `!nan`: that failure.
struct EmbeddingScript {
    enum Outcome {
        case events([GenerationEvent])
        case die
        case hang
    }

    static let vectorLength = 4

    let outcome: Outcome

    init(_ request: EmbeddingRequest, task: ModelTask) {
        guard request.work.task == task else {
            outcome = .failed(.invalidRequest(parameter: "model"))
            return
        }
        let first: String
        let vectors: [[Float]]
        switch request.work {
        case .embed(let inputs, _):
            if case .text(let text)? = inputs.first { first = text } else { first = "" }
            vectors = inputs.enumerated().map { [0.1, -2.5e-08, Float($0), Self.size($1)] }
        case .rerank(let query, let documents):
            first = query
            vectors = documents.map { [1 / Float($0.utf8.count)] }
        }
        switch first {
        case "!die": outcome = .die
        case "!hang": outcome = .hang
        case "!overloaded": outcome = .failed(.overloaded(Script.admission))
        case "!nan": outcome = .failed(.nonFiniteLogits)
        case "!long":
            outcome = .failed(
                .textTooLong(parameter: "input[0]", tokenCount: 600, contextLength: 512)
            )
        default:
            var events: [GenerationEvent] = [
                .accepted(Script.admission), .started(promptTokenCount: 7, cachedTokenCount: 0),
            ]
            events += vectors.indices.reversed().map { .embedded(index: $0, vectors[$0]) }
            let usage = GenerationUsage(promptTokenCount: 7, outputTokenCount: 0)
            outcome = .events(events + [.finished(.stop, usage)])
        }
    }

    private static func size(_ input: EmbeddingRequest.Input) -> Float {
        switch input {
        case .text(let text): Float(text.utf8.count)
        case .tokens(let tokens): Float(tokens.count)
        }
    }
}

extension EmbeddingScript.Outcome {
    fileprivate static func failed(_ kind: GenerationFailure.Kind) -> EmbeddingScript.Outcome {
        .events([.failed(GenerationFailure(kind: kind, message: "as the script says"))])
    }
}
