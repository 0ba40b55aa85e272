import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

/// The vectors or scores of one request's texts.
struct EmbeddingAnswer: WholeAnswer {
    /// How the endpoint writes them.
    enum Form: Sendable {
        case embeddings(EmbeddingsResponse)
        case rerank(RerankResponse)
    }

    private let form: Form
    /// By text; empty until it has come.
    private var vectors: [[Float]]

    init(_ form: Form, count: Int) {
        self.form = form
        vectors = Array(repeating: [], count: count)
    }

    mutating func absorb(_ element: GenerationStream.Element) throws(APIError) {
        switch element {
        case .leased(let facts, _):
            if case .embeddings(let response) = form { try check(response, facts) }
        case .event(_, .embedded(let index, let values)):
            guard vectors.indices.contains(index), !values.isEmpty else { return }
            vectors[index] = values
        case .event, .loading, .idle: break
        }
    }

    /// Only now is known how long the model's vectors are.
    private func check(_ response: EmbeddingsResponse, _ facts: ModelFacts) throws(APIError) {
        guard facts.tasks.contains(.embed), let wanted = response.dimensionCount,
            wanted > facts.embeddingLength
        else { return }
        throw .invalidRequest(
            "Invalid 'dimensions': this model's vectors have \(facts.embeddingLength) dimensions, "
                + "and a shorter vector was expected, but got \(wanted).",
            parameter: "dimensions",
            code: "integer_above_max_value"
        )
    }

    func bytes(usage: UsageTotals) -> [UInt8] {
        switch form {
        case .embeddings(let response):
            response.bytes(vectors: vectors, tokenCount: usage.promptTokenCount)
        case .rerank(let response):
            response.json(
                scores: vectors.map { $0.first ?? 0 },
                tokenCount: usage.promptTokenCount
            )
            .serializedBytes()
        }
    }
}
