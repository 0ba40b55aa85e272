package import WorkerProtocol

/// An embedding request with its texts' tokens.
package struct Embedding: Sendable {
    /// What was asked for.
    package var request: EmbeddingRequest
    /// The tokens of each text, those included that the model wants around it.
    package var texts: [[Int32]]
    /// What is added to the model's weights for it; nil: nothing.
    package var adapter: AttachedAdapter?

    /// Makes an embedding of `request.work.count` texts.
    package init(
        request: EmbeddingRequest,
        texts: [[Int32]],
        adapter: AttachedAdapter? = nil
    ) {
        self.request = request
        self.texts = texts
        self.adapter = adapter
    }

    /// Tokens of all texts.
    var tokenCount: Int { texts.reduce(0) { $0 + $1.count } }
}
