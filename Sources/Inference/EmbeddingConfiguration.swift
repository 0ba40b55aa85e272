package import Transformers
package import WorkerProtocol

/// How the engine of a model that generates nothing makes vectors or scores.
package struct EmbeddingConfiguration: Sendable, Hashable {
    /// What can be asked of the model: `embed` or `rerank`.
    package var task: ModelTask
    /// Which hidden states make the vector.
    package var pooling: Pooling
    /// Whether the tokens of a text see each other, so that they are computed together.
    package var isEncoder: Bool
    /// E: components of a hidden state.
    package var embeddingLength: Int
    /// Texts of one request that the scheduler knows at a time; 128.
    ///
    /// They fill a step, even if they are short, and more would only be sorted again for each.
    package var submittedTextCount: Int

    /// Makes a configuration.
    package init(
        task: ModelTask,
        pooling: Pooling,
        isEncoder: Bool,
        embeddingLength: Int,
        submittedTextCount: Int = 128
    ) {
        self.task = task
        self.pooling = pooling
        self.isEncoder = isEncoder
        self.embeddingLength = embeddingLength
        self.submittedTextCount = max(1, submittedTextCount)
    }
}
